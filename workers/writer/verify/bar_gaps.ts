import type { BarCycle } from "../../../lib/capture/bars/bar_cycle.ts";
import { closeOf, openOf, type Timeframe } from "../../../lib/market/timeframe.ts";
import { barGrid } from "../../../lib/time/bar_grid.ts";
import {
  CalendarHorizon,
  type GridClock,
  type MarketCalendar,
} from "../../../lib/time/calendar/market_calendar.ts";
import { quietOpens } from "../../../lib/time/calendar/fx_quiet_days.ts";
import { union } from "../../../lib/time/time_range.ts";
import { timeText } from "./time_words.ts";

export interface BarOpen {
  readonly utcMs: number;
  /** The server's clock minus UTC there. */
  readonly offsetMs: number;
}

/** Longest stretches told one by one; the rest is counted. */
const MOST_TOLD = 20;

/**
 * Bars that the vendor was asked for, that the calendar expects, that are not there, and that no
 * cycle's record names as a gap: each stretch of them in words.
 */
export function missingBars(
  { timeframe, calendar, cycles, opens }: {
    timeframe: Timeframe;
    calendar: MarketCalendar;
    cycles: readonly BarCycle[];
    /** Oldest first. */
    opens: readonly BarOpen[];
  },
): { gaps: string[]; notes: string[] } {
  const asked = union(
    cycles.filter(({ status }) => status !== "FAILED").map((cycle) => ({
      fromMs: Date.parse(cycle.range_from_utc),
      toMs: Date.parse(cycle.range_to_utc),
    })),
  );
  const named = union(cycles.flatMap(({ gaps }) =>
    gaps.map(({ from_utc, to_utc }) => ({
      fromMs: Date.parse(from_utc),
      toMs: Date.parse(to_utc),
    }))
  ));
  // Between two long bars the clock may have turned: the place on the grid tells them, not the hour.
  const clock = barGrid(cycles[0]?.source ?? "", timeframe, clockOf(opens));
  const placeOf = (utcMs: number) => openOf(timeframe, clock.toServerMs(utcMs));
  const there = new Set(opens.map(({ utcMs }) => placeOf(utcMs)));
  const stretches: number[][] = [], notes: string[] = [];
  try {
    for (const range of asked) {
      const quiet = new Set(quietOpens(calendar, timeframe, { ...range, clock }));
      let stretch: number[] | undefined, at = 0;
      for (const open of calendar.expectedOpens(timeframe, { ...range, clock })) {
        const place = placeOf(open);
        const middleMs = open + (closeOf(timeframe, place) - place) / 2;
        // What opens at the edge of the range by a guessed offset had not closed when it was asked for.
        if (middleMs >= range.toMs) continue;
        while ((named[at]?.toMs ?? Infinity) <= middleMs) at++;
        if (there.has(place) || (named[at]?.fromMs ?? Infinity) <= middleMs) {
          stretch = undefined;
        } else if (quiet.has(open)) {
          notes.push(`no bar of ${timeText(open)}, when brokers commonly do not quote`);
          stretch = undefined;
        } else if (stretch === undefined) stretches.push(stretch = [open]);
        else stretch.push(open);
      }
    }
  } catch (cause) {
    if (!(cause instanceof CalendarHorizon)) throw cause;
    return { gaps: [], notes: [`gaps are not judged where ${calendar.id} is not known`] };
  }
  const told = stretches.slice(0, MOST_TOLD).map((stretch) => stretchText(stretch, calendar));
  const rest = stretches.length - told.length;
  return { gaps: rest > 0 ? [...told, `${rest} more stretches of missing bars`] : told, notes };
}

function stretchText(stretch: readonly number[], { id }: MarketCalendar): string {
  const first = timeText(stretch[0] ?? NaN), last = timeText(stretch.at(-1) ?? NaN);
  const which = stretch.length === 1
    ? `the bar of ${first} is`
    : `${stretch.length} bars from ${first} to ${last} are`;
  return `${which} missing by the calendar ${id}, and no record names that`;
}

/**
 * The server's clock as the bars show it: between two bars the later one's offset holds, for clocks
 * are turned while the market is closed.
 */
function clockOf(opens: readonly BarOpen[]): GridClock {
  const turns: BarOpen[] = [];
  for (const [index, open] of opens.entries()) {
    const before = opens[index - 1];
    if (before === undefined || before.offsetMs !== open.offsetMs) {
      turns.push({
        utcMs: before === undefined ? -Infinity : before.utcMs + 1,
        offsetMs: open.offsetMs,
      });
    }
  }
  const offsetAt = (utcMs: number) =>
    turns.findLast((turn) => turn.utcMs <= utcMs)?.offsetMs ?? turns[0]?.offsetMs ?? 0;
  return {
    toServerMs: (utcMs) => utcMs + offsetAt(utcMs),
    toUtcMs: (serverMs) => {
      const turn = turns.findLast(({ utcMs, offsetMs }) => utcMs + offsetMs <= serverMs);
      return serverMs - (turn?.offsetMs ?? turns[0]?.offsetMs ?? 0);
    },
  };
}
