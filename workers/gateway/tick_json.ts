import { eachTickJson, jsonNumber } from "../../lib/log/tick_json.ts";
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
  const ends = new Uint32Array(segment.ticks.count);
  const head = `{"type":"${type}","symbol":${JSON.stringify(segment.symbol)},`;
  let text = "";
  eachTickJson(segment, (fields, index) => {
    text += `${index === 0 ? "" : ","}${head}${fields}}`;
    ends[index] = text.length;
  });
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
