import type { Timeframe } from "../../../../lib/market/timeframe.ts";
import type { SymbolWork } from "../plan.ts";
import type { UnitResult } from "../unit.ts";

/** What came of one symbol and timeframe. */
export interface SeriesTally {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  expected: number;
  received: number;
  missing: number;
  files: number;
  seconds: number;
  /** Of its units, those that are done. */
  units: number;
  readonly done: Record<UnitResult["status"], number>;
}

/** Counts of a run, as far as it has come. */
export class Tally {
  readonly #series = new Map<string, SeriesTally>();
  /** Units that are left, by symbol. */
  readonly #left = new Map<string, number>();
  readonly #beganMs = performance.now();
  units = 0;
  unitsDone = 0;
  /** Bars that the calendar expects in all units, and in those that are done. */
  planned = 0;
  passed = 0;
  received = 0;
  symbols = 0;
  symbolsDone = 0;

  plan(work: readonly SymbolWork[]): void {
    for (const { symbol, units } of work) {
      if (!this.#left.has(symbol)) this.symbols++;
      this.#left.set(symbol, (this.#left.get(symbol) ?? 0) + units.length);
      this.units += units.length;
      for (const { timeframe, expected } of units) {
        this.planned += expected;
        this.#seriesOf(symbol, timeframe).units++;
      }
    }
  }

  /** True when it was the last unit of its symbol. */
  add({ unit, status, expected, received, missingBars, files, seconds }: UnitResult): boolean {
    const series = this.#seriesOf(unit.symbol, unit.timeframe);
    series.expected += expected;
    series.received += received;
    series.missing += missingBars;
    series.files += files.length;
    series.seconds += seconds;
    series.done[status]++;
    this.unitsDone++;
    this.passed += unit.expected;
    this.received += received;
    const left = (this.#left.get(unit.symbol) ?? 1) - 1;
    this.#left.set(unit.symbol, left);
    if (left === 0) this.symbolsDone++;
    return left === 0;
  }

  /** In the order of the plan. */
  get series(): readonly SeriesTally[] {
    return [...this.#series.values()];
  }

  seriesOfSymbol(symbol: string): readonly SeriesTally[] {
    return this.series.filter((series) => series.symbol === symbol);
  }

  get seconds(): number {
    return (performance.now() - this.#beganMs) / 1000;
  }

  get barsPerSecond(): number {
    return this.received / Math.max(this.seconds, 0.001);
  }

  /** By the bars that are left; undefined while nothing was done. */
  get secondsLeft(): number | undefined {
    const isCounted = this.planned > 0;
    const done = isCounted ? this.passed : this.unitsDone;
    const all = isCounted ? this.planned : this.units;
    return done === 0 ? undefined : this.seconds * (all - done) / done;
  }

  #seriesOf(symbol: string, timeframe: Timeframe): SeriesTally {
    const key = `${timeframe.label} ${symbol}`;
    const known = this.#series.get(key) ?? {
      ...{
        symbol,
        timeframe,
        expected: 0,
        received: 0,
        missing: 0,
        files: 0,
        seconds: 0,
        units: 0,
      },
      done: { SUCCESS: 0, PARTIAL: 0, FAILED: 0 },
    };
    this.#series.set(key, known);
    return known;
  }
}
