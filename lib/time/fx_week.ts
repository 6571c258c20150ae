/**
 * The FX week: Sunday 17:00 to Friday 17:00 in New York. Daylight saving time moves it in UTC, so it
 * opens at 21:00 or 22:00 UTC. Holidays are no part of it.
 */
const ZONE = "America/New_York";
const TURN_HOUR = 17;
const FRIDAY = 5;
const SATURDAY = 6;
const SUNDAY = 7;

/** Whether the week is open at this moment; the opening moment is in it, the closing one is not. */
export function isFxWeekOpen(utcMs: number): boolean {
  const { dayOfWeek, hour } = newYork(utcMs);
  if (dayOfWeek === SATURDAY) return false;
  if (dayOfWeek === FRIDAY) return hour < TURN_HOUR;
  if (dayOfWeek === SUNDAY) return hour >= TURN_HOUR;
  return true;
}

/** When the next week opens, UTC ms; later than `utcMs`. */
export function nextFxWeekOpen(utcMs: number): number {
  return nextTurn(utcMs, SUNDAY);
}

/** When the running or next week closes, UTC ms; later than `utcMs`. */
export function nextFxWeekClose(utcMs: number): number {
  return nextTurn(utcMs, FRIDAY);
}

function nextTurn(utcMs: number, dayOfWeek: number): number {
  const local = newYork(utcMs);
  const turn = local.add({ days: (dayOfWeek - local.dayOfWeek + 7) % 7 })
    .with({ hour: TURN_HOUR, minute: 0, second: 0, millisecond: 0, microsecond: 0, nanosecond: 0 });
  const next = turn.epochMilliseconds > utcMs ? turn : turn.add({ days: 7 });
  return next.epochMilliseconds;
}

function newYork(utcMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(utcMs)).toZonedDateTimeISO(ZONE);
}
