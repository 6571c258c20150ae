import type { Bar } from "../../market/bar.ts";
import { plainDecimal } from "../tick_row_encoder.ts";
import { faultOf, timeText } from "./bar_rules.ts";

/**
 * A bar as a line of text. Times are whole epoch seconds of its open; prices are the shortest digits
 * that read back as the same number, never with an exponent.
 */
export const BAR_HEADER = "timestamp_utc,timestamp_broker,open,high,low,close,volume\n";
const FIELDS = ["utcMs", "serverMs", "open", "high", "low", "close", "volume"] as const;

const utf8 = new TextEncoder();

/** Header and rows: the bytes of a file. */
export function encodeBars(bars: readonly Bar[]): Uint8Array<ArrayBuffer> {
  let text = BAR_HEADER;
  for (const { utcMs, serverMs, open, high, low, close, volume } of bars) {
    text += `${utcMs / 1000},${serverMs / 1000},${plainDecimal(open)},${plainDecimal(high)},` +
      `${plainDecimal(low)},${plainDecimal(close)},${plainDecimal(volume)}\n`;
  }
  return utf8.encode(text);
}

/**
 * The bars of a file's bytes.
 * @throws SyntaxError that names the file, the row (1 is the first after the header) and the value,
 * for everything that `encodeBars` would not have written of bars in order.
 */
export function decodeBars(bytes: Uint8Array, { path }: { path: string }): Bar[] {
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith(BAR_HEADER)) {
    throw new SyntaxError(
      `Cannot read ${path} as bars: current value of its header is ${
        quoted(text.split("\n", 1)[0])
      }`,
    );
  }
  const bars: Bar[] = [];
  for (let at = BAR_HEADER.length, row = 1; at < text.length; row++) {
    const end = text.indexOf("\n", at);
    if (end === -1) throw unreadable(path, row, "a whole line", quoted(text.slice(at)));
    const bar = barOf(text.slice(at, end), { path, row });
    const previous = bars.at(-1);
    if (previous !== undefined && bar.utcMs <= previous.utcMs) {
      const want = `a bar after ${timeText(previous.utcMs)}`;
      throw unreadable(path, row, want, timeText(bar.utcMs));
    }
    bars.push(bar);
    at = end + 1;
  }
  return bars;
}

function barOf(line: string, { path, row }: { path: string; row: number }): Bar {
  const texts = line.split(",");
  if (texts.length !== FIELDS.length) {
    throw unreadable(path, row, `${FIELDS.length} values`, quoted(line));
  }
  const values = texts.map((text, column) => {
    const isTime = column < 2;
    const isWritten = isTime ? /^(0|-?[1-9]\d{0,12})$/ : /^-?(0|[1-9]\d*)(\.\d+)?$/;
    if (isWritten.test(text)) return isTime ? Number(text) * 1000 : Number(text);
    throw unreadable(path, row, `${FIELDS[column]} of a bar`, quoted(text));
  });
  const [utcMs = NaN, serverMs = NaN, open = NaN, high = NaN, low = NaN] = values;
  const bar = {
    utcMs,
    serverMs,
    open,
    high,
    low,
    close: values[5] ?? NaN,
    volume: values[6] ?? NaN,
  };
  const fault = faultOf(bar);
  if (fault === undefined) return bar;
  throw unreadable(path, row, `a bar with ${fault.field} ${fault.want}`, fault.got);
}

function unreadable(path: string, row: number, want: string, got: string): SyntaxError {
  return new SyntaxError(`Cannot read ${path} row ${row} as ${want}: current value is ${got}`);
}

function quoted(text = ""): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
