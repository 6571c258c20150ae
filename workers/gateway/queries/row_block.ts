import type { TickId } from "../../../lib/market/tick_id.ts";

/**
 * Ticks as they are stored: whole lines of a tick file, each ending in its id, ascending. A range is
 * joined, cut and counted in this form, so that what a file holds goes out byte for byte.
 */
export interface RowBlock {
  /** At least one line; each ends in a line end. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly firstId: TickId;
  readonly lastId: TickId;
}

const COMMA = 44, MINUS = 45, ZERO = 48, NINE = 57;
export const LINE_END = 10;

/** Walks the lines of a block; its fields are those of the line it stands on. */
export class RowCursor {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the line begins, and where the next one does. */
  from = 0;
  to = 0;
  /** The line's id. */
  ms = 0;
  n = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, at = 0) {
    this.bytes = bytes;
    this.to = at;
  }

  /**
   * Steps to the next line; false behind the last one, where `from` is then, or where only a line
   * without an end follows.
   * @throws SyntaxError when the line does not end in an id.
   */
  next(): boolean {
    const { bytes, to: from } = this;
    const end = from < bytes.length ? bytes.indexOf(LINE_END, from) : -1;
    this.from = from;
    if (end < 0) return false;
    this.to = end + 1;
    let at = end - 1, power = 1, value = 0;
    for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[--at] ?? 0) {
      value += (byte - ZERO) * power;
      power *= 10;
    }
    this.n = value;
    const dash = at;
    value = 0;
    power = 1;
    let byte = bytes[--at] ?? 0;
    for (; byte >= ZERO && byte <= NINE; byte = bytes[--at] ?? 0) {
      value += (byte - ZERO) * power;
      power *= 10;
    }
    this.ms = value;
    const isId = bytes[dash] === MINUS && dash < end - 1 && at < dash - 1;
    if (isId && byte === COMMA && at >= from && Number.isSafeInteger(value)) return true;
    const line = new TextDecoder().decode(bytes.subarray(from, Math.min(end, from + 200)));
    throw new SyntaxError(`Cannot read a line as a tick's row: current value is ${line}`);
  }

  /** Below 0 when the line's id is less than this one, 0 when it is this one. */
  compare(id: TickId): number {
    return this.ms !== id.ms ? this.ms - id.ms : this.n - id.n;
  }

  get id(): TickId {
    return { ms: this.ms, n: this.n };
  }
}

/** @throws SyntaxError when the first or the last line is no row. */
export function blockOf(bytes: Uint8Array<ArrayBuffer>): RowBlock {
  const cursor = new RowCursor(bytes);
  cursor.next();
  const firstId = cursor.id;
  cursor.to = bytes.lastIndexOf(LINE_END, bytes.length - 2) + 1;
  cursor.next();
  return { bytes, firstId, lastId: cursor.id };
}

/** Where the first line begins whose id is greater, or with `orEqual` not less; the end if none does. */
export function placeAfter(
  bytes: Uint8Array<ArrayBuffer>,
  id: TickId,
  { orEqual = false }: { orEqual?: boolean } = {},
): number {
  const cursor = new RowCursor(bytes);
  let low = 0, high = bytes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    cursor.to = middle === 0 ? 0 : bytes.lastIndexOf(LINE_END, middle - 1) + 1;
    if (!cursor.next()) return low;
    const order = cursor.compare(id);
    if (order < 0 || (order === 0 && !orEqual)) low = cursor.to;
    else high = cursor.from;
  }
  return low;
}

/** What of a block lies after `after` and before `end`; undefined when nothing does. */
export function cutBlock(
  block: RowBlock,
  { after, end }: { after: TickId; end: TickId },
): RowBlock | undefined {
  const { bytes, firstId, lastId } = block;
  const isAfter = firstId.ms > after.ms || (firstId.ms === after.ms && firstId.n > after.n);
  const isBefore = lastId.ms < end.ms || (lastId.ms === end.ms && lastId.n < end.n);
  if (isAfter && isBefore) return block;
  const from = isAfter ? 0 : placeAfter(bytes, after);
  const to = isBefore ? bytes.length : placeAfter(bytes, end, { orEqual: true });
  return from < to ? blockOf(bytes.subarray(from, to)) : undefined;
}

/** The length of the block's first `count` lines, and how many there are when they are fewer. */
export function measureRows(
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
): { rows: number; bytes: number } {
  let rows = 0, at = 0;
  while (rows < count && at < bytes.length) {
    const end = bytes.indexOf(LINE_END, at);
    if (end < 0) break;
    rows++;
    at = end + 1;
  }
  return { rows, bytes: at };
}
