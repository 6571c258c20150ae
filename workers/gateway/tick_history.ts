import { join } from "node:path";
import { type DayFileName, dayOf, listDayFiles, ticksFolder } from "../../lib/capture/day_path.ts";
import { marketIn } from "../../lib/capture/symbol_market.ts";
import { readTickRow, type TickRow } from "../../lib/capture/tick_row.ts";
import type { TickLogReader } from "../../lib/log/tick_log.ts";
import { compareIds, nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import type { TickQuery } from "./queries.ts";

const LOG_PAGE_TICKS = 2000;
const FILE_CHUNK_BYTES = 256 * 1024;
const NEW_LINE = 10;
/** `timestamp_utc` begins the header; every row begins with a digit or a minus. */
const HEADER_FIRST = 116;

export interface History {
  readonly dataDir: string;
  readonly reader: TickLogReader;
}

/**
 * The ticks of a range in the order of their ids, each once, from the day files and the log together:
 * the files keep what the log has trimmed, the log has what is not yet in a file. A range is over the
 * ids' ms, like the files' days, so a tick that came late lies where its id lies.
 *
 * Holds one chunk of each open file and one page of the log, however long the range is.
 */
export async function* readHistory(history: History, query: TickQuery): AsyncGenerator<TickRow[]> {
  const { dataDir, reader } = history;
  const folder = join(dataDir, ticksFolder(query.symbol, await marketIn(dataDir, query.symbol)));
  const first = startOf(query);
  const days = byDay((await listDayFiles(folder)).filter(({ day }) => {
    return day >= dayOf(first.ms) && day <= dayOf(query.toMs - 1);
  }));
  const filed = filedTicks(folder, days);
  const logged = loggedTicks(reader, query.symbol, first);
  let remaining = query.limit;
  for await (const rows of mergeById([filed, logged])) {
    const wanted = rows.filter(({ id }) => compareIds(id, first) > 0 && id.ms < query.toMs);
    const some = wanted.slice(0, remaining);
    if (some.length > 0) yield some;
    remaining -= some.length;
    const last = rows.at(-1);
    if (remaining === 0 || (last !== undefined && last.id.ms >= query.toMs)) return;
  }
}

/** The greatest id that the answer does not hold. */
function startOf({ fromMs, after }: TickQuery): TickId {
  // No id is before NO_TICK, and Redis takes no negative time.
  const before: TickId = fromMs > 0 ? { ms: fromMs - 1, n: Number.MAX_SAFE_INTEGER } : NO_TICK;
  return after !== undefined && compareIds(after, before) > 0 ? after : before;
}

function byDay(files: readonly DayFileName[]): DayFileName[][] {
  return [...Map.groupBy(files, ({ day }) => day).values()];
}

async function* filedTicks(
  folder: string,
  days: readonly (readonly DayFileName[])[],
): AsyncGenerator<TickRow[]> {
  // An open file and its sealed link may exist side by side for a moment; ids tell them to be one.
  for (const files of days) yield* mergeById(files.map(({ name }) => fileTicks(folder, name)));
}

async function* fileTicks(folder: string, name: string): AsyncGenerator<TickRow[]> {
  const file = await openFile(folder, name);
  if (file === undefined) return;
  using _ = file;
  let kept = new Uint8Array(0);
  const chunk = new Uint8Array(FILE_CHUNK_BYTES);
  for (let length = await file.read(chunk); length !== null; length = await file.read(chunk)) {
    const bytes = new Uint8Array(kept.length + length);
    bytes.set(kept);
    bytes.set(chunk.subarray(0, length), kept.length);
    const rows: TickRow[] = [];
    let from = 0;
    for (let to = bytes.indexOf(NEW_LINE); to >= 0; to = bytes.indexOf(NEW_LINE, from)) {
      const row = bytes[from] === HEADER_FIRST ? undefined : readTickRow(bytes, from, to);
      if (row !== undefined) rows.push(row);
      from = to + 1;
    }
    // What follows the last line end is being written right now; the log has it whole.
    kept = bytes.slice(from);
    if (rows.length > 0) yield rows;
  }
}

/** Undefined when the file was sealed under its final name since the folder was listed. */
async function openFile(folder: string, name: string): Promise<Deno.FsFile | undefined> {
  for (const candidate of [name, name.replace(/\.open$/, "")]) {
    try {
      return await Deno.open(join(folder, candidate));
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
  return undefined;
}

async function* loggedTicks(
  reader: TickLogReader,
  symbol: string,
  after: TickId,
): AsyncGenerator<TickRow[]> {
  for (let position = after;;) {
    const segments = await reader.read(new Map([[symbol, position]]), { maxTicks: LOG_PAGE_TICKS });
    if (segments.length === 0) return;
    for (const { firstId, lastId, ticks } of segments) {
      const rows: TickRow[] = [];
      let id = firstId;
      for (let index = 0; index < ticks.count; index++) {
        if (index > 0) id = nextId(id, ticks.utcMs(index));
        rows.push({ ...ticks.get(index), utcMs: ticks.utcMs(index), id });
      }
      yield rows;
      position = lastId;
    }
  }
}

interface Head {
  readonly source: AsyncGenerator<TickRow[]>;
  rows: TickRow[];
  at: number;
}

/** Joins sources that each ascend by id; of rows with one id the first source's is taken. */
async function* mergeById(
  sources: readonly AsyncGenerator<TickRow[]>[],
): AsyncGenerator<TickRow[]> {
  const heads: Head[] = [];
  try {
    for (const source of sources) heads.push({ source, rows: [], at: 0 });
    for (const head of [...heads]) if (!await refill(head)) heads.splice(heads.indexOf(head), 1);
    while (heads.length > 1) {
      yield stepOf(heads);
      for (const head of [...heads]) {
        if (head.at < head.rows.length || await refill(head)) continue;
        heads.splice(heads.indexOf(head), 1);
      }
    }
    const only = heads[0];
    if (only === undefined) return;
    yield only.rows.slice(only.at);
    yield* only.source;
  } finally {
    for (const source of sources) await source.return(undefined);
  }
}

/** Merges until one of the heads is used up. */
function stepOf(heads: readonly Head[]): TickRow[] {
  const merged: TickRow[] = [];
  for (;;) {
    let least: TickRow | undefined;
    for (const head of heads) {
      const row = head.rows[head.at];
      if (row === undefined) return merged;
      if (least === undefined || compareIds(row.id, least.id) < 0) least = row;
    }
    if (least === undefined) return merged;
    merged.push(least);
    for (const head of heads) {
      const row = head.rows[head.at];
      if (row !== undefined && compareIds(row.id, least.id) === 0) head.at++;
    }
  }
}

async function refill(head: Head): Promise<boolean> {
  const { done, value } = await head.source.next();
  if (done) return false;
  head.rows = value;
  head.at = 0;
  return true;
}
