import type { TickId } from "../market/tick_id.ts";

/**
 * A tick as a line of text: `timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id`. Times are
 * epoch seconds with exactly three decimals; prices are the shortest digits that read back as the
 * same number, never with an exponent; an absent value is empty, a zero is `0`.
 */
export const TICK_HEADER = "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id\n";
export const TICK_HEADER_BYTES: Uint8Array = new TextEncoder().encode(TICK_HEADER);

export interface TickRow {
  /** When the tick happened, UTC ms; below `id.ms` when it came late. */
  readonly utcMs: number;
  /** The vendor's own stamp, ms on the server's clock. */
  readonly serverMs: number;
  readonly bid: number;
  readonly ask: number;
  /** NaN when absent. */
  readonly last: number;
  /** NaN when absent. */
  readonly volume: number;
  readonly flags: number;
  readonly id: TickId;
}

const COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NINE = 57, CAPITAL_I = 73;
const MAX_FLAGS = 0xffffffff;
/** Powers of ten that a double holds exactly. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
/** Decimal digits that are told apart by every double: below it, dividing by a power of ten is exact. */
const EXACT_DIGITS = 15;

/**
 * Reads the line at `[from, to)`, its end-of-line excluded. `undefined` when it is anything but a
 * whole row: recovery cuts a file there, so that nothing half written is ever taken for a tick.
 */
export function readTickRow(
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): TickRow | undefined {
  const line = new Cursor(bytes, from, to);
  const utcMs = line.seconds();
  line.comma();
  const serverMs = line.seconds();
  line.comma();
  const bid = line.decimal();
  line.comma();
  const ask = line.decimal();
  line.comma();
  const last = line.decimal();
  line.comma();
  const volume = line.decimal();
  line.comma();
  const flags = line.whole(10);
  line.comma();
  const ms = line.whole(16);
  line.expect(MINUS);
  const n = line.whole(10);
  if (!line.isWhole() || flags > MAX_FLAGS || !Number.isSafeInteger(ms)) return undefined;
  return { utcMs, serverMs, bid, ask, last, volume, flags, id: { ms, n } };
}

/** Walks one line; after the first thing that does not fit it stays failed. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #to: number;
  #at: number;
  #failed = false;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
  }

  /** Every byte was read and everything fitted. */
  isWhole(): boolean {
    return !this.#failed && this.#at === this.#to;
  }

  comma(): void {
    this.expect(COMMA);
  }

  expect(byte: number): void {
    if (this.#peek() === byte) this.#at++;
    else this.#failed = true;
  }

  /** Digits without a needless leading zero. */
  whole(maxDigits: number): number {
    const start = this.#at;
    let value = 0;
    for (let byte = this.#peek(); byte >= ZERO && byte <= NINE; byte = this.#peek()) {
      value = value * 10 + byte - ZERO;
      this.#at++;
    }
    const digits = this.#at - start;
    if (digits === 0 || digits > maxDigits || (digits > 1 && this.#bytes[start] === ZERO)) {
      this.#failed = true;
    }
    return value;
  }

  /** Seconds with three decimals, as ms. */
  seconds(): number {
    const negative = this.#takeMinus();
    const whole = this.whole(13);
    this.expect(POINT);
    const start = this.#at;
    let fraction = 0;
    for (let byte = this.#peek(); byte >= ZERO && byte <= NINE; byte = this.#peek()) {
      fraction = fraction * 10 + byte - ZERO;
      this.#at++;
    }
    if (this.#at - start !== 3) this.#failed = true;
    const ms = whole * 1000 + fraction;
    return negative ? -ms : ms;
  }

  /** A number, or NaN where the field is empty. */
  decimal(): number {
    const start = this.#at;
    if (this.#peek() === COMMA) return NaN;
    const negative = this.#takeMinus();
    if (this.#peek() === CAPITAL_I) return this.#infinity(negative);
    const integerAt = this.#at;
    let value = this.whole(400), fractionDigits = 0;
    let digits = this.#at - integerAt;
    if (this.#peek() === POINT) {
      this.#at++;
      const fractionAt = this.#at;
      for (let byte = this.#peek(); byte >= ZERO && byte <= NINE; byte = this.#peek()) {
        value = value * 10 + byte - ZERO;
        this.#at++;
      }
      fractionDigits = this.#at - fractionAt;
      if (fractionDigits === 0) this.#failed = true;
      digits += fractionDigits;
    }
    if (digits > EXACT_DIGITS) return Number(this.#textFrom(start));
    value /= POWERS_OF_TEN[fractionDigits] ?? NaN;
    return negative ? -value : value;
  }

  #infinity(negative: boolean): number {
    const start = this.#at;
    this.#at = Math.min(this.#at + "Infinity".length, this.#to);
    if (this.#textFrom(start) !== "Infinity") this.#failed = true;
    return negative ? -Infinity : Infinity;
  }

  #takeMinus(): boolean {
    if (this.#peek() !== MINUS) return false;
    this.#at++;
    return true;
  }

  #textFrom(start: number): string {
    return String.fromCharCode(...this.#bytes.subarray(start, this.#at));
  }

  #peek(): number {
    return this.#at < this.#to ? this.#bytes[this.#at] ?? -1 : -1;
  }
}
