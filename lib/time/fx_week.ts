import { FX } from "./calendar/week_calendars.ts";

/**
 * The week of the FX market in the words of those who learn a server's clock from it: Sunday 17:00
 * to Friday 17:00 in New York. Holidays are no part of it.
 */

/** Whether the week is open at this moment; the opening moment is in it, the closing one is not. */
export function isFxWeekOpen(utcMs: number): boolean {
  return FX.isOpen(utcMs);
}

/** When the next week opens, UTC ms; later than `utcMs`. */
export function nextFxWeekOpen(utcMs: number): number {
  return FX.nextOpen(utcMs);
}

/** When the running or next week closes, UTC ms; later than `utcMs`. */
export function nextFxWeekClose(utcMs: number): number {
  return FX.nextClose(utcMs);
}
