import { baseOf } from "../../market/universe.ts";
import { plainName } from "../../market/plain_name.ts";
import { FX } from "./week_calendars.ts";
import type { MarketCalendar } from "./market_calendar.ts";
import type { CalendarUse } from "./settings.ts";
import { calendarByName } from "./symbol_heuristics.ts";
import {
  calendarNamed,
  isExchange,
  parseSymbolCalendarMap,
  type SymbolCalendarMap,
} from "./symbol_calendar_map.ts";

export { exchange } from "./exchange.ts";
export { ALWAYS_OPEN, FX, FX_METALS, WEEKDAYS } from "./week_calendars.ts";
export { calendarSettings } from "./settings.ts";

export interface CalendarOptions {
  /** Where `metadata/symbol_calendar_map.json` is read, if it is there. */
  readonly dataDir?: string | undefined;
  /** SYMBOL_CALENDAR_MAP: this file instead; that it cannot be read is then a problem. */
  readonly mapFile?: string | undefined;
  /** MARKET_CALENDAR; with `fx` whatever has an exchange keeps the FX week. */
  readonly use?: CalendarUse | undefined;
  /** A map that cannot be used; told once per state of the file. */
  readonly onProblem?: ((message: string) => void) | undefined;
  /** How often the map is looked at; 2 s when absent. */
  readonly lookMs?: number | undefined;
}

/** The calendar of each symbol; the map behind it is read again when its file changes. */
export class Calendars implements Disposable {
  readonly #path: string | undefined;
  readonly #isNamed: boolean;
  readonly #use: CalendarUse;
  readonly #onProblem: (message: string) => void;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  readonly #bySymbol = new Map<string, MarketCalendar>();
  #map: SymbolCalendarMap = new Map();
  /** The state of the file at the last look: of one that was read, or why it was not. */
  #seen = "";
  #isLooking = false;

  /** Reads the map before it resolves; a map that cannot be used is told, not thrown. */
  static async open(options: CalendarOptions): Promise<Calendars> {
    const calendars = new Calendars(options);
    await calendars.#look();
    return calendars;
  }

  private constructor({ dataDir, mapFile, use, onProblem, lookMs = 2_000 }: CalendarOptions) {
    const ownPath = dataDir === undefined ? undefined : `${dataDir}/${MAP_PATH}`;
    this.#path = mapFile ?? ownPath;
    this.#isNamed = mapFile !== undefined;
    this.#use = use ?? "exchange_calendars";
    this.#onProblem = onProblem ?? (() => {});
    if (this.#path === undefined) return;
    const timer = setInterval(() => void this.#look(), lookMs);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  /**
   * By the map (`EURUSDm@fxcm` by itself, as `EURUSDm`, as `EURUSD`), else by the name. Never throws: a symbol
   * nobody knows keeps the FX week, the longest of all that close.
   */
  calendarOf(symbol: string): MarketCalendar {
    let calendar = this.#bySymbol.get(symbol);
    if (calendar === undefined) {
      const name = this.#nameOf(symbol);
      calendar = (this.#use === "fx" && isExchange(name) ? undefined : calendarNamed(name)) ?? FX;
      if (this.#bySymbol.size >= MAX_REMEMBERED) this.#bySymbol.clear();
      this.#bySymbol.set(symbol, calendar);
    }
    return calendar;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #nameOf(symbol: string): string {
    const base = baseOf(symbol), plain = plainName(base).toUpperCase();
    return this.#map.get(symbol.toUpperCase()) ?? this.#map.get(base.toUpperCase()) ??
      this.#map.get(plain) ?? calendarByName(plain);
  }

  async #look(): Promise<void> {
    const path = this.#path;
    if (path === undefined || this.#isLooking) return;
    this.#isLooking = true;
    const seenBefore = this.#seen;
    try {
      const { mtime, size } = await Deno.stat(path);
      const seen = `${mtime?.getTime()} ${size}`;
      if (seen === seenBefore) return;
      const text = await Deno.readTextFile(path);
      // Only what was read need not be read again: a right to read changes no time of writing.
      this.#seen = seen;
      this.#map = parseSymbolCalendarMap(text);
      this.#bySymbol.clear();
    } catch (cause) {
      this.#meet(cause, path, seenBefore);
    } finally {
      this.#isLooking = false;
    }
  }

  /** The last good map stays, also when its file is gone: a deploy may be replacing it. */
  #meet(cause: unknown, path: string, seenBefore: string): void {
    const isMissing = cause instanceof Deno.errors.NotFound;
    // Without the causes: the message has all of theirs that tells a person something.
    const why = cause instanceof Error ? cause.message : String(cause);
    if (isMissing) this.#seen = "missing";
    else if (this.#seen === seenBefore) this.#seen = why;
    if (this.#seen === seenBefore || (isMissing && !this.#isNamed && seenBefore === "")) return;
    const kept = this.#map.size === 0
      ? "symbols keep the calendars of their names"
      : "the last good map stays";
    this.#onProblem(`Cannot use ${path} as the calendars of symbols (${kept}): ${why}`);
  }
}

const MAP_PATH = "metadata/symbol_calendar_map.json";
/** Names come from clients too: the gateway is asked for any. */
const MAX_REMEMBERED = 10_000;
