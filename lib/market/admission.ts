import type { Ticks } from "./tick.ts";

/**
 * Which ticks are impossible, and which are merely odd. Crossed quotes, zero spreads and repeated
 * milliseconds happen at real brokers and are kept; what cannot be a price or a time is refused.
 */
export type Refusal = "not_a_number" | "negative_price" | "no_price" | "bad_time" | "future_time";

/** 1971: an earlier stamp is a terminal that has not been told the time yet. */
const EARLIEST_MS = 31_536_000_000;
/** 2100: beyond any clock that is merely wrong. */
const LATEST_MS = 4_102_444_800_000;

/** The reason to refuse a tick, or undefined. `latestServerMs`: no stamp may be beyond it. */
export function refusalOf(
  ticks: Ticks,
  index: number,
  latestServerMs: number,
): Refusal | undefined {
  const bid = ticks.bid(index), ask = ticks.ask(index), serverMs = ticks.serverMs(index);
  if (!(bid > 0 && ask > 0 && bid < Infinity && ask < Infinity)) {
    const refusal = refusedPrice(bid, ask);
    if (refusal !== undefined) return refusal;
  }
  const last = ticks.last(index);
  if (last < 0) return "negative_price";
  if (last === Infinity) return "not_a_number";
  if (!(serverMs >= EARLIEST_MS && serverMs < LATEST_MS)) return "bad_time";
  if (serverMs > latestServerMs) return "future_time";
  return undefined;
}

function refusedPrice(bid: number, ask: number): Refusal | undefined {
  if (!Number.isFinite(bid) || !Number.isFinite(ask)) return "not_a_number";
  if (bid < 0 || ask < 0) return "negative_price";
  // Some brokers send ticks that carry flags alone: both prices zero.
  return bid === 0 && ask === 0 ? "no_price" : undefined;
}
