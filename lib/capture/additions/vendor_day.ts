import type { BridgeConnection } from "../../bridge/bridge_connection.ts";
import { readTickHistory } from "../../bridge/tick_history.ts";
import { refusalOf } from "../../market/admission.ts";
import { TICK_BYTES, Ticks } from "../../market/tick.ts";
import type { GridClock } from "../../time/calendar/market_calendar.ts";
import type { Day } from "../day_path.ts";
import { isOfDay, serverRangeOf } from "./server_day.ts";

export interface VendorDay {
  /** Stamped, in the vendor's order. */
  readonly ticks: Ticks;
  /** Ticks left out, because capture would refuse them too: no price, no time. */
  readonly impossible: number;
}

/**
 * All that the vendor's history has of a symbol's UTC day. One day is in memory at a time.
 * @throws RangeError where the rule of the clock is not known; BridgeError when the vendor fails.
 */
export async function readVendorDay(
  connection: Pick<BridgeConnection, "source" | "stream">,
  { symbol, day, clock, signal }: {
    symbol: string;
    day: Day;
    clock: GridClock;
    signal: AbortSignal;
  },
): Promise<VendorDay> {
  const range = serverRangeOf(day, clock);
  const parts: Ticks[] = [];
  let impossible = 0;
  for await (const ticks of readTickHistory(connection, { symbol, ...range, signal })) {
    const kept = keepOfDay(ticks, { day, clock });
    impossible += kept.impossible;
    if (kept.ticks.count > 0) parts.push(kept.ticks);
  }
  return { ticks: Ticks.concat(parts), impossible };
}

/** Stamps the ticks of the day and closes the ranks; the bytes are the caller's own. */
function keepOfDay(ticks: Ticks, { day, clock }: { day: Day; clock: GridClock }): VendorDay {
  let count = 0, impossible = 0;
  for (let index = 0; index < ticks.count; index++) {
    const serverMs = ticks.serverMs(index);
    if (!isOfDay(day, serverMs, clock)) continue;
    if (refusalOf(ticks, index, Infinity) !== undefined) {
      impossible++;
      continue;
    }
    ticks.setUtcMs(index, clock.toUtcMs(serverMs));
    if (count < index) {
      ticks.bytes.copyWithin(count * TICK_BYTES, index * TICK_BYTES, (index + 1) * TICK_BYTES);
    }
    count++;
  }
  return { ticks: ticks.slice(0, count), impossible };
}
