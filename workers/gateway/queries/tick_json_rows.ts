import { readTickRow, type TickRow } from "../../../lib/capture/tick_row.ts";
import { jsonNumber } from "../../../lib/log/tick_json.ts";
import { formatId } from "../../../lib/market/tick_id.ts";
import { LINE_END, measureRows } from "./row_block.ts";

const COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NINE = 57;
const FIELDS = 8, ID = 7;
/** What stands before each field, in the order of the object; the id is the row's last field. */
const PARTS = ["ts", "ts_broker", "bid", "ask", "last", "volume", "flags"].map((name) => {
  return bytesOf(`,"${name}":`);
});
const HEAD = bytesOf('{"id":"'), QUOTE = bytesOf('"'), NULL = bytesOf("null"), TAIL = bytesOf("},");
/** What an object has beyond its row, when every price is `null`. */
const EXTRA_BYTES = 160;

/**
 * Rows as JSON objects with a comma between them, digit by digit as the file has them: its decimals
 * are JSON's, so nothing is read into a number and written again.
 * @throws SyntaxError that shows the line which is no row.
 */
export function rowsToJson(lines: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { rows } = measureRows(lines, Infinity);
  const json = new Uint8Array(lines.length + rows * EXTRA_BYTES);
  const starts = new Uint32Array(FIELDS + 1);
  let length = 0;
  for (let from = 0; from < lines.length;) {
    const end = lines.indexOf(LINE_END, from);
    length = isPlain(lines, { from, end, starts })
      ? writePlain(json, length, { lines, starts })
      : writeRead(json, length, lines.subarray(from, end));
    from = end + 1;
  }
  return json.subarray(0, Math.max(0, length - 1));
}

/** Every row of some lines. @throws SyntaxError that shows the line which is no row. */
export function readRows(lines: Uint8Array<ArrayBuffer>): TickRow[] {
  const rows: TickRow[] = [];
  for (let from = 0; from < lines.length;) {
    const end = lines.indexOf(LINE_END, from);
    const row = readTickRow(lines, from, end);
    if (row === undefined) throw noRow(lines.subarray(from, end));
    rows.push(row);
    from = end + 1;
  }
  return rows;
}

/**
 * Whether each field is a decimal that JSON takes, and the id two whole numbers. Notes where the
 * fields begin, and one past the end.
 */
function isPlain(
  lines: Uint8Array<ArrayBuffer>,
  { from, end, starts }: { from: number; end: number; starts: Uint32Array },
): boolean {
  let at = from;
  for (let field = 0; field < ID; field++) {
    starts[field] = at;
    if (lines[at] === MINUS) at++;
    const digitsAt = at;
    let byte = lines[at] ?? 0;
    while (byte >= ZERO && byte <= NINE) byte = lines[++at] ?? 0;
    if (at - digitsAt > 1 && lines[digitsAt] === ZERO) return false;
    if (byte === POINT) {
      const fractionAt = ++at;
      byte = lines[at] ?? 0;
      while (byte >= ZERO && byte <= NINE) byte = lines[++at] ?? 0;
      if (at === fractionAt || fractionAt - 1 === digitsAt) return false;
    } else if (at === digitsAt && (at !== starts[field] || field < 2 || field === ID - 1)) {
      // Only a price or a volume may be absent.
      return false;
    }
    if (byte !== COMMA) return false;
    at++;
  }
  starts[ID] = at;
  starts[FIELDS] = end + 1;
  let dashes = 0;
  for (; at < end; at++) {
    const byte = lines[at] ?? 0;
    if (byte === MINUS) dashes++;
    else if (byte < ZERO || byte > NINE) return false;
  }
  return dashes === 1;
}

function writePlain(
  json: Uint8Array<ArrayBuffer>,
  at: number,
  { lines, starts }: { lines: Uint8Array<ArrayBuffer>; starts: Uint32Array },
): number {
  at = copy(json, at, HEAD, 0, HEAD.length);
  at = copy(json, at, lines, starts[ID] ?? 0, (starts[FIELDS] ?? 0) - 1);
  at = copy(json, at, QUOTE, 0, 1);
  for (let field = 0; field < ID; field++) {
    const part = PARTS[field] ?? HEAD, from = starts[field] ?? 0, to = (starts[field + 1] ?? 0) - 1;
    at = copy(json, at, part, 0, part.length);
    at = from === to ? copy(json, at, NULL, 0, NULL.length) : copy(json, at, lines, from, to);
  }
  return copy(json, at, TAIL, 0, TAIL.length);
}

/** Byte by byte: a call of `set` with a view costs more than these few bytes do. */
function copy(
  to: Uint8Array<ArrayBuffer>,
  at: number,
  from: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
): number {
  for (let index = start; index < end; index++) to[at++] = from[index] ?? 0;
  return at;
}

/** What JSON has no number for, such as an infinite price, is null. */
function writeRead(json: Uint8Array, at: number, line: Uint8Array<ArrayBuffer>): number {
  const row = readTickRow(line);
  if (row === undefined) throw noRow(line);
  const { id, utcMs, serverMs, bid, ask, last, volume, flags } = row;
  const text = bytesOf(
    `{"id":"${formatId(id)}","ts":${(utcMs / 1000).toFixed(3)},` +
      `"ts_broker":${(serverMs / 1000).toFixed(3)},"bid":${jsonNumber(bid)},` +
      `"ask":${jsonNumber(ask)},"last":${jsonNumber(last)},"volume":${jsonNumber(volume)},` +
      `"flags":${flags}},`,
  );
  json.set(text, at);
  return at + text.length;
}

function noRow(line: Uint8Array): SyntaxError {
  const shown = new TextDecoder().decode(line.subarray(0, 200));
  return new SyntaxError(`Cannot read a line as a tick's row: current value is ${shown}`);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
