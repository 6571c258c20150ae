import {
  dayOf,
  openName,
  sealedName,
  startOfDayMs,
  ticksFolder,
} from "../../../../lib/capture/day_path.ts";
import { TICK_HEADER } from "../../../../lib/capture/tick_row.ts";
import { formatTickRow } from "../../../../lib/capture/tick_row_encoder.ts";
import type { Checkpoint, Segment, TickLogReader } from "../../../../lib/log/tick_log.ts";
import {
  compareIds,
  formatId,
  nextId,
  NO_TICK,
  type TickId,
} from "../../../../lib/market/tick_id.ts";
import { type Tick, Ticks } from "../../../../lib/market/tick.ts";
import type { RowBlock } from "../../../../workers/gateway/queries/row_block.ts";

export const SYMBOL = "EURUSD";
const FOLDER = ticksFolder(SYMBOL, "fx");
export const TICK: Tick = {
  serverMs: 7_200_000,
  bid: 1.08,
  ask: 1.0801,
  last: NaN,
  volume: 0,
  flags: 6,
};

/** A tick whose place in the log is decided. */
export interface PlacedTick {
  readonly id: TickId;
  readonly utcMs: number;
  readonly row: string;
}

/** Ticks at these UTC times, in the order of the log, each with a price of its own. */
export function placed(utcTimesMs: readonly number[]): PlacedTick[] {
  let id = NO_TICK;
  return utcTimesMs.map((utcMs, index) => {
    id = nextId(id, utcMs);
    return { id, utcMs, row: `${formatTickRow(packed([utcMs], index), 0, id).trimEnd()}\n` };
  });
}

function packed(utcTimesMs: readonly number[], first: number): Ticks {
  const ticks = Ticks.from(utcTimesMs.map((utcMs, index) => ({
    ...TICK,
    serverMs: utcMs + 7_200_000,
    bid: 1 + (first + index) / 100_000,
  })));
  utcTimesMs.forEach((utcMs, index) => ticks.setUtcMs(index, utcMs));
  return ticks;
}

export function rowsOf(ticks: readonly PlacedTick[]): string {
  return ticks.map(({ row }) => row).join("");
}

/** Writes a day file; part -1 is the open one. */
export async function writeDayFile(
  dataDir: string,
  { day, part }: { day: number; part: number },
  rows: string,
): Promise<string> {
  await Deno.mkdir(`${dataDir}/${FOLDER}`, { recursive: true });
  const path = `${dataDir}/${FOLDER}/${part < 0 ? openName(day) : sealedName(day, part)}`;
  await Deno.writeTextFile(path, TICK_HEADER + rows);
  return path;
}

export function daysOf(ticks: readonly PlacedTick[]): Map<number, PlacedTick[]> {
  return Map.groupBy(ticks, ({ id }) => dayOf(id.ms));
}

export const DAY_START_MS = startOfDayMs(20_000);

/** A log of one symbol in memory, which hands out a few ticks at a time and may be trimmed. */
export class ListLog implements TickLogReader {
  readonly #ticks: readonly PlacedTick[];
  readonly #pageTicks: number;
  trimmedId = NO_TICK;
  reads = 0;

  constructor(ticks: readonly PlacedTick[], { pageTicks = 3 } = {}) {
    this.#ticks = ticks;
    this.#pageTicks = pageTicks;
  }

  read(after: ReadonlyMap<string, TickId>): Promise<Segment[]> {
    this.reads++;
    const position = after.get(SYMBOL) ?? NO_TICK;
    const from = this.#ticks.findIndex(({ id }) => {
      return compareIds(id, position) > 0 && compareIds(id, this.trimmedId) > 0;
    });
    const page = from < 0 ? [] : this.#ticks.slice(from, from + this.#pageTicks);
    const first = page[0], last = page.at(-1);
    if (first === undefined || last === undefined) return Promise.resolve([]);
    const ticks = packed(page.map(({ utcMs }) => utcMs), from);
    return Promise.resolve([{ symbol: SYMBOL, firstId: first.id, lastId: last.id, ticks }]);
  }

  checkpoint(): Promise<Checkpoint> {
    const lastId = this.#ticks.at(-1)?.id ?? NO_TICK;
    return Promise.resolve({
      feed: "test:server:raw",
      lastId,
      highServerMs: 0,
      floorMs: 0,
      watermarkMs: 0,
      ended: false,
      trimmedId: this.trimmedId,
    });
  }

  checkpoints = async () => new Map([[SYMBOL, await this.checkpoint()]]);
  epoch = () => Promise.resolve("test");
  resumeKey = () => Promise.resolve("key");
  symbols = () => Promise.resolve([SYMBOL]);
  newest = () => Promise.resolve([]);
  commit = () => Promise.resolve();
  committed = () => Promise.resolve(new Map<string, TickId>());
  backlog = () => Promise.resolve(new Map<string, number>());
  [Symbol.asyncDispose] = () => Promise.resolve();
}

/** The text of some blocks, which must say of themselves what they hold. */
export async function textOf(blocks: AsyncIterable<RowBlock>): Promise<string> {
  let text = "";
  for await (const { bytes, firstId, lastId } of blocks) {
    const lines = new TextDecoder().decode(bytes);
    const ids = lines.trimEnd().split("\n").map((line) => line.split(",").at(-1));
    if (ids[0] !== formatId(firstId) || ids.at(-1) !== formatId(lastId)) {
      throw new Error(`Cannot trust a block: current ids are ${ids[0]} to ${ids.at(-1)}`);
    }
    text += lines;
  }
  return text;
}
