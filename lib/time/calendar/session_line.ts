import { toUtcMs } from "../server_zone.ts";

/**
 * Stretches of trading in order of time, numbered, none touching the next.
 */
export interface SessionLine {
  /** After the last number; Infinity when there is no last. */
  readonly end: number;
  /** The first stretch that closes later than this; `end` when none does. */
  indexAfter(utcMs: number): number;
  openAt(index: number): number;
  closeAt(index: number): number;
}

const MINUTE_MS = 60_000, DAY_MS = 86_400_000, WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday: the Sunday before it. */
const FIRST_SUNDAY_MS = -4 * DAY_MS;

/** One stretch without beginning or end. */
export const ALWAYS: SessionLine = {
  end: 1,
  indexAfter: () => 0,
  openAt: () => -Infinity,
  closeAt: () => Infinity,
};

/** ms since Sunday 00:00 by the wall clock; a stretch ends in the week that it began in. */
export interface WeekPart {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The same week for ever, by the wall clock of a zone. */
export class WeekLine implements SessionLine {
  readonly end = Infinity;
  readonly #clock: { readonly zone: string; readonly shiftMs: 0 };
  readonly #parts: readonly WeekPart[];

  constructor(zone: string, parts: readonly WeekPart[]) {
    this.#clock = { zone, shiftMs: 0 };
    this.#parts = parts;
  }

  indexAfter(utcMs: number): number {
    // No zone is a day away from UTC, so the search begins a little early.
    const week = Math.floor((utcMs - DAY_MS - FIRST_SUNDAY_MS) / WEEK_MS);
    let index = week * this.#parts.length;
    while (this.closeAt(index) <= utcMs) index++;
    return index;
  }

  openAt(index: number): number {
    return toUtcMs(this.#wallOf(index) + this.#part(index).fromMs, this.#clock);
  }

  closeAt(index: number): number {
    return toUtcMs(this.#wallOf(index) + this.#part(index).toMs, this.#clock);
  }

  #wallOf(index: number): number {
    return FIRST_SUNDAY_MS + Math.floor(index / this.#parts.length) * WEEK_MS;
  }

  #part(index: number): WeekPart {
    const count = this.#parts.length;
    const part = this.#parts[((index % count) + count) % count];
    if (part === undefined) throw new RangeError(`Cannot read part ${index} of a week without any`);
    return part;
  }
}

/** A list of stretches in whole minutes: eight bytes each, whatever the year. */
export class ListedLine implements SessionLine {
  readonly end: number;
  readonly #openMinutes: Int32Array;
  readonly #closeMinutes: Int32Array;

  /** `stretches` are UTC ms: open, close, open, close …, in order; those that touch become one. */
  constructor(stretches: readonly number[]) {
    const openMinutes = new Int32Array(stretches.length / 2);
    const closeMinutes = new Int32Array(stretches.length / 2);
    let count = 0;
    for (let i = 0; i + 1 < stretches.length; i += 2) {
      const open = (stretches[i] ?? NaN) / MINUTE_MS, close = (stretches[i + 1] ?? NaN) / MINUTE_MS;
      const previousClose = count === 0 ? -Infinity : closeMinutes[count - 1] ?? NaN;
      if (!(open < close && open >= previousClose)) {
        throw new RangeError(
          `Cannot list sessions as stretches in order: current value is ${open} to ${close} min`,
        );
      }
      if (open === previousClose) count--;
      else openMinutes[count] = open;
      closeMinutes[count++] = close;
    }
    this.end = count;
    this.#openMinutes = openMinutes.slice(0, count);
    this.#closeMinutes = closeMinutes.slice(0, count);
  }

  indexAfter(utcMs: number): number {
    const minutes = utcMs / MINUTE_MS;
    let low = 0, high = this.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#closeMinutes[middle] ?? NaN) <= minutes) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  openAt(index: number): number {
    return (this.#openMinutes[index] ?? NaN) * MINUTE_MS;
  }

  closeAt(index: number): number {
    return (this.#closeMinutes[index] ?? NaN) * MINUTE_MS;
  }
}
