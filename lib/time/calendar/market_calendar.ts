import type { Timeframe } from "../../market/timeframe.ts";

/** UTC ms, `[openMs, closeMs)`: a stretch of trading without a break. A lunch break makes two of a day. */
export interface MarketSession {
  readonly openMs: number;
  readonly closeMs: number;
}

/** How a server's clock relates to UTC: what places a bar on its grid. */
export interface GridClock {
  toServerMs(utcMs: number): number;
  toUtcMs(serverMs: number): number;
}

/**
 * When a market trades. All times are UTC ms; every call costs microseconds, over ranges of years too.
 * Every method throws a `CalendarHorizon` for a time outside `[knownFromMs, knownUntilMs)`: nothing is
 * guessed of a year whose holidays nobody has published.
 */
export interface MarketCalendar {
  /** `FX`, `24-7`, or the exchange's code, such as `XNYS`. */
  readonly id: string;
  readonly knownFromMs: number;
  readonly knownUntilMs: number;
  /** The opening moment is in it, the closing one is not. */
  isOpen(utcMs: number): boolean;
  /** The next opening later than this; Infinity for a market that never closes. */
  nextOpen(utcMs: number): number;
  /** The next closing later than this; Infinity for a market that never closes. */
  nextClose(utcMs: number): number;
  /** What trades within `[fromMs, toMs)`, oldest first, cut to the range. */
  sessions(fromMs: number, toMs: number): readonly MarketSession[];
  /** The UTC opens of the bars that open within `[fromMs, toMs)` and in which the market trades. */
  expectedOpens(timeframe: Timeframe, range: ExpectedRange): number[];
  /** How many those are, without making them. */
  expectedBars(timeframe: Timeframe, range: ExpectedRange): number;
}

export interface ExpectedRange {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the server whose bars they are; UTC when absent. */
  readonly clock?: GridClock;
}

/** A time of which the calendar does not know whether the market trades. */
export class CalendarHorizon extends RangeError {
  override readonly name = "CalendarHorizon";
}
