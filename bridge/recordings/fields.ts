const ZERO = 48, MINUS = 45, POINT = 46;
/** Up to here every whole number, and so every power of ten used, is exact in a double. */
const MAX_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MAX_EXACT_DIGITS + 1 }, (_, digits) => 10 ** digits);

/**
 * The fields of one line, found in its bytes: no text is made of them. One object is used for all
 * lines of a file.
 */
export class Fields {
  #bytes: Uint8Array = new Uint8Array();
  readonly #starts = new Int32Array(64);
  count = 0;

  /** Splits `[from, to)` at the separator byte; fields past the 63rd are not seen. */
  split(bytes: Uint8Array, range: { from: number; to: number; separator: number }): void {
    this.#bytes = bytes;
    let count = 0;
    this.#starts[count++] = range.from;
    for (let at = range.from; at < range.to && count < 63; at++) {
      if (bytes[at] === range.separator) this.#starts[count++] = at + 1;
    }
    this.#starts[count] = range.to + 1;
    this.count = count;
  }

  isEmpty(field: number): boolean {
    return field >= this.count || this.#start(field + 1) - 1 <= this.#start(field);
  }

  /** In bytes; 0 of a field that the line lacks. */
  length(field: number): number {
    return field >= this.count ? 0 : this.#start(field + 1) - 1 - this.#start(field);
  }

  text(field: number): string {
    if (field >= this.count) return "";
    const bytes = this.#bytes.subarray(this.#start(field), this.#start(field + 1) - 1);
    return new TextDecoder().decode(bytes);
  }

  /** A plain decimal number, rounded as `Number` would; NaN when it is empty or anything else. */
  number(field: number): number {
    if (field >= this.count) return NaN;
    const bytes = this.#bytes, to = this.#start(field + 1) - 1;
    let at = this.#start(field);
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    let mantissa = 0, digits = 0, pointAt = -1;
    for (; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === POINT && pointAt < 0) {
        pointAt = digits;
        continue;
      }
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9) return this.#unusual(field);
      mantissa = mantissa * 10 + digit;
      digits++;
    }
    if (digits === 0) return NaN;
    if (digits > MAX_EXACT_DIGITS) return this.#unusual(field);
    const value = pointAt < 0 ? mantissa : mantissa / (POWERS_OF_TEN[digits - pointAt] ?? NaN);
    return negative ? -value : value;
  }

  /** Digits at a fixed place of a field as a whole number; NaN when one of them is none. */
  digits(field: number, { at, count }: { at: number; count: number }): number {
    const from = this.#start(field) + at;
    if (field >= this.count || from + count >= this.#start(field + 1)) return NaN;
    let value = 0;
    for (let index = from; index < from + count; index++) {
      const digit = (this.#bytes[index] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    return value;
  }

  /** Seconds with any decimals as whole ms, NaN when it is no number. */
  secondsAsMs(field: number): number {
    return Math.round(this.number(field) * 1000);
  }

  /** Long numbers and exponents: rare, so they may take the slow way. */
  #unusual(field: number): number {
    const text = this.text(field).trim();
    return /^-?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  }

  #start(field: number): number {
    return this.#starts[field] ?? 0;
  }
}
