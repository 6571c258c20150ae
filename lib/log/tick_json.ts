import { plainDecimal } from "../capture/tick_row_encoder.ts";
import type { Ticks } from "../market/tick.ts";
import type { Segment } from "./tick_log.ts";

/** Ticks as JSON: one set of names wherever a tick leaves the project as text. */

/**
 * Calls back for each tick of a segment, in order, with its fields as the inside of a JSON object:
 * `"id":"1703264400123-0","ts":1703264400.123,"ts_broker":…,"bid":…,"ask":…,"last":null,"volume":…`.
 */
export function eachTickJson(
  { firstId, ticks }: Pick<Segment, "firstId" | "ticks">,
  write: (fields: string, index: number) => void,
): void {
  let { ms, n } = firstId;
  for (let index = 0; index < ticks.count; index++) {
    const utcMs = ticks.utcMs(index);
    // The rule of `nextId`, without an object a tick.
    if (index > 0) {
      if (utcMs > ms) {
        ms = utcMs;
        n = 0;
      } else n++;
    }
    write(`"id":"${ms}-${n}","ts":${utcMs / 1000},${quoteJson(ticks, index)}`, index);
  }
}

function quoteJson(ticks: Ticks, index: number): string {
  return `"ts_broker":${ticks.serverMs(index) / 1000},"bid":${jsonNumber(ticks.bid(index))},` +
    `"ask":${jsonNumber(ticks.ask(index))},"last":${jsonNumber(ticks.last(index))},` +
    `"volume":${jsonNumber(ticks.volume(index))}`;
}

/** Shortest round-trip digits without an exponent; null for what the vendor does not have. */
export function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) return "null";
  const size = Math.abs(value);
  return (size >= 1e-6 && size < 1e21) || value === 0 ? `${value}` : plainDecimal(value);
}
