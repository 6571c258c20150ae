import type { Bar } from "../../market/bar.ts";

/** Bars as columns: what `Bar` says of a field holds for its column. */
export class BarColumns {
  readonly utcMs: Float64Array;
  readonly serverMs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  readonly capacity: number;
  /** How many bars there are. */
  count = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.utcMs = new Float64Array(capacity);
    this.serverMs = new Float64Array(capacity);
    this.open = new Float64Array(capacity);
    this.high = new Float64Array(capacity);
    this.low = new Float64Array(capacity);
    this.close = new Float64Array(capacity);
    this.volume = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.capacity;
  }

  clear(): void {
    this.count = 0;
  }

  /** There must be room. */
  push(bar: Bar): void {
    const row = this.count++;
    this.utcMs[row] = bar.utcMs;
    this.serverMs[row] = bar.serverMs;
    this.open[row] = bar.open;
    this.high[row] = bar.high;
    this.low[row] = bar.low;
    this.close[row] = bar.close;
    this.volume[row] = bar.volume;
  }

  bars(): Bar[] {
    return Array.from({ length: this.count }, (_, row) => ({
      utcMs: this.utcMs[row] ?? NaN,
      serverMs: this.serverMs[row] ?? NaN,
      open: this.open[row] ?? NaN,
      high: this.high[row] ?? NaN,
      low: this.low[row] ?? NaN,
      close: this.close[row] ?? NaN,
      volume: this.volume[row] ?? NaN,
    }));
  }
}
