import type { BridgeConnection } from "../../../lib/bridge/bridge_connection.ts";
import { readVendorDay, type VendorDay } from "../../../lib/capture/additions/vendor_day.ts";
import { type Day, dayName } from "../../../lib/capture/day_path.ts";
import { pause } from "../../../lib/program/pause.ts";
import type { GridClock } from "../../../lib/time/calendar/market_calendar.ts";

/** The vendor's history cannot be what it has of the day. */
export class Unbelievable extends RangeError {}

export interface VendorReading extends VendorDay {
  readonly readings: number;
  /** What to know of the reading; null when there is nothing. */
  readonly remark: string | null;
}

/** Below this share of what was captured the first answer is not believed: vendors load lazily. */
const FEW = 0.9;
/** Below this share no answer is: a vendor corrects some ticks, and not most of a day. */
const FAR_FEWER = 0.5;
const AGAIN_AFTER_MS = 5_000;

/**
 * The vendor's day; read twice, with a pause in which a terminal may load its history, where the
 * first answer has far less than the files. The fuller answer counts.
 * @throws Unbelievable where that has still less than half, or differs from the first one.
 */
export async function readVendorTwice(
  connection: BridgeConnection,
  { heldTicks, againAfterMs = AGAIN_AFTER_MS, ...request }: {
    symbol: string;
    day: Day;
    clock: GridClock;
    heldTicks: number;
    againAfterMs?: number | undefined;
    signal: AbortSignal;
  },
): Promise<VendorReading> {
  const first = await readVendorDay(connection, request);
  if (first.ticks.count >= heldTicks * FEW) return { ...first, readings: 1, remark: null };
  await pause(againAfterMs, request.signal);
  request.signal.throwIfAborted();
  const second = await readVendorDay(connection, request);
  const counts = [first.ticks.count, second.ticks.count];
  const fuller = second.ticks.count >= first.ticks.count ? second : first;
  const told = `${request.symbol} of ${dayName(request.day)}: the vendor has ${
    counts.join(", then ")
  } ticks where ${heldTicks} were captured`;
  if (fuller.ticks.count < heldTicks * FAR_FEWER) {
    throw new Unbelievable(
      `Cannot compare ${told}: its history does not reach that far, or is not loaded`,
    );
  }
  if (fuller.ticks.count < heldTicks * FEW && counts[0] !== counts[1]) {
    throw new Unbelievable(`Cannot compare ${told}: it is still loading its history`);
  }
  return { ...fuller, readings: 2, remark: told };
}
