import { listDayFiles, startOfDayMs, ticksFolder } from "../../../lib/capture/day_path.ts";
import { marketIn } from "../../../lib/capture/symbol_market.ts";
import type { Bar } from "../../../lib/market/bar.ts";
import { barsOfTicks } from "../../../lib/market/bars_of_ticks.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { closeOf, openOf, type Timeframe } from "../../../lib/market/timeframe.ts";
import { readRows } from "./tick_json_rows.ts";
import { type History, readTickRows, type TickRange } from "./tick_rows.ts";

/** How late a tick may come and still count, ms; where the feed states a watermark none comes later. */
const LATE_MS = 5000;
const LONGEST_MONTH_MS = 31 * 86_400_000;
/** A clock changes early on a Sunday, more than this before the market opens. */
const CHANGE_BEFORE_OPEN_MS = 12 * 3_600_000;

export interface TickBarsRequest {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** UTC opens, `[fromMs, toMs)`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Ends the reading; the bars are then not whole. */
  readonly signal: AbortSignal;
}

/** How far the captured ticks of a symbol have come, UTC ms; 0 when there are none. */
export interface Present {
  /** The newest tick, or what the feed has said to have delivered. */
  readonly newestMs: number;
  /** Before this no tick comes any more. */
  readonly overMs: number;
}

export async function presentOf(
  { dataDir, reader }: History,
  symbol: string,
): Promise<Present> {
  const checkpoint = await reader.checkpoint(symbol);
  if (checkpoint !== undefined) {
    const { lastId, watermarkMs } = checkpoint;
    return {
      newestMs: Math.max(lastId.ms, watermarkMs),
      overMs: Math.max(lastId.ms - LATE_MS, watermarkMs),
    };
  }
  // Without a log a sealed day is all there was of it.
  const folder = ticksFolder(symbol, await marketIn(dataDir, symbol));
  const last = (await listDayFiles(`${dataDir}/${folder}`)).at(-1);
  if (last === undefined) return { newestMs: 0, overMs: 0 };
  const newestMs = startOfDayMs(last.day + 1);
  return { newestMs, overMs: last.sealed ? newestMs : startOfDayMs(last.day) };
}

/**
 * The finished bars of a range out of captured ticks, oldest first, on the grid of the server's clock
 * by the ticks' own stamps. The bar in which the capture began is left out: it is not whole.
 */
export async function barsOfHistory(history: History, request: TickBarsRequest): Promise<Bar[]> {
  const { symbol, timeframe, fromMs, toMs, signal } = request;
  const lengthMs = timeframe.lengthMs ?? LONGEST_MONTH_MS;
  // Ids are never before their ticks' times, so a bar's ticks have no ids before its open.
  const after = fromMs > 0 ? { ms: fromMs - 1, n: Number.MAX_SAFE_INTEGER } : NO_TICK;
  const end = { ms: toMs + lengthMs + LATE_MS, n: 0 };
  const present = await presentOf(history, symbol);
  const offsets = new OpenOffsets(timeframe);
  const made = await barsOfTicks(
    { symbol, timeframe: timeframe.label, fromServerMs: -Infinity, toServerMs: Infinity },
    { ticks: ticksOf(history, { symbol, after, end, signal }, offsets), presentServerMs: Infinity },
  );
  const { firstId, newestUtcMs } = offsets;
  if (firstId === undefined) return [];
  const isBegun = await hasTicks(history, { symbol, after: NO_TICK, end: firstId });
  const overMs = Math.max(present.overMs, newestUtcMs - LATE_MS);
  return made.flatMap((bar, index) => {
    const { openServerMs: serverMs, open, high, low, close, tickVolume: volume } = bar;
    const utcMs = serverMs - offsets.at(serverMs);
    const closeMs = utcMs + closeOf(timeframe, serverMs) - serverMs;
    const isWhole = utcMs >= fromMs && closeMs <= overMs && (index > 0 || isBegun);
    return isWhole && utcMs < toMs ? [{ utcMs, serverMs, open, high, low, close, volume }] : [];
  });
}

/** What the server's clock was ahead of UTC where each bar opened, by the ticks around its open. */
class OpenOffsets {
  readonly #timeframe: Timeframe;
  readonly #offsets = new Map<number, number>();
  firstId: TickId | undefined;
  newestUtcMs = 0;
  #fromServerMs = NaN;
  #toServerMs = NaN;
  #lastOffsetMs: number | undefined;

  constructor(timeframe: Timeframe) {
    this.#timeframe = timeframe;
  }

  take({ serverMs, utcMs }: { readonly serverMs: number; readonly utcMs: number }): void {
    if (utcMs > this.newestUtcMs) this.newestUtcMs = utcMs;
    const offsetMs = serverMs - utcMs, before = this.#lastOffsetMs ?? offsetMs;
    this.#lastOffsetMs = offsetMs;
    if (serverMs >= this.#fromServerMs && serverMs < this.#toServerMs) return;
    this.#fromServerMs = openOf(this.#timeframe, serverMs);
    this.#toServerMs = closeOf(this.#timeframe, this.#fromServerMs);
    if (this.#offsets.has(this.#fromServerMs)) return;
    const isLongBefore = serverMs - this.#fromServerMs >= CHANGE_BEFORE_OPEN_MS;
    this.#offsets.set(this.#fromServerMs, isLongBefore ? before : offsetMs);
  }

  at(openServerMs: number): number {
    return this.#offsets.get(openServerMs) ?? this.#lastOffsetMs ?? 0;
  }
}

async function* ticksOf(
  history: History,
  { signal, ...range }: TickRange & { readonly signal: AbortSignal },
  offsets: OpenOffsets,
): AsyncGenerator<Ticks> {
  for await (const { bytes, firstId } of readTickRows(history, range)) {
    if (signal.aborted) return;
    offsets.firstId ??= firstId;
    const rows = readRows(bytes);
    for (const row of rows) offsets.take(row);
    yield Ticks.from(rows);
  }
}

async function hasTicks(history: History, range: TickRange): Promise<boolean> {
  for await (const _ of readTickRows(history, range)) return true;
  return false;
}
