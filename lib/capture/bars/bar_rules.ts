import type { Bar } from "../../market/bar.ts";
import { closeOf, openOf, type Timeframe } from "../../market/timeframe.ts";

const SECOND_MS = 1000, HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
const SHORTEST_MONTH_MS = 28 * DAY_MS, LONGEST_MONTH_MS = 31 * DAY_MS;

/** What is wrong with a bar: which field, what it must be and what it is. */
export interface BarFault {
  readonly field: keyof Bar;
  readonly want: string;
  readonly got: string;
}

const PRICES = ["open", "high", "low", "close"] as const;
const TIMES = ["utcMs", "serverMs"] as const;

/** What no bar may be, whatever is known beside it. */
export function faultOf(bar: Bar): BarFault | undefined {
  for (const field of TIMES) {
    if (!Number.isSafeInteger(bar[field]) || bar[field] % SECOND_MS !== 0) {
      return { field, want: "a whole second", got: `${bar[field]} ms` };
    }
  }
  for (const field of PRICES) {
    if (!Number.isFinite(bar[field])) {
      return { field, want: "a finite number", got: String(bar[field]) };
    }
  }
  if (!(Number.isFinite(bar.volume) && bar.volume >= 0)) {
    return { field: "volume", want: "a finite number from 0", got: String(bar.volume) };
  }
  const top = Math.max(bar.open, bar.close), bottom = Math.min(bar.open, bar.close);
  if (bar.high < top) {
    return { field: "high", want: `at least open and close, ${top}`, got: String(bar.high) };
  }
  if (bar.low > bottom) {
    return { field: "low", want: `at most open and close, ${bottom}`, got: String(bar.low) };
  }
  return undefined;
}

export interface AnswerRules {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly range: { readonly fromMs: number; readonly toMs: number };
  readonly nowMs: number;
}

/**
 * Refuses an answer of a vendor as a whole when one bar of it cannot be true.
 * @throws RangeError that names symbol, timeframe, the bar's open and the field.
 */
export function checkAnswer(bars: readonly Bar[], rules: AnswerRules): void {
  const { symbol, timeframe } = rules;
  let previous: Bar | undefined;
  for (const bar of bars) {
    const fault = faultOf(bar) ?? misplaced(bar, previous, rules);
    if (fault !== undefined) {
      throw new RangeError(
        `Cannot store the ${timeframe.label} bar of ${symbol} at ${timeText(bar.utcMs)} with ` +
          `${fault.field} as ${fault.want}: current value is ${fault.got}`,
      );
    }
    previous = bar;
  }
}

/** What a bar may not be at its place in an answer. */
function misplaced(
  bar: Bar,
  previous: Bar | undefined,
  { timeframe, range, nowMs }: AnswerRules,
): BarFault | undefined {
  const utcFault = (want: string, got = timeText(bar.utcMs)): BarFault => (
    { field: "utcMs", want, got }
  );
  if (bar.utcMs < range.fromMs || bar.utcMs >= range.toMs) {
    return utcFault(`from ${timeText(range.fromMs)} and before ${timeText(range.toMs)}`);
  }
  if (previous !== undefined && bar.utcMs - previous.utcMs < shortestMs(timeframe)) {
    return utcFault(`at least one length after ${timeText(previous.utcMs)}`);
  }
  if (bar.serverMs % gridMs(timeframe) !== 0) {
    return { field: "serverMs", want: "on the grid", got: timeText(bar.serverMs) };
  }
  const closeMs = bar.utcMs + closeOf(timeframe, bar.serverMs) - bar.serverMs;
  if (closeMs - turnMs(timeframe) > nowMs) {
    return utcFault(`closed at ${timeText(nowMs)}`, `open until ${timeText(closeMs)}`);
  }
  return undefined;
}

/**
 * When no bar of a period can still come, because the last one that opens in it has closed. `bar` is any
 * of the period; where it is not on the grid of `openOf`, as of a vendor whose days begin in New York,
 * the last one may open at the period's very end.
 */
export function lastCloseMs(timeframe: Timeframe, bar: Bar, periodToMs: number): number {
  const { lengthMs = LONGEST_MONTH_MS } = timeframe, offsetMs = bar.serverMs - bar.utcMs;
  if (openOf(timeframe, bar.serverMs) !== bar.serverMs) return periodToMs + lengthMs;
  return closeOf(timeframe, openOf(timeframe, periodToMs - 1 + offsetMs)) - offsetMs;
}

/**
 * Bars up to an hour lie on multiples of their length. The grid of the longer ones begins at whatever
 * hour the vendor's day does.
 */
function gridMs({ lengthMs = Infinity }: Timeframe): number {
  return Math.min(lengthMs, HOUR_MS);
}

/** How close two opens may be in UTC: a clock that turns forward makes a longer bar an hour shorter. */
export function shortestMs(timeframe: Timeframe): number {
  const { lengthMs = SHORTEST_MONTH_MS } = timeframe;
  return lengthMs - turnMs(timeframe);
}

/** How much the server's clock may turn within a bar. */
function turnMs({ lengthMs = Infinity }: Timeframe): number {
  return lengthMs > HOUR_MS ? HOUR_MS : 0;
}

/** A time for a message, also one that is no time. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
