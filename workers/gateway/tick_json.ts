import { plainDecimal } from "../../lib/capture/tick_row_encoder.ts";
import type { Segment } from "../../lib/log/tick_log.ts";

/**
 * Ticks as the stream's JSON messages. A segment becomes one run of bytes, `{…},{…},{…}`, with the
 * end of each message: single frames, batch frames and SSE events are all cut from these bytes.
 *
 * Symbols are ASCII (`lib/market/symbol.ts`), so a character is a byte.
 */
export interface TickJson {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each message ends, exclusive; the next begins one byte later, after its comma. */
  readonly ends: Uint32Array;
}

export type TickMessageType = "tick" | "snapshot";

const encoder = new TextEncoder();

export function encodeTicks(segment: Segment, type: TickMessageType = "tick"): TickJson {
  const { ticks } = segment;
  const ends = new Uint32Array(ticks.count);
  const head = `{"type":"${type}","symbol":${JSON.stringify(segment.symbol)},"id":"`;
  let { ms, n } = segment.firstId;
  let text = "";
  for (let index = 0; index < ticks.count; index++) {
    const utcMs = ticks.utcMs(index);
    if (index > 0) {
      // The rule of `nextId`, without an object a tick.
      if (utcMs > ms) {
        ms = utcMs;
        n = 0;
      } else n++;
      text += ",";
    }
    text += `${head}${ms}-${n}","ts":${utcMs / 1000},"ts_broker":${
      ticks.serverMs(index) / 1000
    },"bid":${jsonNumber(ticks.bid(index))},"ask":${jsonNumber(ticks.ask(index))},"last":${
      jsonNumber(ticks.last(index))
    },"volume":${jsonNumber(ticks.volume(index))}}`;
    ends[index] = text.length;
  }
  return { bytes: encoder.encode(text), ends };
}

/** The newest quote of a segment: what the `quotes` channel sends when bid or ask changed. */
export function encodeQuote(segment: Segment): TickJson {
  const { ticks, symbol, lastId } = segment;
  const index = ticks.count - 1;
  const text =
    `{"type":"quote","symbol":${JSON.stringify(symbol)},"id":"${lastId.ms}-${lastId.n}",` +
    `"ts":${ticks.utcMs(index) / 1000},"bid":${jsonNumber(ticks.bid(index))},` +
    `"ask":${jsonNumber(ticks.ask(index))}}`;
  return { bytes: encoder.encode(text), ends: Uint32Array.of(text.length) };
}

/** Shortest round-trip digits without an exponent; null for what the vendor does not have. */
export function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) return "null";
  const size = Math.abs(value);
  return (size >= 1e-6 && size < 1e21) || value === 0 ? `${value}` : plainDecimal(value);
}
