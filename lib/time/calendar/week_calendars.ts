import type { MarketCalendar } from "./market_calendar.ts";
import { SessionCalendar } from "./session_calendar.ts";
import { ALWAYS, WeekLine } from "./session_line.ts";

/**
 * The markets that keep no exchange's hours: the same week for ever. That of currencies turns at
 * 17:00 in New York, so summer time moves it in UTC; holidays are no part of it, since each broker
 * keeps his own.
 */
const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
const ZONE = "America/New_York";
const ROLL_MS = 17 * HOUR_MS;
const MONDAY = 1, FRIDAY = 5, SATURDAY = 6;

/** Sunday 17:00 to Friday 17:00: pairs trade through the roll of the day at most brokers. */
export const FX: MarketCalendar = new SessionCalendar(
  "FX",
  new WeekLine(ZONE, [{ fromMs: ROLL_MS, toMs: FRIDAY * DAY_MS + ROLL_MS }]),
);

/**
 * The same week with an hour's break at each roll of the day, 17:00 to 18:00. Metals, oil and gas
 * keep it at OANDA and at FXCM alike, and indices of the US at OANDA: it is the CME's.
 */
export const FX_METALS: MarketCalendar = new SessionCalendar(
  "FX-METALS",
  new WeekLine(
    ZONE,
    Array.from({ length: FRIDAY }, (_, day) => {
      return { fromMs: day * DAY_MS + ROLL_MS + HOUR_MS, toMs: (day + 1) * DAY_MS + ROLL_MS };
    }),
  ),
);

/** Monday to Friday, whole days of UTC. */
export const WEEKDAYS: MarketCalendar = new SessionCalendar(
  "24-5",
  new WeekLine("UTC", [{ fromMs: MONDAY * DAY_MS, toMs: SATURDAY * DAY_MS }]),
);

export const ALWAYS_OPEN: MarketCalendar = new SessionCalendar("24-7", ALWAYS);
