import { closeOf, openOf, type Timeframe } from "../../market/timeframe.ts";
import { toUtcMs } from "../server_zone.ts";
import type { TimeRange } from "../time_range.ts";
import type { ExpectedRange, GridClock, MarketCalendar } from "./market_calendar.ts";

/**
 * The hours in which brokers of currencies commonly do not quote. They are no part of the calendars: a
 * broker may trade, and what it quotes is kept. Only what is missing then is a holiday and no loss.
 *
 * All by the clock of New York, as OANDA's and FXCM's hours of EURUSD from 2007 to 2018 show and as the
 * market hours database of LEAN says until 2025:
 * - Christmas and New Year begin on the eve at 14:00 (FXCM, and OANDA from 2012 to 2015; at 17:00
 *   since), and end on the 26th and the 2nd at 02:00 (FXCM since 2019; OANDA at 17:00 to 19:00 of the
 *   25th and the 1st);
 * - where the 25th or the 1st is a Sunday, Monday is the holiday, until 18:00 (both in 2016 and 2017,
 *   FXCM in 2011, both in 2022 and 2023);
 * - what breaks daily as the CME does has Good Friday, from 17:00 to 17:00 (indices of the US at OANDA
 *   each year, metals at both in 2017, and gold at the COMEX).
 */
export type QuietHours = TimeRange;

const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
const NEW_YORK = { zone: "America/New_York", shiftMs: 0 };
const DECEMBER = 11, JANUARY = 0, SUNDAY = 0;

/** Those that have a part in `[fromMs, toMs)`, UTC, whole and in order; none of exchanges, which have holidays of their own. */
export function quietHours(
  { id }: Pick<MarketCalendar, "id">,
  { fromMs, toMs }: QuietHours,
): QuietHours[] {
  if (id !== "FX" && id !== "FX-METALS") return [];
  const found: QuietHours[] = [];
  for (let year = yearOf(fromMs - 3 * DAY_MS); year <= yearOf(toMs + 3 * DAY_MS); year++) {
    for (const hours of ofYear(year, id)) {
      if (hours.fromMs < toMs && hours.toMs > fromMs) found.push(hours);
    }
  }
  return found;
}

/** Whether the market trades within `[fromMs, toMs)` of UTC, and in quiet hours only. */
export function isQuiet(calendar: MarketCalendar, range: QuietHours): boolean {
  const quiet = quietHours(calendar, range);
  if (quiet.length === 0) return false;
  const sessions = calendar.sessions(range.fromMs, range.toMs);
  return sessions.length > 0 &&
    sessions.every(({ openMs, closeMs }) =>
      quiet.some(({ fromMs, toMs }) => fromMs <= openMs && toMs >= closeMs)
    );
}

/**
 * The UTC opens of the bars in which the market trades in quiet hours only: bars of the calendar whose
 * absence is a holiday. A bar longer than a day is none.
 */
export function quietOpens(
  calendar: MarketCalendar,
  timeframe: Timeframe,
  { fromMs, toMs, clock = UTC }: ExpectedRange,
): number[] {
  if ((timeframe.lengthMs ?? Infinity) > DAY_MS) return [];
  // A bar may open before the hours in which the market would trade in it.
  const around = { fromMs, toMs: toMs + DAY_MS };
  return quietHours(calendar, around).flatMap((quiet) => {
    const near = {
      fromMs: Math.max(fromMs, quiet.fromMs - DAY_MS),
      toMs: Math.min(toMs, quiet.toMs),
    };
    return calendar.expectedOpens(timeframe, { ...near, clock }).filter((openMs) => {
      const place = openOf(timeframe, clock.toServerMs(openMs));
      return isQuiet(calendar, {
        fromMs: openMs,
        toMs: clock.toUtcMs(closeOf(timeframe, place)),
      });
    });
  });
}

const UTC: GridClock = { toServerMs: (utcMs) => utcMs, toUtcMs: (serverMs) => serverMs };

/** Of the holidays whose day is in the year; New Year's eve is in the one before. */
function ofYear(year: number, id: string): QuietHours[] {
  const newYear = holiday(Date.UTC(year, JANUARY, 1));
  const christmas = holiday(Date.UTC(year, DECEMBER, 25));
  if (id !== "FX-METALS") return [newYear, christmas];
  const endMs = goodFriday(year) + 17 * HOUR_MS;
  const easter = { fromMs: inUtc(endMs - DAY_MS), toMs: inUtc(endMs) };
  return [newYear, easter, christmas];
}

/** Midnight of a day by the wall clock, as if that were UTC; so are all times until `inUtc`. */
function holiday(dayMs: number): QuietHours {
  const isSunday = new Date(dayMs).getUTCDay() === SUNDAY;
  const endMs = dayMs + DAY_MS + (isSunday ? 18 : 2) * HOUR_MS;
  return { fromMs: inUtc(dayMs - 10 * HOUR_MS), toMs: inUtc(endMs) };
}

/** Two days before Easter by the Gregorian calendar, as Meeus, Jones and Butcher count it. */
function goodFriday(year: number): number {
  const golden = year % 19, century = Math.floor(year / 100), rest = year % 100;
  const lunar = Math.floor((8 * century + 13) / 25);
  const epact = (19 * golden + century - Math.floor(century / 4) - lunar + 15) % 30;
  const week = (32 + 2 * (century % 4) + 2 * Math.floor(rest / 4) - epact - rest % 4) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * week) / 451);
  const days = epact + week - 7 * late + 114;
  return Date.UTC(year, Math.floor(days / 31) - 1, days % 31 + 1 - 2);
}

function inUtc(wallMs: number): number {
  return toUtcMs(wallMs, NEW_YORK);
}

function yearOf(utcMs: number): number {
  return new Date(utcMs).getUTCFullYear();
}
