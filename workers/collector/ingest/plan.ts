import { periodOf } from "../../../lib/capture/bars/bar_path.ts";
import type { Timeframe } from "../../../lib/market/timeframe.ts";
import type { GridClock, MarketCalendar } from "../../../lib/time/calendar/market_calendar.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { expectedBars } from "./judge.ts";
import { subtract, type TimeRange } from "../../../lib/time/time_range.ts";
import { rangeOf } from "./ranges.ts";

/** One read of bars and one cycle record: whole files, but for the newest of a symbol. */
export interface WorkUnit extends TimeRange {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** By the calendar. */
  readonly expected: number;
}

/** What one session does in a row: the units of one symbol, oldest first within a timeframe. */
export interface SymbolWork {
  readonly symbol: string;
  readonly units: readonly WorkUnit[];
}

/** Bars that cannot be planned, as where the clock of the server is not known. */
export interface Unplanned {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly error: string;
}

export interface Plan {
  readonly work: readonly SymbolWork[];
  readonly unplanned: readonly Unplanned[];
  /** Calendars that do not know all of what is asked, in a sentence each. */
  readonly horizons: readonly string[];
}

export interface PlanOptions {
  readonly symbols: readonly string[];
  readonly timeframes: readonly Timeframe[];
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly historyDays: number;
  /** See `WantedRange`. */
  readonly settledMs: number;
  /** Most bars of a unit; a file is never cut, whatever is in it. */
  readonly chunkBars: number;
  readonly calendarOf: (symbol: string) => MarketCalendar;
  readonly gridOf: (timeframe: Timeframe) => GridClock;
  /** What need not be asked again, sorted; nothing without `--resume`. */
  readonly coveredOf: (symbol: string, timeframe: Timeframe) => readonly TimeRange[];
}

export function planOf(options: PlanOptions): Plan {
  const unplanned: Unplanned[] = [], horizons = new Set<string>();
  const work = options.symbols.map((symbol) => ({
    symbol,
    units: options.timeframes.flatMap((timeframe) => {
      try {
        const units = unitsOf(symbol, timeframe, options);
        const horizon = horizonOf(units, options.calendarOf(symbol));
        if (horizon !== undefined) horizons.add(horizon);
        return units;
      } catch (cause) {
        // The clock of the server is not known then.
        if (!(cause instanceof RangeError)) throw cause;
        unplanned.push({ symbol, timeframe, error: `${messageOf(cause)}; ${WHAT_TO_DO}` });
        return [];
      }
    }),
  }));
  const filled = work.filter(({ units }) => units.length > 0);
  return { work: filled, unplanned, horizons: [...horizons] };
}

const WHAT_TO_DO = "BROKER_TZ (e.g. America/New_York+7h) states the rule, a later --from leaves " +
  "that time out";

/** What is outside is read all the same, and nobody can say whether anything is missing. */
function horizonOf(
  units: readonly WorkUnit[],
  { id, knownFromMs, knownUntilMs }: MarketCalendar,
): string | undefined {
  const isKnown = units.every(({ fromMs, toMs }) => fromMs >= knownFromMs && toMs <= knownUntilMs);
  if (isKnown) return undefined;
  const [from, until] = [knownFromMs, knownUntilMs].map((ms) =>
    Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().slice(0, 10) : "ever"
  );
  return `The calendar ${id} is known from ${from} until ${until}: bars outside are kept, and ` +
    "nobody can say which are missing";
}

/**
 * How long a read may be by the clock, in lengths a bar that is expected: a share trades a fifth of the
 * week. Where the calendar expects nothing the vendor may have everything.
 */
const PLACES_A_BAR = 6, MONTH_MS = 31 * 86_400_000;

function unitsOf(symbol: string, timeframe: Timeframe, options: PlanOptions): WorkUnit[] {
  const { lengthMs = MONTH_MS } = timeframe;
  const calendar = options.calendarOf(symbol), grid = options.gridOf(timeframe);
  const range = rangeOf({ ...options, timeframe, calendar, grid });
  if (range === undefined) return [];
  const lacking = byFile(subtract([range], options.coveredOf(symbol, timeframe)), timeframe);
  return lacking.flatMap((left) => {
    const units: WorkUnit[] = [];
    for (const part of periodsOf(left, timeframe)) {
      const expected = expectedBars({ ...part, timeframe, calendar, grid });
      const last = units.at(-1);
      const fits = last !== undefined && last.expected + expected <= options.chunkBars &&
        part.toMs - last.fromMs <= PLACES_A_BAR * options.chunkBars * lengthMs;
      if (fits) {
        units[units.length - 1] = { ...last, toMs: part.toMs, expected: last.expected + expected };
      } else {
        units.push({ symbol, timeframe, ...part, expected });
      }
    }
    return units;
  });
}

/** Sorted ranges; those that have to do with one file are one, so that it is written once. */
function byFile(ranges: readonly TimeRange[], timeframe: Timeframe): TimeRange[] {
  const joined: TimeRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && range.fromMs < periodOf(timeframe, last.toMs - 1).toMs) {
      joined[joined.length - 1] = { fromMs: last.fromMs, toMs: range.toMs };
    } else {
      joined.push(range);
    }
  }
  return joined;
}

/** A range cut where files end. */
function* periodsOf({ fromMs, toMs }: TimeRange, timeframe: Timeframe): Generator<TimeRange> {
  for (let atMs = fromMs; atMs < toMs;) {
    const endMs = Math.min(periodOf(timeframe, atMs).toMs, toMs);
    yield { fromMs: atMs, toMs: endMs };
    atMs = endMs;
  }
}
