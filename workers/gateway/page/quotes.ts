import { UNIVERSE } from "../../../lib/market/universe.ts";
import type { Closed } from "./hours.ts";
import { isAfter, type Quote } from "./messages.ts";

const DIGITS = new Map(UNIVERSE.map(({ symbol, digits }) => [symbol, digits]));

/** The newest quote of a symbol, and what the table says of it. */
export interface SymbolState {
  readonly symbol: string;
  /** Decimals of the price: the universe's, or the most that a price of the symbol has shown. */
  digits: number;
  readonly digitsKnown: boolean;
  quote: Quote | undefined;
  /** Mid price of the first quote that this page saw; the change counts from there. */
  firstMid: number | undefined;
  bidMove: Move;
  askMove: Move;
  /** Whether the newest quote is one that happened while the page watched. */
  live: boolean;
  /** `performance.now()` of the newest live quote's arrival. */
  arrivedMs: number;
  /** Set while the calendar has its market closed. */
  closed: Closed | undefined;
}

/** Direction of the newest change of a price: 1 up, -1 down, 0 none yet. */
export type Move = -1 | 0 | 1;

/** All symbols' newest quotes. Bounded by the number of symbols: a newer quote replaces. */
export class Quotes {
  readonly states: Map<string, SymbolState> = new Map();
  /** Symbols that changed since the last `takeChanged`. */
  #changed = new Set<SymbolState>();
  /** Whether `states` got new members since the last `takeAdded`. */
  #added = false;

  add(symbol: string): SymbolState {
    const known = this.states.get(symbol);
    if (known !== undefined) return known;
    const digits = DIGITS.get(symbol.split("@", 1)[0] ?? symbol);
    const state: SymbolState = {
      symbol,
      digits: digits ?? 0,
      digitsKnown: digits !== undefined,
      quote: undefined,
      firstMid: undefined,
      bidMove: 0,
      askMove: 0,
      live: false,
      arrivedMs: 0,
      closed: undefined,
    };
    this.states.set(symbol, state);
    this.#added = true;
    return state;
  }

  /** Takes a quote over unless it is older than the known one. */
  update(quote: Quote, live: boolean): void {
    const state = this.add(quote.symbol);
    const previous = state.quote;
    if (previous !== undefined && !isAfter(quote, previous)) return;
    if (previous !== undefined) {
      state.bidMove = moveOf(previous.bid, quote.bid) || state.bidMove;
      state.askMove = moveOf(previous.ask, quote.ask) || state.askMove;
    }
    if (!state.digitsKnown) {
      state.digits = Math.max(state.digits, digitsOf(quote.bid), digitsOf(quote.ask));
    }
    state.firstMid ??= midOf(quote);
    state.quote = quote;
    state.live = live;
    if (live) state.arrivedMs = performance.now();
    this.#changed.add(state);
  }

  /** Another log is another history: moves and changes across the two would mean nothing. */
  clear(): void {
    for (const state of this.states.values()) {
      state.quote = state.firstMid = undefined;
      state.bidMove = state.askMove = 0;
      this.#changed.add(state);
    }
  }

  takeChanged(): ReadonlySet<SymbolState> {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Set();
    return changed;
  }

  takeAdded(): boolean {
    const added = this.#added;
    this.#added = false;
    return added;
  }
}

export function midOf(quote: Quote): number {
  return (quote.bid + quote.ask) / 2;
}

/** Change of the mid price in percent since the page first saw the symbol. */
export function changeOf(state: SymbolState): number | undefined {
  if (state.quote === undefined || state.firstMid === undefined) return undefined;
  return (midOf(state.quote) / state.firstMid - 1) * 100;
}

/** Spread in pips where prices are quoted in tenths of a pip (3 or 5 digits), else in points. */
export function spreadOf(state: SymbolState): number | undefined {
  if (state.quote === undefined) return undefined;
  const points = (state.quote.ask - state.quote.bid) * 10 ** state.digits;
  return hasPips(state) ? points / 10 : points;
}

export function hasPips(state: SymbolState): boolean {
  return state.digits === 3 || state.digits === 5;
}

/**
 * Seconds since the newest tick; undefined when only a recording's clock could tell. A live tick's
 * age counts from its arrival, because the clocks of page and server need not agree.
 */
export function ageSecondsOf(state: SymbolState, recorded: boolean): number | undefined {
  if (state.quote === undefined) return undefined;
  if (state.live) return (performance.now() - state.arrivedMs) / 1000;
  return recorded ? undefined : Math.max(0, (Date.now() - state.quote.utcMs) / 1000);
}

function moveOf(before: number, after: number): Move {
  return after > before ? 1 : after < before ? -1 : 0;
}

/** Decimals of the shortest text of a price, at most 8. */
function digitsOf(price: number): number {
  const text = String(price), point = text.indexOf(".");
  return point < 0 ? 0 : Math.min(8, text.length - point - 1);
}
