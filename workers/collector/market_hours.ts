import { CalendarHorizon, type MarketCalendar } from "../../lib/time/calendar/market_calendar.ts";
import { messageOf } from "../../lib/program/errors.ts";

/** Whether anything of a session trades. */
export type Trading =
  | { readonly market: "closed"; readonly untilMs: number }
  | {
    readonly market: "open";
    /** Since when, UTC ms, as far as the look back reaches. */
    readonly sinceMs: number;
    /** Symbols whose hours nobody knows count as open; this says why. */
    readonly unknown: string | undefined;
  };

/** How old a session's opening may be to matter. */
const LOOK_BACK_MS = 600_000;

/** The markets of these symbols together: closed when every one of them is. */
export function tradingOf(
  symbols: readonly string[],
  { calendarOf, utcMs }: { calendarOf: (symbol: string) => MarketCalendar; utcMs: number },
): Trading {
  const calendars = new Set<MarketCalendar>();
  for (const symbol of symbols) calendars.add(calendarOf(symbol));
  let sinceMs = Infinity, untilMs = Infinity;
  let unknown: string | undefined;
  for (const calendar of calendars) {
    try {
      if (calendar.isOpen(utcMs)) sinceMs = Math.min(sinceMs, openedMs(calendar, utcMs));
      else untilMs = Math.min(untilMs, calendar.nextOpen(utcMs));
    } catch (cause) {
      if (!(cause instanceof CalendarHorizon)) throw cause;
      unknown = messageOf(cause);
      sinceMs = -Infinity;
    }
  }
  return sinceMs === Infinity && untilMs !== Infinity
    ? { market: "closed", untilMs }
    : { market: "open", sinceMs: sinceMs === Infinity ? -Infinity : sinceMs, unknown };
}

function openedMs(calendar: MarketCalendar, utcMs: number): number {
  const fromMs = Math.max(utcMs - LOOK_BACK_MS, calendar.knownFromMs);
  return calendar.sessions(fromMs, utcMs).at(-1)?.openMs ?? utcMs;
}
