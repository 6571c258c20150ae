import type { Bar } from "../../../lib/market/bar.ts";
import { closeOf, openOf } from "../../../lib/market/timeframe.ts";
import { type Measure, neededOpens } from "./judge.ts";
import type { WorkUnit } from "./plan.ts";
import type { TimeRange } from "../../../lib/time/time_range.ts";

/** Whether the vendor has any bar of a unit's series in a range. */
export type HasBars = (range: TimeRange) => Promise<boolean>;

const WEEK_MS = 7 * 86_400_000, MONTH_MS = 31 * 86_400_000;

/**
 * Where vendors' histories begin. What is wanted of a time before that is no loss, and nobody is to ask
 * for it for ever. Units of a series come oldest first; the vendor is asked only where the beginning
 * of the first of them is missing.
 */
export class Beginnings {
  readonly #chunkBars: number;
  readonly #settledMs: number;
  /** By series: whether the vendor has nothing before the next unit. Absent when nobody knows yet. */
  readonly #isBefore = new Map<string, boolean>();
  /** By series: whether the vendor has bars of its end. */
  readonly #isServed = new Map<string, boolean>();

  constructor({ chunkBars, settledMs }: { chunkBars: number; settledMs: number }) {
    this.#chunkBars = chunkBars;
    this.#settledMs = settledMs;
  }

  /**
   * Before which the vendor has nothing, UTC ms: the first of its bars, or Infinity when none of its
   * history is as early as the unit. Undefined when its history began before the unit, or when nobody
   * can tell, as of a vendor that has none of these bars at all. @throws what `hasBars` throws.
   */
  async of(
    unit: WorkUnit,
    { bars, measure, hasBars }: {
      bars: readonly Bar[];
      measure: Measure;
      hasBars: HasBars;
    },
  ): Promise<number | undefined> {
    const series = `${unit.timeframe.label} ${unit.symbol}`;
    if (this.#isBefore.get(series) === false) return undefined;
    const [needed] = neededOpens(measure), [first] = bars;
    if (needed === undefined && first === undefined) return undefined;
    const { timeframe, grid } = measure;
    const isMissing = needed !== undefined &&
      (first === undefined ||
        openOf(timeframe, grid.toServerMs(needed)) <
          openOf(timeframe, grid.toServerMs(first.utcMs)));
    if (isMissing && !this.#isBefore.has(series)) {
      this.#isBefore.set(series, !await this.#hasEarlier(unit, hasBars));
    }
    const isBefore = isMissing && this.#isBefore.get(series) === true;
    if (first !== undefined || !isMissing) this.#isBefore.set(series, false);
    if (!isBefore) return undefined;
    if (first !== undefined) return first.utcMs;
    if (!this.#isServed.has(series)) {
      this.#isServed.set(series, await this.#hasNewest(unit, hasBars));
    }
    return this.#isServed.get(series) === true ? Infinity : undefined;
  }

  async #hasEarlier(unit: WorkUnit, hasBars: HasBars): Promise<boolean> {
    const { lengthMs = MONTH_MS } = unit.timeframe;
    const spanMs = Math.max(this.#chunkBars * lengthMs, WEEK_MS);
    const fromMs = Math.max(0, unit.fromMs - spanMs);
    return fromMs < unit.fromMs && await hasBars({ fromMs, toMs: unit.fromMs });
  }

  /** A bar of the end that is not over has not come yet. */
  #hasNewest(unit: WorkUnit, hasBars: HasBars): Promise<boolean> {
    const { timeframe } = unit, { lengthMs = MONTH_MS } = timeframe;
    const openMs = openOf(timeframe, this.#settledMs);
    const fromMs = openMs - Math.max(3 * lengthMs, WEEK_MS);
    return hasBars({ fromMs, toMs: closeOf(timeframe, openMs) });
  }
}
