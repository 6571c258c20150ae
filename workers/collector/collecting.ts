import type { SessionStatus } from "../../lib/bridge/feed.ts";
import type { ComponentName, ComponentReport, Level } from "../../lib/log/channel.ts";
import { whileClosed } from "../../lib/log/closed_market.ts";
import type { Calendars } from "../../lib/time/calendar/calendars.ts";
import { messageOf } from "../../lib/program/errors.ts";
import type { Appending } from "./appending.ts";
import type { Gathering, Group, SourcePresent } from "./gathering.ts";
import { type Trading, tradingOf } from "./market_hours.ts";
import { ClockUnknown, type Timekeeping } from "./timekeeping.ts";

/** Ages of the newest tick, by the source's clock, while the feed is up. */
const DEGRADED_AGE_MS = 60_000, CRITICAL_AGE_MS = 300_000;
/** A feed that is up tells the time each second. */
const SILENT_MS = 5_000;

interface Connected {
  readonly source: string;
  readonly symbols: readonly string[];
  readonly appending: Pick<Appending, "blocked">;
  readonly gathering: Gathering;
}

/** How the capture of one session of the bridge stands, as the collector's beats tell it. */
export class Collecting {
  readonly #time: Pick<Timekeeping, "rule" | "verdict">;
  readonly #calendars: Pick<Calendars, "calendarOf"> | undefined;
  #connected: Connected | undefined;
  #lastSymbols: readonly string[] | undefined;
  /** The source whose clock is not known yet. */
  #settling: string | undefined;
  #why = "not connected to the bridge: starting";
  #feed: "down" | "up" = "up";
  #present: SourcePresent | undefined;
  #presentAt = -Infinity;
  #newestUtcMs = 0;
  #ticks = 0;
  #rate = { ticks: 0, at: performance.now(), perSecond: 0 };
  /** What the bridge says of the login behind this session; absent for a source without one. */
  session: SessionStatus | undefined;

  /** `calendars` of a feed that keeps the market's hours; invented and recorded ones keep none. */
  constructor(
    time: Pick<Timekeeping, "rule" | "verdict">,
    calendars?: Pick<Calendars, "calendarOf">,
  ) {
    this.#time = time;
    this.#calendars = calendars;
  }

  settling(source: string): void {
    this.#settling = source;
  }

  connected(connected: Connected): void {
    this.#settling = undefined;
    this.#connected = connected;
    this.#lastSymbols = connected.symbols;
    this.#presentAt = performance.now();
    this.#feed = "up";
  }

  disconnected(why: unknown): void {
    this.#settling = undefined;
    this.#connected = undefined;
    this.#why = why instanceof ClockUnknown
      ? `the source's clock is not known: ${why.message}`
      : `not connected to the bridge: ${messageOf(why)}`;
  }

  feed(state: "down" | "up"): void {
    this.#feed = state;
  }

  appended(group: Group, present: SourcePresent | undefined): void {
    this.#ticks += group.count;
    for (const ticks of group.ticks.values()) {
      this.#newestUtcMs = Math.max(this.#newestUtcMs, ticks.utcMs(ticks.count - 1));
    }
    this.#present = present;
    this.#presentAt = performance.now();
  }

  /** The source's present in UTC; what the age of a tick is measured against. */
  get nowUtcMs(): number {
    return this.#connected === undefined ? Date.now() : this.#present?.nowUtcMs ?? Date.now();
  }

  /** Whether what is captured trades now; undefined while that is not known. */
  get trading(): Trading | undefined {
    const calendars = this.#calendars, symbols = this.#connected?.symbols ?? this.#lastSymbols;
    if (calendars === undefined || symbols === undefined) return undefined;
    const calendarOf = (symbol: string) => calendars.calendarOf(symbol);
    return tradingOf(symbols, { calendarOf, utcMs: this.nowUtcMs });
  }

  describe(): Partial<Record<ComponentName, ComponentReport>> {
    const { session } = this;
    return {
      tick_collection: this.#tickCollection(),
      timezone: this.#timezone(),
      ...(session?.vendor === "mt5" ? { mt5: vendorReport(session) } : {}),
      ...(session?.vendor === "fxcm" ? { fxcm: vendorReport(session) } : {}),
    };
  }

