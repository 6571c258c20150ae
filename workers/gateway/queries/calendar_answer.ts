import { z } from "zod";
import { DAY_MS } from "../../../lib/capture/day_path.ts";
import {
  CalendarHorizon,
  type MarketCalendar,
} from "../../../lib/time/calendar/market_calendar.ts";
import type { Problem } from "../problem.ts";
import { endsBeforeItBegins, isProblem, MAX_UTC_MS, readQuery, utcMs } from "./query_fields.ts";

/** Days of an answer when the query names no end, and at most: beyond a year one asks again. */
const DEFAULT_DAYS = 7, MOST_DAYS = 366;

export interface CalendarQuery {
  readonly symbol: string;
  /** UTC ms, inclusive. */
  readonly fromMs: number;
  /** UTC ms, exclusive; a week later, as far as that is known, when the query names none. */
  readonly toMs: number | undefined;
}

const schema = z.strictObject({ from: utcMs.optional(), to: utcMs.optional() });

/** @returns the query, or what is wrong with the first field that is. */
export function parseCalendarQuery(
  symbol: string,
  texts: Readonly<Record<string, string>>,
  nowMs: number,
): CalendarQuery | Problem {
  const read = readQuery(symbol, texts, schema);
  if (isProblem(read)) return read;
  const fromMs = read.from ?? Math.min(nowMs, read.to ?? nowMs);
  const { to: toMs } = read;
  if (toMs === undefined) return { symbol, fromMs, toMs };
  if (fromMs > toMs) return endsBeforeItBegins("to", texts.to);
  if (toMs - fromMs > MOST_DAYS * DAY_MS) {
    const title = `Cannot answer with the sessions of more than ${MOST_DAYS} days`;
    return { status: 400, title, field: "to", value: texts.to ?? "" };
  }
  return { symbol, fromMs, toMs };
}

/** When a symbol's market trades, as of `nowMs`, or a problem where nobody knows. Times are ISO 8601. */
export function calendarAnswer(
  calendar: MarketCalendar,
  { symbol, fromMs, toMs = defaultEnd(calendar, fromMs) }: CalendarQuery,
  nowMs: number,
): object | Problem {
  try {
    return {
      symbol,
      calendar: calendar.id,
      at: iso(nowMs),
      is_open: isOpenAt(calendar, nowMs),
      next_open: nextOpenAfter(calendar, nowMs),
      next_close: known(() => iso(calendar.nextClose(nowMs))),
      known_from: iso(calendar.knownFromMs),
      known_until: iso(calendar.knownUntilMs),
      from: iso(fromMs),
      to: iso(toMs),
      sessions: calendar.sessions(fromMs, toMs).map(({ openMs, closeMs }) => {
        return { open: iso(openMs), close: iso(closeMs) };
      }),
    };
  } catch (cause) {
    if (!(cause instanceof CalendarHorizon)) throw cause;
    const { id, knownFromMs, knownUntilMs } = calendar;
    const isFrom = fromMs < knownFromMs || fromMs >= knownUntilMs;
    return {
      status: 422,
      title: `Cannot tell the sessions of ${id}, which are known from ${iso(knownFromMs)} to ${
        iso(knownUntilMs)
      }`,
      field: isFrom ? "from" : "to",
      value: iso(isFrom ? fromMs : toMs) ?? "",
    };
  }
}

/** No further than the horizon, which was not asked for; beyond it everything is refused. */
function defaultEnd({ knownUntilMs }: MarketCalendar, fromMs: number): number {
  const endMs = Math.min(fromMs + DEFAULT_DAYS * DAY_MS, MAX_UTC_MS);
  return fromMs < knownUntilMs ? Math.min(endMs, knownUntilMs) : endMs;
}

/** Null past the calendar's horizon. */
export function isOpenAt(calendar: MarketCalendar, utcMs: number): boolean | null {
  return known(() => calendar.isOpen(utcMs));
}

/** ISO 8601; null past the calendar's horizon, and for a market that never closes. */
export function nextOpenAfter(calendar: MarketCalendar, utcMs: number): string | null {
  return known(() => iso(calendar.nextOpen(utcMs)));
}

/** Null for what lies past the horizon: the present may, while the range that is asked for does not. */
function known<T>(look: () => T): T | null {
  try {
    return look();
  } catch (cause) {
    if (cause instanceof CalendarHorizon) return null;
    throw cause;
  }
}

/** Null for what never comes. */
function iso(utcMs: number): string | null {
  return Math.abs(utcMs) <= MAX_UTC_MS ? new Date(utcMs).toISOString() : null;
}
