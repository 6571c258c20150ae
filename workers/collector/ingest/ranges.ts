import { periodOf } from "../../../lib/capture/bars/bar_path.ts";
import { openOf, type Timeframe, type TimeframeLabel } from "../../../lib/market/timeframe.ts";
import type { GridClock, MarketCalendar } from "../../../lib/time/calendar/market_calendar.ts";
import type { TimeRange } from "../../../lib/time/time_range.ts";

/** Pure: which stretch of UTC time is wanted of one symbol and timeframe. Ends are exclusive. */

const DAY_MS = 86_400_000, MONTH_MS = 31 * DAY_MS;
const LEAST_DAY_BARS = 365;
/** Without `--from`. */
const BARS: Readonly<Record<Exclude<TimeframeLabel, "1D">, number>> = {
  ...{ "1MIN": 240, "5MIN": 240, "15MIN": 240, "30MIN": 240, "1H": 240, "4H": 240 },
  ...{ "1W": 120, "1M": 120 },
};

export interface WantedRange {
  readonly timeframe: Timeframe;
  readonly calendar: MarketCalendar;
  /** On whose grid the bars lie. */
  readonly grid: GridClock;
  /** Of `--from` and `--to`. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  /** How many bars of a day are wanted without `fromMs`; at least a year's days. */
  readonly historyDays: number;
  /** The source's present, less the time for which a bar that ended is not believed yet. */
  readonly settledMs: number;
}

/**
 * Widened to whole files, so that none is sealed half full, and cut where bars are not closed yet.
 * Undefined when nothing of it is closed. @throws RangeError where the clock is not known.
 */
export function rangeOf(wanted: WantedRange): TimeRange | undefined {
  const { timeframe, toMs = Infinity } = wanted;
  const closedMs = closedUntil(wanted);
  const endMs = Math.min(closedMs, toMs === Infinity ? toMs : periodOf(timeframe, toMs - 1).toMs);
  const firstMs = wanted.fromMs ?? countedBack(wanted, Math.min(endMs, toMs));
  // Bars from before 1970 have negative times, which no vendor sends.
  const fromMs = periodOf(timeframe, Math.max(firstMs, 0)).fromMs;
  return fromMs < endMs ? { fromMs, toMs: endMs } : undefined;
}

/** Every bar that opens before this is closed, and believed. */
export function closedUntil(
  { timeframe, grid, settledMs }: Pick<WantedRange, "timeframe" | "grid" | "settledMs">,
): number {
  return grid.toUtcMs(openOf(timeframe, grid.toServerMs(settledMs)));
}

/** Where the stretch begins that has the wanted count of bars, or all that the calendar knows. */
function countedBack(wanted: WantedRange, toMs: number): number {
  const { timeframe, calendar, grid: clock, historyDays } = wanted;
  const { label, lengthMs = MONTH_MS } = timeframe;
  const count = label === "1D" ? Math.max(LEAST_DAY_BARS, historyDays) : BARS[label];
  const least = Math.max(0, calendar.knownFromMs), untilMs = Math.min(toMs, calendar.knownUntilMs);
  for (let spanMs = 2 * count * lengthMs;; spanMs *= 2) {
    const fromMs = Math.max(untilMs - spanMs, least);
    const opens = calendar.expectedOpens(timeframe, { fromMs, toMs: untilMs, clock });
    if (opens.length >= count || fromMs === least) return opens.at(-count) ?? opens[0] ?? fromMs;
  }
}
