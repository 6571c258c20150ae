import { nextFxWeekClose, nextFxWeekOpen } from "./fx_week.ts";

/**
 * What the one-hour bars around weekends say of a server's clock. The FX week closes and opens at
 * 17:00 New York; the bars before and after the hole carry the server's clock, so the difference is
 * the server's offset, whatever this machine's clock shows. A week may open at 17:05: it is the
 * label of the hour that counts.
 */
export interface WeekTurn {
  /** The Sunday opening of the FX week, UTC. */
  readonly openUtcMs: number;
  /** The Friday closing before it, UTC. */
  readonly closeUtcMs: number;
  /** The offset by the first bar's label, whole hours in ms: the true one rounded down. */
  readonly openOffsetMs: number | undefined;
  /** The offset by the end of the last bar, whole hours in ms: the true one rounded up. */
  readonly closeOffsetMs: number | undefined;
}

export type Turn = "open" | "close";

const HOUR_MS = 3_600_000;
/** A weekend is 49 hours from bar to bar; early quotes shorten it, a holiday lengthens it. */
const LEAST_HOLE_MS = 30 * HOUR_MS;
const MOST_HOLE_MS = 80 * HOUR_MS;
const LEAST_OFFSET_MS = -12 * HOUR_MS;
const MOST_OFFSET_MS = 14 * HOUR_MS;

/** The weekends of one symbol, oldest first; those around Christmas and New Year are left out. */
export function weekTurnsOf(barOpenServerMs: Iterable<number>): WeekTurn[] {
  const opens = Float64Array.from(barOpenServerMs).sort();
  const turns = new Map<number, WeekTurn>();
  for (let i = 1; i < opens.length; i++) {
    const lastMs = opens[i - 1] ?? NaN;
    const firstMs = opens[i] ?? NaN;
    const holeMs = firstMs - lastMs;
    if (!(holeMs >= LEAST_HOLE_MS && holeMs <= MOST_HOLE_MS)) continue;
    const turn = turnOf(lastMs, firstMs);
    if (turn !== undefined) turns.set(turn.openUtcMs, turn);
  }
  return [...turns.values()];
}

function turnOf(lastMs: number, firstMs: number): WeekTurn | undefined {
  const openUtcMs = nextFxWeekOpen(firstMs - (LEAST_OFFSET_MS + MOST_OFFSET_MS) / 2 - 84 * HOUR_MS);
  if (isHoliday(openUtcMs)) return undefined;
  const closeUtcMs = closeBefore(openUtcMs);
  const openOffsetMs = plausible(Math.floor(firstMs / HOUR_MS) * HOUR_MS - openUtcMs);
  const closeOffsetMs = plausible((Math.floor(lastMs / HOUR_MS) + 1) * HOUR_MS - closeUtcMs);
  if (openOffsetMs === undefined && closeOffsetMs === undefined) return undefined;
  return { openUtcMs, closeUtcMs, openOffsetMs, closeOffsetMs };
}

/** The Friday closing before a Sunday opening. */
export function closeBefore(openUtcMs: number): number {
  return nextFxWeekClose(openUtcMs - 60 * HOUR_MS);
}

/** What a rule with this offset at the turn lets the bars say. */
export function labelledOffset(offsetMs: number, turn: Turn): number {
  return (turn === "open" ? Math.floor : Math.ceil)(offsetMs / HOUR_MS) * HOUR_MS;
}

function plausible(offsetMs: number): number | undefined {
  return offsetMs >= LEAST_OFFSET_MS && offsetMs <= MOST_OFFSET_MS ? offsetMs : undefined;
}

function isHoliday(openUtcMs: number): boolean {
  const date = new Date(openUtcMs);
  const day = date.getUTCDate();
  return date.getUTCMonth() === 11 ? day >= 21 : date.getUTCMonth() === 0 && day <= 3;
}
