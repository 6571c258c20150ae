import type { Bar } from "../../../lib/market/bar.ts";
import { closeOf, openOf, type Timeframe } from "../../../lib/market/timeframe.ts";
import type { GridClock, MarketCalendar } from "../../../lib/time/calendar/market_calendar.ts";
import type { UtcRange } from "./ranges.ts";

/** Pure: what should have come by the calendar, what came, and what that is called. */

export interface Measure extends UtcRange {
  readonly timeframe: Timeframe;
  readonly calendar: MarketCalendar;
  /** On whose grid the bars lie. */
  readonly grid: GridClock;
  /** Bars that came and were not taken; none when absent. */
  readonly refused?: number;
}

/** Bars that the calendar expects and that did not come, one after another. */
export interface MissingBars extends UtcRange {
  readonly bars: number;
  readonly reason: string;
}

export interface Judgement {
  readonly status: "SUCCESS" | "PARTIAL" | "FAILED";
  /** Of the part of the range that the calendar knows. */
  readonly expected: number;
  /** Whether that is all of it. */
  readonly isKnown: boolean;
  readonly received: number;
  readonly missing: readonly MissingBars[];
  readonly missingBars: number;
}

/** How many bars open within the range; where the calendar knows nothing, nothing is expected. */
export function expectedBars(measure: Measure): number {
  const known = knownPart(measure);
  if (known === undefined) return 0;
  return measure.calendar.expectedBars(measure.timeframe, { ...known, clock: measure.grid });
}

/**
 * A bar counts for the place on the grid that it lies in, wherever in it the vendor lets it open.
 * `FAILED` when bars were expected and none came, unless nothing but holidays was asked for.
 */
export function judge(bars: readonly Bar[], measure: Measure): Judgement {
  const { timeframe, calendar, grid } = measure;
  const placeOf = (utcMs: number) => openOf(timeframe, grid.toServerMs(utcMs));
  const came = new Set(bars.map(({ utcMs }) => placeOf(utcMs)));
  const known = knownPart(measure);
  const opens = known === undefined
    ? []
    : calendar.expectedOpens(timeframe, { ...known, clock: grid });
  const firstMs = bars[0]?.utcMs ?? Infinity;
  const missing: MissingBars[] = [];
  let wasMissing = false, missingBars = 0;
  for (const openMs of opens) {
    const isMissing = !came.has(placeOf(openMs));
    if (isMissing) {
      const toMs = grid.toUtcMs(closeOf(timeframe, placeOf(openMs)));
      const reason = reasonOf(openMs, firstMs);
      const last = wasMissing ? missing.at(-1) : undefined;
      missingBars++;
      if (last?.reason === reason) {
        missing[missing.length - 1] = { ...last, toMs, bars: last.bars + 1 };
      } else {
        missing.push({ fromMs: openMs, toMs, bars: 1, reason });
      }
    }
    wasMissing = isMissing;
  }
  const { length: expected } = opens, { length: received } = bars;
  const isWhole = missingBars === 0 && (measure.refused ?? 0) === 0;
  const isHoliday = missing.every(({ reason }) => reason === CHRISTMAS || reason === NEW_YEAR);
  const status = isWhole ? "SUCCESS" : received > 0 || isHoliday ? "PARTIAL" : "FAILED";
  const isKnown = known?.fromMs === measure.fromMs && known.toMs === measure.toMs;
  return { status, expected, isKnown, received, missing, missingBars };
}

const CHRISTMAS = "no bar, Christmas", NEW_YEAR = "no bar, New Year";

/** No calendar has the holidays of currencies: banks trade little or nothing on these days. */
function reasonOf(openMs: number, firstMs: number): string {
  const date = new Date(openMs).toISOString().slice(5, 10);
  if (date === "12-24" || date === "12-25" || date === "12-26") return CHRISTMAS;
  if (date === "12-31" || date === "01-01" || date === "01-02") return NEW_YEAR;
  return openMs < firstMs ? "no bar, before the first that the vendor has here" : "no bar";
}

function knownPart({ fromMs, toMs, calendar }: Measure): UtcRange | undefined {
  const known = {
    fromMs: Math.max(fromMs, calendar.knownFromMs),
    toMs: Math.min(toMs, calendar.knownUntilMs),
  };
  return known.fromMs < known.toMs ? known : undefined;
}
