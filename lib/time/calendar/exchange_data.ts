import { toUtcMs } from "../server_zone.ts";
import { ListedLine } from "./session_line.ts";

/** What `exchanges/generate.py` writes: days as `MM-DD` by year, hours by the exchange's wall clock. */
export interface ExchangeData {
  /** The package and its version. */
  readonly source: string;
  readonly zone: string;
  /** The first day and the day after the last one, `YYYY-MM-DD` of the exchange. */
  readonly from: string;
  readonly until: string;
  /** The hours from Monday to Friday, oldest first: `09:00-11:30 12:30-15:00`; `<` is the day before. */
  readonly regular: readonly { readonly from: string; readonly hours: string }[];
  /** Weekdays without trading. */
  readonly closed: Readonly<Record<string, string>>;
  /** Days with other hours, by these hours; Saturdays and Sundays among them. */
  readonly other: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const MINUTE_MS = 60_000, DAY_MS = 86_400_000;
const EVENING_BEFORE = "<";

/** UTC ms of the wall clock's midnight at both ends. */
export function knownRange(
  { zone, from, until }: ExchangeData,
): { fromMs: number; untilMs: number } {
  const clock = { zone, shiftMs: 0 };
  return { fromMs: toUtcMs(Date.parse(from), clock), untilMs: toUtcMs(Date.parse(until), clock) };
}

/** Every stretch of trading of the exchange. */
export function exchangeLine(data: ExchangeData): ListedLine {
  const { zone } = data;
  const clock = { zone, shiftMs: 0 };
  const closed = new Set(daysOf(data.closed));
  const other = new Map(
    Object.entries(data.other).flatMap(([hours, years]) => {
      const minutes = minutesOf(hours);
      return [...daysOf(years)].map((dayMs) => [dayMs, minutes]);
    }),
  );
  const regular = data.regular.map(({ from, hours }) => {
    return { fromMs: Date.parse(from), minutes: minutesOf(hours) };
  });
  const stretches: number[] = [];
  const endMs = Date.parse(data.until);
  for (let dayMs = Date.parse(data.from); dayMs < endMs; dayMs += DAY_MS) {
    const usual = isWeekday(dayMs) && !closed.has(dayMs)
      ? regular.findLast(({ fromMs }) => fromMs <= dayMs)?.minutes
      : undefined;
    for (const minute of other.get(dayMs) ?? usual ?? []) {
      stretches.push(toUtcMs(dayMs + minute * MINUTE_MS, clock));
    }
  }
  return new ListedLine(stretches);
}

/** Midnights, as if the wall clock were UTC. */
function* daysOf(years: Readonly<Record<string, string>>): Generator<number> {
  for (const [year, days] of Object.entries(years)) {
    for (const day of days.split(" ")) yield Date.parse(`${year}-${day}`);
  }
}

function isWeekday(dayMs: number): boolean {
  const day = new Date(dayMs).getUTCDay();
  return day !== 0 && day !== 6;
}

/** `09:00-11:30 12:30-15:00` as minutes of the day: open, close, open, close. */
function minutesOf(hours: string): number[] {
  return hours.split(/[ -]/).map((text) => {
    const isBefore = text.startsWith(EVENING_BEFORE);
    const [hour, minute] = text.slice(isBefore ? 1 : 0).split(":").map(Number);
    return (hour ?? NaN) * 60 + (minute ?? NaN) - (isBefore ? 24 * 60 : 0);
  });
}
