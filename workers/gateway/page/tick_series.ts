import { compareIds, formatId } from "../../../lib/market/tick_id.ts";
import { type Gap, isAfter, type Quote } from "./messages.ts";

/** The newest ticks that are kept; older ones leave and the chart starts later. */
const MAX_TICKS = 50_000;
/** A quarter leaves at once, so that leaving costs little a tick. */
const TRIM_TO = 37_500;

/** Open, high, low and close of the bid, and the last ask, in one interval of UTC time. */
export interface Bucket {
  readonly openMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  ask: number;
}

/** One symbol's ticks, each id once, in the order of the ids, with the known holes between them. */
export class TickSeries {
  readonly symbol: string;
  #ticks: Quote[] = [];
  #gaps: Gap[] = [];

  constructor(symbol: string) {
    this.symbol = symbol;
  }

  get ticks(): readonly Quote[] {
    return this.#ticks;
  }

  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  get last(): Quote | undefined {
    return this.#ticks.at(-1);
  }

  get ids(): string[] {
    return this.#ticks.map(({ id }) => formatId(id));
  }

  /**
   * Takes ticks in any order and with repeats. Returns `appended` when all that was new came after
   * what was there, `merged` when not, `none` when nothing was new.
   */
  add(quotes: readonly Quote[]): "none" | "appended" | "merged" {
    if (quotes.length === 0) return "none";
    const before = this.#ticks.length;
    let inOrder = true;
    for (const quote of quotes) {
      const last = this.last;
      inOrder = last === undefined || isAfter(quote, last);
      if (!inOrder) break;
      this.#ticks.push(quote);
    }
    let outcome: "none" | "appended" | "merged" = "appended";
    if (!inOrder) {
      const rest = quotes.slice(this.#ticks.length - before);
      const newest = this.#ticks[before - 1];
      const merged = mergeById(this.#ticks, rest);
      if (merged.length === before) outcome = "none";
      else outcome = merged[before - 1] === newest ? "appended" : "merged";
      this.#ticks = merged;
    }
    if (this.#ticks.length <= MAX_TICKS) return outcome;
    this.#ticks = this.#ticks.slice(-TRIM_TO);
    const oldestMs = this.#ticks[0]?.utcMs ?? 0;
    this.#gaps = this.#gaps.filter((gap) => gap.toMs >= oldestMs);
    return "merged";
  }

  addGap(gap: Gap): void {
    this.#gaps.push(gap);
  }

  removeGap(gap: Gap): void {
    this.#gaps = this.#gaps.filter((other) => other !== gap);
  }

  clear(): void {
    this.#ticks = [];
    this.#gaps = [];
  }
}

function mergeById(a: readonly Quote[], b: readonly Quote[]): Quote[] {
  const all = [...a, ...b].sort((x, y) => compareIds(x.id, y.id));
  return all.filter((quote, index) => {
    const previous = all[index - 1];
    return previous === undefined || compareIds(previous.id, quote.id) !== 0;
  });
}

/**
 * Adds ticks from index `from` on to the buckets of their true time. A tick that came late goes to
 * the bucket it belongs to, as a part of its high and low only: the close is of the newest tick.
 * Returns the index of the first bucket that changed.
 */
export function fillBuckets(
  buckets: Bucket[],
  ticks: readonly Quote[],
  { from, intervalMs }: { readonly from: number; readonly intervalMs: number },
): number {
  let firstChanged = buckets.length;
  for (let index = from; index < ticks.length; index++) {
    const tick = ticks[index];
    if (tick === undefined) break;
    const openMs = Math.floor(tick.utcMs / intervalMs) * intervalMs;
    let at = buckets.length - 1;
    while (at >= 0 && (buckets[at]?.openMs ?? 0) > openMs) at--;
    const bucket = buckets[at];
    if (bucket === undefined || bucket.openMs !== openMs) {
      const { bid, ask } = tick;
      buckets.splice(at + 1, 0, { openMs, open: bid, high: bid, low: bid, close: bid, ask });
      firstChanged = Math.min(firstChanged, at + 1);
      continue;
    }
    bucket.high = Math.max(bucket.high, tick.bid);
    bucket.low = Math.min(bucket.low, tick.bid);
    if (at === buckets.length - 1) {
      bucket.close = tick.bid;
      bucket.ask = tick.ask;
    }
    firstChanged = Math.min(firstChanged, at);
  }
  return firstChanged;
}
