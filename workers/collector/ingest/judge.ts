import type { Bar } from "../../../lib/market/bar.ts";
import { closeOf, openOf, type Timeframe } from "../../../lib/market/timeframe.ts";
import { HOLIDAY } from "../../../lib/capture/bars/bar_cycle.ts";
import { quietOpens } from "../../../lib/time/calendar/fx_quiet_days.ts";
import type { GridClock, MarketCalendar } from "../../../lib/time/calendar/market_calendar.ts";
import type { TimeRange } from "../../../lib/time/time_range.ts";

/** Pure: what should have come by the calendar, what came, and what that is called. */

export interface Measure extends TimeRange {
  readonly timeframe: Timeframe;
  readonly calendar: MarketCalendar;
  /** On whose grid the bars lie. */
  readonly grid: GridClock;
  /** Bars that came and were not taken; none when absent. */
  readonly refused?: number;
  /** The vendor has nothing that opens earlier, UTC ms; absent when that is not known. */
  readonly beginsMs?: number | undefined;
}

/**
 * Bars that the calendar expects and that did not come, one after another. Those of a holiday, and
 * those from before the vendor's history, are named and are no loss.
 */
export interface MissingBars extends TimeRange {
  readonly bars: number;
  readonly reason: string;
}

export interface Judgement {
  readonly status: "SUCCESS" | "PARTIAL" | "FAILED";
  /** Of the part of the range that the calendar knows, without what is missing and no loss. */
  readonly expected: number;
  /** Whether that is all of it. */
  readonly isKnown: boolean;
  readonly received: number;
  readonly missing: readonly MissingBars[];
  /** Those that are a loss. */
  readonly missingBars: number;
}

/**
 * How many bars open within the range, without those of holidays; where the calendar knows nothing,
 * nothing is expected.
 */
export function expectedBars(measure: Measure): number {
  const known = knownPart(measure);
  if (known === undefined) return 0;
  const { calendar, timeframe, grid: clock } = measure, range = { ...known, clock };
  const quiet = quietOpens(calendar, timeframe, range);
  return calendar.expectedBars(timeframe, range) - quiet.length;
}

/** The bars that are a loss when they do not come, by their UTC opens. */
export function neededOpens(measure: Measure): number[] {
  const { timeframe, calendar, grid: clock } = measure, known = knownPart(measure);
  if (known === undefined) return [];
  const range = { ...known, clock }, quiet = new Set(quietOpens(calendar, timeframe, range));
  return calendar.expectedOpens(timeframe, range).filter((openMs) => !quiet.has(openMs));
}

/**
 * A bar counts for the place on the grid that it lies in, wherever in it the vendor lets it open.
 * `FAILED` when bars are lost and none came.
 */
export function judge(bars: readonly Bar[], measure: Measure): Judgement {
  const { timeframe, calendar, grid, beginsMs = -Infinity, refused = 0 } = measure;
  const placeOf = (utcMs: number) => openOf(timeframe, grid.toServerMs(utcMs));
  const came = new Set(bars.map(({ utcMs }) => placeOf(utcMs)));
  const known = knownPart(measure), range = known && { ...known, clock: grid };
  const opens = range === undefined ? [] : calendar.expectedOpens(timeframe, range);
  const quiet = new Set(range === undefined ? [] : quietOpens(calendar, timeframe, range));
  const firstMs = bars[0]?.utcMs ?? Infinity;
  const reasonOf = (openMs: number): string => {
    if (quiet.has(openMs)) return HOLIDAY;
    if (openMs < beginsMs) return BEFORE_FIRST;
    return openMs < firstMs ? "no bar, before the first that the vendor has here" : "no bar";
  };
  const missing: MissingBars[] = [];
  let wasMissing = false, missingBars = 0, excused = 0;
  for (const openMs of opens) {
    const isMissing = !came.has(placeOf(openMs));
    if (isMissing) {
      const toMs = grid.toUtcMs(closeOf(timeframe, placeOf(openMs)));
      const reason = reasonOf(openMs);
      const last = wasMissing ? missing.at(-1) : undefined;
      if (reason === HOLIDAY || reason === BEFORE_FIRST) excused++;
      else missingBars++;
      if (last?.reason === reason) {
        missing[missing.length - 1] = { ...last, toMs, bars: last.bars + 1 };
      } else {
        missing.push({ fromMs: openMs, toMs, bars: 1, reason });
      }
    }
    wasMissing = isMissing;
  }
  const expected = opens.length - excused, { length: received } = bars;
  const isWhole = missingBars === 0 && refused === 0;
  const status = isWhole ? "SUCCESS" : received > 0 ? "PARTIAL" : "FAILED";
  const isKnown = known?.fromMs === measure.fromMs && known.toMs === measure.toMs;
  return { status, expected, isKnown, received, missing, missingBars };
}

const BEFORE_FIRST = "before the vendor's first bar";

function knownPart({ fromMs, toMs, calendar }: Measure): TimeRange | undefined {
  const known = {
    fromMs: Math.max(fromMs, calendar.knownFromMs),
    toMs: Math.min(toMs, calendar.knownUntilMs),
  };
  return known.fromMs < known.toMs ? known : undefined;
}
