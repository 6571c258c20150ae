import { formatId, type TickId } from "../market/tick_id.ts";
import { readTickRow, type TickRow } from "./tick_row.ts";

/**
 * Rows of a tick file as columns: what `TickRow` says of a field holds for its column. Filled, used
 * and cleared again; the arrays are as long as the capacity.
 */
export class TickColumns {
  readonly utcMs: Float64Array;
  readonly serverMs: Float64Array;
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  readonly last: Float64Array;
  readonly volume: Float64Array;
  readonly flags: Uint32Array;
  readonly idMs: Float64Array;
  readonly idN: Float64Array;
  readonly capacity: number;
  /** How many rows there are. */
  count = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.utcMs = new Float64Array(capacity);
    this.serverMs = new Float64Array(capacity);
    this.bid = new Float64Array(capacity);
    this.ask = new Float64Array(capacity);
    this.last = new Float64Array(capacity);
    this.volume = new Float64Array(capacity);
    this.flags = new Uint32Array(capacity);
    this.idMs = new Float64Array(capacity);
    this.idN = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.capacity;
  }

  clear(): void {
    this.count = 0;
  }

  /** There must be room. */
  push({ utcMs, serverMs, bid, ask, last, volume, flags, id }: TickRow): void {
    const row = this.count++;
    this.utcMs[row] = utcMs;
    this.serverMs[row] = serverMs;
    this.bid[row] = bid;
    this.ask[row] = ask;
    this.last[row] = last;
    this.volume[row] = volume;
    this.flags[row] = flags;
    this.idMs[row] = id.ms;
    this.idN[row] = id.n;
  }

  idAt(row: number): TickId {
    return { ms: this.idMs[row] ?? NaN, n: this.idN[row] ?? NaN };
  }
}

const COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NEWLINE = 10;
/** Every row of at most so many digits is read the quick way: a double tells them all apart. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/**
 * Reads whole lines from byte `from` on into the columns until these are full, and returns where the
 * next line begins. Rows in the common shape are read here, without an object for each; all others,
 * and so the question what a row is, are left to `readTickRow`.
 * @throws SyntaxError at a line that is no row, or whose id does not follow the one before it.
 */
export function readTickLines(bytes: Uint8Array, from: number, columns: TickColumns): number {
  let at = from;
  while (at < bytes.length && !columns.isFull) {
    const next = readCommonLine(bytes, at, columns);
    at = next === -1 ? readAnyLine(bytes, at, columns) : next;
  }
  return at;
}

function readAnyLine(bytes: Uint8Array, from: number, columns: TickColumns): number {
  const end = bytes.indexOf(NEWLINE, from);
  const row = end === -1 ? undefined : readTickRow(bytes, from, end);
  if (row === undefined) {
    const line = bytes.subarray(from, end === -1 ? from + 80 : Math.min(end, from + 80));
    throw new SyntaxError(
      `Cannot read a line as a tick: current value is ${
        JSON.stringify(new TextDecoder().decode(line))
      }`,
    );
  }
  columns.push(row);
  return end + 1;
}

/** Where the helpers below stopped; a tuple for each number would be garbage. */
let stop = 0;

/** -1 when the line has another shape; the columns are as before then. */
function readCommonLine(bytes: Uint8Array, from: number, columns: TickColumns): number {
  const row = columns.count;
  const utcMs = seconds(bytes, from);
  if (utcMs === -1 || bytes[from + 14] !== COMMA) return -1;
  const serverMs = seconds(bytes, from + 15);
  if (serverMs === -1 || bytes[from + 29] !== COMMA) return -1;
  const bid = decimal(bytes, from + 30);
  if (stop === -1) return -1;
  const ask = decimal(bytes, stop);
  if (stop === -1) return -1;
  const last = decimal(bytes, stop);
  if (stop === -1) return -1;
  const volume = decimal(bytes, stop);
  if (stop === -1) return -1;
  const flags = whole(bytes, stop);
  if (stop === -1 || bytes[stop] !== COMMA) return -1;
  const idAt = stop + 1;
  const idMs = digits(bytes, idAt, 7) * 1e6 + digits(bytes, idAt + 7, 6);
  if (!(idMs >= 1e12) || bytes[idAt + 13] !== MINUS) return -1;
  const idN = whole(bytes, idAt + 14);
  if (stop === -1 || bytes[stop] !== NEWLINE) return -1;
  columns.utcMs[row] = utcMs;
  columns.serverMs[row] = serverMs;
  columns.bid[row] = bid;
  columns.ask[row] = ask;
  columns.last[row] = last;
  columns.volume[row] = volume;
  columns.flags[row] = flags;
  columns.idMs[row] = idMs;
  columns.idN[row] = idN;
  columns.count = row + 1;
  return stop + 1;
}

/** Ten digits, of which the first is no zero, a point and three digits, as ms; -1 otherwise. */
function seconds(bytes: Uint8Array, at: number): number {
  const high = digits(bytes, at, 5), low = digits(bytes, at + 5, 5);
  const thousandths = digits(bytes, at + 11, 3);
  if (!(high >= 10_000 && low >= 0 && thousandths >= 0) || bytes[at + 10] !== POINT) return -1;
  return high * 1e8 + low * 1000 + thousandths;
}

/** Exactly so many digits, at most nine; NaN when one is none. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index++) {
    const digit = (bytes[index] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** One to nine digits without a needless zero. */
function whole(bytes: Uint8Array, from: number): number {
  let at = from, value = 0;
  for (;; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (at - from === 9) break;
  }
  const count = at - from;
  stop = count === 0 || count > 8 || (count > 1 && bytes[from] === ZERO) ? -1 : at;
  return value;
}

/** A number without sign, or NaN for nothing, and the comma behind it. */
function decimal(bytes: Uint8Array, from: number): number {
  if (bytes[from] === COMMA) {
    stop = from + 1;
    return NaN;
  }
  let at = from, value = 0, pointAt = -1;
  for (;; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === POINT && pointAt === -1) {
      pointAt = at;
      continue;
    }
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (at - from > EXACT_DIGITS) break;
  }
  const before = (pointAt === -1 ? at : pointAt) - from;
  const behind = pointAt === -1 ? 0 : at - pointAt - 1;
  const isCommon = bytes[at] === COMMA && before > 0 && (pointAt === -1 || behind > 0) &&
    before + behind <= EXACT_DIGITS && !(before > 1 && bytes[from] === ZERO);
  stop = isCommon ? at + 1 : -1;
  return behind === 0 ? value : value / (POWERS_OF_TEN[behind] ?? NaN);
}

/**
 * Whether the ids strictly ascend, also from `previous`; a copy says of itself that they do.
 * @returns What is wrong, with the row counted from `firstRow`; nothing when all is well.
 */
export function disorderIn(
  columns: TickColumns,
  { previous, firstRow }: { previous: TickId; firstRow: number },
): string | undefined {
  let ms = previous.ms, n = previous.n;
  for (let row = 0; row < columns.count; row++) {
    const rowMs = columns.idMs[row] ?? NaN, rowN = columns.idN[row] ?? NaN;
    if (!(rowMs > ms || (rowMs === ms && rowN > n))) {
      return `row ${firstRow + row} is out of order: ${formatId({ ms: rowMs, n: rowN })} after ${
        formatId({ ms, n })
      }`;
    }
    ms = rowMs;
    n = rowN;
  }
  return undefined;
}
