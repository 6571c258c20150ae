import { ageSecondsOf, type SymbolState } from "./quotes.ts";

/** A market that does not trade now, by its calendar. */
export interface Closed {
  /** UTC ms; undefined when nobody knows. */
  readonly untilMs: number | undefined;
}

const TRADING_SECONDS = 60;
const DAY_MS = 86_400_000;
/** From here on a weekday alone could be the one after. */
const FAR_MS = 6 * DAY_MS;

const TIME = { hour: "2-digit", minute: "2-digit" } as const;
const NEAR = new Intl.DateTimeFormat("en-GB", { weekday: "short", ...TIME });
const FAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", ...TIME });
const WHOLE = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/** Undefined also while a closed market's ticks come: they know better than the calendar. */
export function closedOf(state: SymbolState): Closed | undefined {
  const age = ageSecondsOf(state, false);
  return age === undefined || age > TRADING_SECONDS ? state.closed : undefined;
}

/** When the first of these markets opens; undefined while one of them is not closed. */
export function allClosed(states: Iterable<SymbolState>): Closed | undefined {
  let untilMs: number | undefined, isAny = false;
  for (const state of states) {
    const closed = closedOf(state);
    if (closed === undefined) return undefined;
    isAny = true;
    untilMs = Math.min(untilMs ?? Infinity, closed.untilMs ?? Infinity);
  }
  return isAny ? { untilMs: untilMs === Infinity ? undefined : untilMs } : undefined;
}

/** `until Mon 00:00` by the clock of who looks; empty when nobody knows. */
export function untilText({ untilMs }: Closed): string {
  if (untilMs === undefined) return "";
  const format = untilMs - Date.now() < FAR_MS ? NEAR : FAR;
  return `until ${format.format(untilMs).replace(",", "")}`;
}

/** The same in full, with its zone. */
export function untilTitle({ untilMs }: Closed): string {
  return untilMs === undefined
    ? "The market is closed"
    : `The market is closed until ${WHOLE.format(untilMs)}`;
}
