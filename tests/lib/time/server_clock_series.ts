import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { isFxWeekOpen, nextFxWeekOpen } from "../../../lib/time/fx_week.ts";
import { toServerMs } from "../../../lib/time/server_zone.ts";

/** What a server with a given clock shows: one-hour bars, and ticks as they are seen. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Opens of the one-hour bars on the server's clock; the first of a week has no full hour. */
export function hourBars(zone: ServerZone, fromUtcMs: number, toUtcMs: number): number[] {
  const bars = new Set<number>();
  for (let utcMs = Math.ceil(fromUtcMs / HOUR_MS) * HOUR_MS; utcMs < toUtcMs; utcMs += HOUR_MS) {
    if (!isFxWeekOpen(utcMs)) continue;
    // Trading begins five minutes after the hour and ends five before it.
    for (const minute of [5, 35, 54]) {
      bars.add(Math.floor(toServerMs(utcMs + minute * MINUTE_MS, zone) / HOUR_MS) * HOUR_MS);
    }
  }
  return [...bars];
}

/** The bars without the day after some of the openings. */
export function withoutOpenings(
  bars: readonly number[],
  zone: ServerZone,
  openings: readonly number[],
): number[] {
  const holes = openings.map((utcMs) => toServerMs(nextFxWeekOpen(utcMs - 1), zone) - HOUR_MS);
  return bars.filter((open) => holes.every((from) => open < from || open >= from + DAY_MS));
}

/** A tick that was stamped `ageMs` before it is seen. */
export function seen(zone: ServerZone, nowUtcMs: number, ageMs = 200) {
  return { newestServerMs: toServerMs(nowUtcMs - ageMs, zone), nowUtcMs };
}

/** Pseudo-random numbers below 1 that are the same in each run. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