  #tickCollection(): ComponentReport {
    const { trading } = this;
    if (trading === undefined) return this.#ticksSince(-Infinity);
    if (trading.market === "closed") {
      return { ...whileClosed(this.#ticksSince(-Infinity), trading.untilMs), market: "closed" };
    }
    const ticks = this.#ticksSince(trading.sinceMs);
    const { unknown } = trading;
    const message = unknown === undefined ? ticks.message : `${ticks.message}; ${unknown}`;
    return { ...ticks, message, market: "open" };
  }

  /** No tick is older than the opening of the market makes it: nobody waits for one before. */
  #ticksSince(openedUtcMs: number): ComponentReport {
    const perSecond = this.#measureRate();
    const ageMs = this.#newestUtcMs === 0
      ? undefined
      : Math.max(0, this.nowUtcMs - this.#newestUtcMs);
    const report = (status: Level, message: string): ComponentReport => ({
      status,
      value: ageMs === undefined ? null : ageMs / 1000,
      threshold: DEGRADED_AGE_MS / 1000,
      message,
    });
    // Without a threshold: the market's hours excuse nothing of it.
    const trouble = (status: Level, message: string): ComponentReport => {
      return { ...report(status, message), threshold: null };
    };
    if (this.#settling !== undefined) {
      return trouble(
        "unknown",
        `waits until the clock of ${this.#settling} is known, and live ticks agree with it; BROKER_TZ would say it`,
      );
    }
    const connected = this.#connected;
    if (connected === undefined) {
      return trouble("critical", this.#why);
    }
    const blocked = connected.appending.blocked;
    if (blocked !== undefined) {
      return trouble("critical", `the log takes no ticks (${blocked.reason}): ${blocked.message}`);
    }
    if (this.#feed === "down") return report("critical", "the vendor's feed is down");
    if (performance.now() - this.#presentAt > SILENT_MS) {
      return report("degraded", "the source is silent: neither ticks nor its clock");
    }
    if (ageMs === undefined) {
      return report("unknown", `${connected.symbols.length} symbols, no tick yet`);
    }
    const shown = `${connected.symbols.length} symbols, ${perSecond} ticks/s, newest ${
      (ageMs / 1000).toFixed(1)
    } s ago`;
    const missedMs = Math.min(ageMs, this.nowUtcMs - openedUtcMs);
    if (missedMs > CRITICAL_AGE_MS) return report("critical", shown);
    return report(missedMs > DEGRADED_AGE_MS ? "degraded" : "healthy", shown);
  }

  #timezone(): ComponentReport {
    const { verdict, rule } = this.#time;
    const report = (status: Level, message: string): ComponentReport => ({
      status,
      value: verdict?.rule ?? rule ?? null,
      threshold: null,
      message,
    });
    if (verdict === undefined) {
      return rule === undefined
        ? report("unknown", "no source is connected")
        : report("healthy", `the source states its clock: ${rule}`);
    }
    // The operator's word stands against the evidence: capture goes on, and somebody should look.
    const isObeyed = verdict.state === "contradicted" && verdict.offsetMs !== undefined;
    return report(isObeyed ? "degraded" : TIMEZONE_LEVELS[verdict.state], verdict.message);
  }

  #measureRate(): number {
    const now = performance.now(), elapsedMs = now - this.#rate.at;
    if (elapsedMs >= 900) {
      const perSecond = Math.round((this.#ticks - this.#rate.ticks) / elapsedMs * 1000);
      this.#rate = { ticks: this.#ticks, at: now, perSecond };
    }
    return this.#rate.perSecond;
  }
}

/** While all rules that are left agree the offset is known, and nothing is wrong. */
const TIMEZONE_LEVELS = {
  known: "healthy",
  override: "healthy",
  offset_known: "healthy",
  contradicted: "critical",
  unknown: "unknown",
} as const satisfies Record<string, Level>;

const SESSION_LEVELS = {
  connected: "healthy",
  /** Announced by the vendor: no failure. */
  waiting: "healthy",
  connecting: "degraded",
  failed: "critical",
} as const satisfies Record<SessionStatus["state"], Level>;

function vendorReport({ name, state, reason, sinceUtcMs }: SessionStatus): ComponentReport {
  const since = new Date(sinceUtcMs).toISOString();
  return {
    status: SESSION_LEVELS[state],
    value: state,
    threshold: "connected",
    message: `${name} ${state} since ${since}${reason === "" ? "" : `: ${reason}`}`,
  };
}
