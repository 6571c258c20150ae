import type { Ticks } from "../market/tick.ts";
import { formatId, NO_TICK, type TickId } from "../market/tick_id.ts";
import type { TickColumns } from "./tick_columns.ts";

const COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NEWLINE = 10;
/** Four numbers written out in full are at most 345 characters each, the rest is below 100. */
const LONGEST_ROW_BYTES = 2048;
/** Prices have at most five decimals almost always; what has more takes the slow way. */
const SCALE = 100_000;
const SCALE_DIGITS = 5;
/** Below it, a number times SCALE has at most 15 digits, and 15 digits tell all doubles apart. */
const FAST_BELOW = 2 ** 31;

/**
 * Writes ticks as rows of text into one growing buffer, by hand: a general formatter costs more than
 * everything else the writer does for a tick. Not a value that may be shared: the bytes are
 * overwritten after `clear`.
 */
export class TickRowEncoder {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  #lastMs = NO_TICK.ms;
  #lastN = NO_TICK.n;
  readonly #utcSecond = new SecondText();
  readonly #serverSecond = new SecondText();

  /** The rows since the last `clear`; valid until the next call. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The id of the last row written. */
  get lastId(): TickId {
    return { ms: this.#lastMs, n: this.#lastN };
  }

  clear(): void {
    this.#length = 0;
  }

  /**
   * Appends the rows of ticks from index `from`, whose id is `firstId`, up to the first one with an
   * id at or past `endMs`, and returns the index of that one (`ticks.count` when there is none).
   */
  encode(ticks: Ticks, { from, firstId, endMs }: {
    from: number;
    firstId: TickId;
    endMs: number;
  }): number {
    let ms = firstId.ms, n = firstId.n;
    for (let index = from; index < ticks.count; index++) {
      const utcMs = ticks.utcMs(index);
      if (index > from) {
        if (utcMs > ms) {
          if (utcMs >= endMs) return index;
          ms = utcMs;
          n = 0;
        } else {
          n++;
        }
      } else if (ms >= endMs) {
        return index;
      }
      this.#begin(utcMs, ticks.serverMs(index));
      this.#decimal(ticks.bid(index));
      this.#decimal(ticks.ask(index));
      this.#decimal(ticks.last(index));
      this.#decimal(ticks.volume(index));
      this.#end(ticks.flags(index), ms, n);
    }
    return ticks.count;
  }

  /** Appends rows as they stand, each with its own id. */
  encodeColumns(rows: TickColumns): void {
    for (let row = 0; row < rows.count; row++) {
      this.#begin(rows.utcMs[row] ?? NaN, rows.serverMs[row] ?? NaN);
      this.#decimal(rows.bid[row] ?? NaN);
      this.#decimal(rows.ask[row] ?? NaN);
      this.#decimal(rows.last[row] ?? NaN);
      this.#decimal(rows.volume[row] ?? NaN);
      this.#end(rows.flags[row] ?? NaN, rows.idMs[row] ?? NaN, rows.idN[row] ?? NaN);
    }
  }

  #begin(utcMs: number, serverMs: number): void {
    if (this.#length + LONGEST_ROW_BYTES > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    let at = writeSeconds(bytes, this.#length, utcMs, this.#utcSecond);
    bytes[at++] = COMMA;
    at = writeSeconds(bytes, at, serverMs, this.#serverSecond);
    bytes[at++] = COMMA;
    this.#length = at;
  }

  #decimal(value: number): void {
    const at = writeDecimal(this.#bytes, this.#length, value);
    this.#bytes[at] = COMMA;
    this.#length = at + 1;
  }

  #end(flags: number, idMs: number, idN: number): void {
    const bytes = this.#bytes;
    let at = writeWhole(bytes, this.#length, flags);
    bytes[at++] = COMMA;
    at = writeId(bytes, at, { ms: idMs, n: idN, second: this.#utcSecond });
    bytes[at++] = NEWLINE;
    this.#length = at;
    this.#lastMs = idMs;
    this.#lastN = idN;
  }

  #grow(): void {
    const wider = new Uint8Array(this.#bytes.length * 2);
    wider.set(this.#bytes);
    this.#bytes = wider;
  }
}

/** One tick as the text of its row, without the end-of-line. */
export function formatTickRow(ticks: Ticks, index: number, id: TickId): string {
  const encoder = new TickRowEncoder();
  encoder.encode(ticks.slice(index, index + 1), { from: 0, firstId: id, endMs: Infinity });
  return new TextDecoder().decode(encoder.bytes.subarray(0, -1));
}

/** The digits of the second written last: many ticks share one, and a second is ten digits. */
class SecondText {
  readonly #digits = new Uint8Array(20);
  #second = -1;
  #length = 0;

  write(bytes: Uint8Array, at: number, second: number): number {
    if (second !== this.#second) {
      this.#length = writeWhole(this.#digits, 0, second);
      this.#second = second;
    }
    for (let index = 0; index < this.#length; index++) bytes[at + index] = this.#digits[index] ?? 0;
    return at + this.#length;
  }
}

function writeSeconds(bytes: Uint8Array, at: number, ms: number, second: SecondText): number {
  if (ms < 0) {
    bytes[at++] = MINUS;
    ms = -ms;
  }
  const whole = Math.floor(ms / 1000);
  at = second.write(bytes, at, whole);
  bytes[at] = POINT;
  return writePadded(bytes, at + 1, ms - whole * 1000, 3);
}

function writeId(
  bytes: Uint8Array,
  at: number,
  { ms, n, second }: { ms: number; n: number; second: SecondText },
): number {
  if (ms < 1000) return writeText(bytes, at, formatId({ ms, n }));
  const whole = Math.floor(ms / 1000);
  at = second.write(bytes, at, whole);
  at = writePadded(bytes, at, ms - whole * 1000, 3);
  bytes[at] = MINUS;
  return writeWhole(bytes, at + 1, n);
}

/**
 * The shortest digits that read back as the same number. `scaled / SCALE === value` means that a
 * decimal of at most 15 digits reads back as it, and no two such decimals read as one double, so its
 * digits without trailing zeros are the shortest there are.
 */
function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  if (!(value >= 0 && value < FAST_BELOW)) return writeRareDecimal(bytes, at, value);
  const scaled = Math.round(value * SCALE);
  if (scaled / SCALE !== value) return writeRareDecimal(bytes, at, value);
  const whole = Math.floor(scaled / SCALE);
  at = writeWhole(bytes, at, whole);
  let fraction = scaled - whole * SCALE;
  if (fraction === 0) return at;
  let digits = SCALE_DIGITS;
  while (fraction % 10 === 0) {
    fraction = (fraction / 10) | 0;
    digits--;
  }
  bytes[at] = POINT;
  return writePadded(bytes, at + 1, fraction, digits);
}

function writeRareDecimal(bytes: Uint8Array, at: number, value: number): number {
  return Number.isNaN(value) ? at : writeText(bytes, at, plainDecimal(value));
}

/** A number's shortest digits with the exponent written out. */
export function plainDecimal(value: number): string {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = "", first = "", rest = "", power = "0"] = match;
  const digits = first + rest, exponent = Number(power);
  return exponent < 0
    ? `${sign}0.${"0".repeat(-exponent - 1)}${digits}`
    : `${sign}${digits}${"0".repeat(exponent - rest.length)}`;
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
  return at + text.length;
}

/** A whole number from 0 to 2^53, in 32-bit steps, because a division of doubles is slow. */
function writeWhole(bytes: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    bytes[at] = ZERO + value;
    return at + 1;
  }
  if (value >= 1e9) {
    const high = Math.floor(value / 1e9);
    return writePadded(bytes, writeWhole(bytes, at, high), value - high * 1e9, 9);
  }
  let digits = 2;
  for (let limit = 100; value >= limit; limit *= 10) digits++;
  return writePadded(bytes, at, value, digits);
}

/** A whole number below 10^9 in exactly so many digits. */
function writePadded(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let index = at + digits - 1; index >= at; index--) {
    const tenth = (rest / 10) | 0;
    bytes[index] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + digits;
}
