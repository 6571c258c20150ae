import type { SourceBar } from "../../lib/bridge/feed.ts";
import { openOf, type Timeframe } from "../../lib/market/timeframe.ts";

const OPEN_MS = 0, OPEN = 1, HIGH = 2, LOW = 3, CLOSE = 4, VOLUME = 5, COLUMNS = 6;
const FIRST_ROWS = 1024;

/** Bars side by side in one array, 48 bytes each: years of them without an object a bar. */
export class BarRows {
  readonly #values: Float64Array;

  constructor(values: Float64Array) {
    this.#values = values;
  }

  static concat(parts: readonly BarRows[]): BarRows {
    const values = new Float64Array(parts.reduce((sum, part) => sum + part.#values.length, 0));
    let at = 0;
    for (const part of parts) {
      values.set(part.#values, at);
      at += part.#values.length;
    }
    return new BarRows(values);
  }

  get count(): number {
    return this.#values.length / COLUMNS;
  }

  openMs(index: number): number {
    return this.#at(index, OPEN_MS);
  }

  /** Moves every open, in place. */
  restamp(stampOf: (openMs: number) => number): void {
    for (let at = 0; at < this.#values.length; at += COLUMNS) {
      this.#values[at] = stampOf(this.#values[at] ?? NaN);
    }
  }

  /** Oldest first; of bars with one open the one that came last. Itself when it is so already. */
  inOrder(): BarRows {
    let isOrdered = true;
    for (let index = 1; index < this.count && isOrdered; index++) {
      isOrdered = this.openMs(index - 1) < this.openMs(index);
    }
    if (isOrdered) return this;
    const lastOf = new Map<number, number>();
    for (let index = 0; index < this.count; index++) lastOf.set(this.openMs(index), index);
    const order = [...lastOf].sort(([a], [b]) => a - b);
    const values = new Float64Array(order.length * COLUMNS);
    order.forEach(([, from], to) => {
      values.set(this.#values.subarray(from * COLUMNS, (from + 1) * COLUMNS), to * COLUMNS);
    });
    return new BarRows(values);
  }

  /** Of rows in order those that open in `[fromMs, toMs)`; they share the bytes. */
  within(fromMs: number, toMs: number): BarRows {
    const from = this.#firstFrom(fromMs), to = Math.max(from, this.#firstFrom(toMs));
    return new BarRows(this.#values.subarray(from * COLUMNS, to * COLUMNS));
  }

  *bars(): Generator<SourceBar> {
    for (let index = 0; index < this.count; index++) yield this.#bar(index);
  }

  #bar(index: number): SourceBar {
    return {
      openServerMs: this.#at(index, OPEN_MS),
      open: this.#at(index, OPEN),
      high: this.#at(index, HIGH),
      low: this.#at(index, LOW),
      close: this.#at(index, CLOSE),
      tickVolume: this.#at(index, VOLUME),
    };
  }

  #firstFrom(openMs: number): number {
    let from = 0, to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.openMs(middle) < openMs) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #at(index: number, column: number): number {
    return this.#values[index * COLUMNS + column] ?? NaN;
  }
}

/** Bars of one timeframe being read one after another, each checked. */
export class BarBlock {
  readonly #timeframe: Timeframe;
  readonly #joins: boolean;
  #values = new Float64Array(FIRST_ROWS * COLUMNS);
  #length = 0;

  /** `joins`: what is pushed is finer than the timeframe, and becomes one bar until it is taken. */
  constructor(timeframe: Timeframe, { joins = false }: { joins?: boolean } = {}) {
    this.#timeframe = timeframe;
    this.#joins = joins;
  }

  get count(): number {
    return this.#length / COLUMNS;
  }

  /** Returns why it is no bar, or undefined when it is one. */
  push(
    fileMs: number,
    open: number,
    high: number,
    low: number,
    close: number,
    volume: number,
  ): string | undefined {
    if (!(open >= 0 && high >= 0 && low >= 0 && close >= 0)) return "one of its prices is none";
    if (high < Math.max(open, close) || low > Math.min(open, close)) {
      return "its high or its low is inside its other prices";
    }
    if (!(volume >= 0)) return "its volume is no number";
    const openMs = openOf(this.#timeframe, fileMs);
    if (openMs !== fileMs && !this.#joins) return `no bar of ${this.#timeframe.label} opens then`;
    const values = this.#values, last = this.#length - COLUMNS;
    if (this.#joins && last >= 0 && values[last] === openMs) {
      values[last + HIGH] = Math.max(values[last + HIGH] ?? NaN, high);
      values[last + LOW] = Math.min(values[last + LOW] ?? NaN, low);
      values[last + CLOSE] = close;
      values[last + VOLUME] = (values[last + VOLUME] ?? NaN) + volume;
      return undefined;
    }
    if (this.#length === values.length) this.#grow();
    this.#values.set([openMs, open, high, low, close, volume], this.#length);
    this.#length += COLUMNS;
    return undefined;
  }

  /** The bars so far; the block starts anew. */
  take(): BarRows {
    const rows = new BarRows(this.#values.slice(0, this.#length));
    this.#length = 0;
    return rows;
  }

  #grow(): void {
    const larger = new Float64Array(this.#values.length * 2);
    larger.set(this.#values);
    this.#values = larger;
  }
}
