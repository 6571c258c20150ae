import type { Timeframe } from "../../market/timeframe.ts";
import { walkBars } from "./grid_bars.ts";
import {
  CalendarHorizon,
  type ExpectedRange,
  type MarketCalendar,
  type MarketSession,
} from "./market_calendar.ts";
import type { SessionLine } from "./session_line.ts";

/** A calendar of numbered stretches of trading. */
export class SessionCalendar implements MarketCalendar {
  readonly id: string;
  readonly knownFromMs: number;
  readonly knownUntilMs: number;
  readonly #line: SessionLine;
  /** Where it comes from and how to learn more, for the message at the horizon. */
  readonly #remedy: string;

  constructor(
    id: string,
    line: SessionLine,
    known: { fromMs: number; untilMs: number; remedy: string } = {
      ...{ fromMs: -Infinity, untilMs: Infinity, remedy: "" },
    },
  ) {
    this.id = id;
    this.knownFromMs = known.fromMs;
    this.knownUntilMs = known.untilMs;
    this.#line = line;
    this.#remedy = known.remedy === "" ? "" : ` (${known.remedy})`;
  }

  isOpen(utcMs: number): boolean {
    return this.#line.openAt(this.#indexAfter(utcMs)) <= utcMs;
  }

  nextOpen(utcMs: number): number {
    const index = this.#indexAfter(utcMs);
    const isLater = this.#line.openAt(index) > utcMs;
    return this.#edge(isLater ? index : index + 1, utcMs, "openAt");
  }

  nextClose(utcMs: number): number {
    return this.#edge(this.#indexAfter(utcMs), utcMs, "closeAt");
  }

  sessions(fromMs: number, toMs: number): readonly MarketSession[] {
    if (!(fromMs < toMs)) return [];
    const sessions: MarketSession[] = [];
    for (let index = this.#indexWithin(fromMs, toMs); index < this.#line.end; index++) {
      const openMs = this.#line.openAt(index);
      if (openMs >= toMs) break;
      const closeMs = Math.min(this.#line.closeAt(index), toMs);
      sessions.push({ openMs: Math.max(openMs, fromMs), closeMs });
    }
    return sessions;
  }

  expectedOpens(timeframe: Timeframe, range: ExpectedRange): number[] {
    const opens: number[] = [];
    this.#walk(timeframe, range, opens);
    return opens;
  }

  expectedBars(timeframe: Timeframe, range: ExpectedRange): number {
    return this.#walk(timeframe, range);
  }

  #walk(timeframe: Timeframe, range: ExpectedRange, opens?: number[]): number {
    if (!(range.fromMs < range.toMs)) return 0;
    this.#indexWithin(range.fromMs, range.toMs);
    return walkBars({ line: this.#line, timeframe, range }, opens);
  }

  #indexAfter(utcMs: number): number {
    // Written so that NaN is refused too.
    if (!(utcMs >= this.knownFromMs && utcMs < this.knownUntilMs)) throw this.#horizon(utcMs);
    return this.#line.indexAfter(utcMs);
  }

  #indexWithin(fromMs: number, toMs: number): number {
    if (!(toMs <= this.knownUntilMs)) throw this.#horizon(toMs);
    return this.#indexAfter(fromMs);
  }

  #edge(index: number, utcMs: number, edge: "openAt" | "closeAt"): number {
    if (index < this.#line.end) return this.#line[edge](index);
    if (this.knownUntilMs === Infinity) return Infinity;
    throw this.#horizon(utcMs);
  }

  #horizon(utcMs: number): CalendarHorizon {
    const known = `${day(this.knownFromMs)} to ${day(this.knownUntilMs)}`;
    return new CalendarHorizon(
      `Cannot tell when ${this.id} trades as known from ${known}${this.#remedy}: current value is ${
        day(utcMs)
      }`,
    );
  }
}

function day(utcMs: number): string {
  return Math.abs(utcMs) <= 8.64e15 ? new Date(utcMs).toISOString() : String(utcMs);
}
