import type { GridClock } from "../../time/calendar/market_calendar.ts";
import { type Day, dayOf, startOfDayMs } from "../day_path.ts";

/** Ms on a server's clock, `[fromServerMs, toServerMs)`. */
export interface ServerRange {
  readonly fromServerMs: number;
  readonly toServerMs: number;
}

/** Further than any clock is moved when summer time begins or ends. */
const NEAR_MS = 3 * 3_600_000;

/**
 * The server stamps that a UTC day can have. Where the server's clock is moved around the day's
 * first or last moment the range is wider than the day: `isOfDay` tells what belongs to it.
 * @throws RangeError when the clock's rule is not known there.
 */
export function serverRangeOf(day: Day, clock: GridClock): ServerRange {
  return {
    fromServerMs: Math.min(...around(startOfDayMs(day), clock)),
    toServerMs: Math.max(...around(startOfDayMs(day + 1), clock)),
  };
}

/** Each stamp belongs to one day, also one that the server's clock showed twice. */
export function isOfDay(day: Day, serverMs: number, clock: GridClock): boolean {
  return dayOf(clock.toUtcMs(serverMs)) === day;
}

/** The moment by every offset that holds near it. */
function around(utcMs: number, clock: GridClock): number[] {
  const offsetAt = (ms: number) => clock.toServerMs(ms) - ms;
  return [offsetAt(utcMs), offsetAt(utcMs - NEAR_MS), offsetNearAfter(utcMs, offsetAt)]
    .map((offsetMs) => utcMs + offsetMs);
}

/** What lies after may not be known yet: then what holds at the moment itself is all there is. */
function offsetNearAfter(utcMs: number, offsetAt: (ms: number) => number): number {
  try {
    return offsetAt(utcMs + NEAR_MS);
  } catch (cause) {
    if (cause instanceof RangeError) return offsetAt(utcMs);
    throw cause;
  }
}
