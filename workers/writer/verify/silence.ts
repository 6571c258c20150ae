import { type Day, DAY_MS, dayOf, startOfDayMs } from "../../../lib/capture/day_path.ts";
import { gapsOf } from "../../../lib/capture/gaps.ts";
import {
  CalendarHorizon,
  type MarketCalendar,
} from "../../../lib/time/calendar/market_calendar.ts";
import { quietHours } from "../../../lib/time/calendar/fx_quiet_days.ts";
import type { Findings } from "./difference.ts";
import { subtract, type TimeRange } from "../../../lib/time/time_range.ts";
import { lengthText, rangeText } from "./time_words.ts";

const MINUTE_MS = 60_000;
/** A year of days without a name for them is told as one silence all the same. */
const MOST_DAYS_LOOKED_UP = 400;

/**
 * The stretches in which a symbol had no tick although its market was open and no gap says so. Days
 * come in order; between the first tick and the last one every minute is looked at, and none before
 * or after: nobody says when capture should have begun.
 */
export class Silence {
  readonly #silenceMs: number;
  readonly #quiet: TimeRange[] = [];
  /** The end of the last minute that had a tick. */
  #heardUntilMs: number | undefined;
  readonly #minutes = new Uint8Array(DAY_MS / MINUTE_MS);
  #dayFromMs = 0;

  constructor({ silenceMs }: { silenceMs: number }) {
    this.#silenceMs = silenceMs;
  }

  beginDay(day: Day): void {
    this.#dayFromMs = startOfDayMs(day);
    this.#minutes.fill(0);
  }

  /** Ticks of a day come from several files, each in order. */
  tick(utcMs: number): void {
    const minute = Math.floor((utcMs - this.#dayFromMs) / MINUTE_MS);
    if (minute >= 0 && minute < this.#minutes.length) this.#minutes[minute] = 1;
  }

  /** A file of the day cannot be read to its end: what it held there is not known to be silence. */
  unknownDay(): void {
    this.#minutes.fill(1);
  }

  endDay(): void {
    for (let minute = 0; minute < this.#minutes.length; minute++) {
      if (this.#minutes[minute] === 0) continue;
      const fromMs = this.#dayFromMs + minute * MINUTE_MS;
      const quietFromMs = this.#heardUntilMs;
      if (quietFromMs !== undefined && fromMs - quietFromMs >= this.#silenceMs) {
        this.#quiet.push({ fromMs: quietFromMs, toMs: fromMs });
      }
      this.#heardUntilMs = fromMs + MINUTE_MS;
    }
  }

  /** Tells what is left when closed hours and named gaps are taken away. */
  async tell({ dataDir, symbol, folder, calendar, named, findings }: {
    dataDir: string;
    symbol: string;
    /** What is shown as the place. */
    folder: string;
    calendar: MarketCalendar;
    /** Of the manifests. */
    named: readonly TimeRange[];
    findings: Findings;
  }): Promise<void> {
    for (const quiet of this.#quiet) {
      try {
        const open = calendar.sessions(quiet.fromMs, quiet.toMs)
          .map(({ openMs, closeMs }) => ({ fromMs: openMs, toMs: closeMs }));
        const holidays = quietHours(calendar, quiet);
        for (const range of subtract(open, named)) {
          if (!this.#isLong(range)) continue;
          const unnamed = subtract([range], await notedHoles(dataDir, symbol, range));
          const lost = subtract(unnamed, holidays);
          for (const part of lost) {
            if (this.#isLong(part)) findings.gap(folder, gapText(part, calendar));
          }
          for (const part of subtract(unnamed, lost)) {
            if (this.#isLong(part)) findings.note(folder, holidayText(part));
          }
        }
      } catch (cause) {
        if (!(cause instanceof CalendarHorizon)) throw cause;
        findings.note(folder, `gaps are not judged where ${calendar.id} is not known`);
        return;
      }
    }
  }

  #isLong({ fromMs, toMs }: TimeRange): boolean {
    return toMs - fromMs >= this.#silenceMs;
  }
}

/** Holes that were noted after their day was sealed. */
async function notedHoles(
  dataDir: string,
  symbol: string,
  { fromMs, toMs }: TimeRange,
): Promise<TimeRange[]> {
  const holes: TimeRange[] = [];
  const last = Math.min(dayOf(toMs - 1), dayOf(fromMs) + MOST_DAYS_LOOKED_UP);
  for (let day = dayOf(fromMs); day <= last; day++) {
    holes.push(...await gapsOf(dataDir, symbol, day));
  }
  return holes;
}

function holidayText(range: TimeRange): string {
  return `no tick from ${rangeText(range)}, when brokers commonly do not quote`;
}

function gapText(range: TimeRange, { id }: MarketCalendar): string {
  return `no tick from ${rangeText(range)} (${
    lengthText(range.toMs - range.fromMs)
  }), while ${id} was open, and no gap is named`;
}
