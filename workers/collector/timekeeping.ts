import type { BridgeConnection } from "../../lib/bridge/client.ts";
import type { ServerZone, SourceEvent, SourceSymbol } from "../../lib/bridge/feed.ts";
import { isFxWeekOpen } from "../../lib/time/fx_week.ts";
import {
  type ClockVerdict,
  type ServerClock,
  ServerClockLedger,
  statedClock,
} from "../../lib/time/server_clock.ts";
import { askHistory } from "./clock_history.ts";
import type { CollectorEvents } from "./events.ts";

/** Server time cannot be converted now, so nothing is appended; history is read once it can. */
export class ClockUnknown extends Error {
  override readonly name = "ClockUnknown";
  /** Of a time whose rule no live tick will soon tell: another try is no hurry. */
  readonly isLasting: boolean;

  constructor(message: string, options: { cause?: unknown; isLasting?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.isLasting = options.isLasting ?? false;
  }
}

export interface TimekeepingOptions {
  readonly dataDir: string;
  /** What the operator says of a clock that would be learned. */
  readonly brokerTz: ServerZone | undefined;
  /** Least time between two live stamps that must agree, ms. */
  readonly clockApartMs: number;
  /** The same while the FX week is closed. */
  readonly clockClosedApartMs: number;
  readonly events: CollectorEvents;
  /** UTC ms; by default the machine's clock. */
  readonly nowMs?: () => number;
}

type Present = Extract<SourceEvent, { type: "present" }>;

const GREATEST_OFFSET_MS = 15 * 3_600_000;
/** Weeks open and close: while the rule is not known, history is asked again this often. */
const ASK_AGAIN_MS = 6 * 3_600_000;
/** The same of a vendor that had no bars yet. */
const ASK_SOON_MS = 600_000;
/** What live ticks said of the clock holds for the history that is read within this time. */
const CONFIRMED_FOR_MS = 600_000;
/** Without any live tick for so long the market is closed, whatever the week says. */
const QUIET_MS = 60_000;
/** By then the ledger has said what it makes of stamps that disagree. */
const DISPUTED_FOR_MS = 90_000;
/** No server's clock is changed by less than half an hour: a stamp is nearer to its own offset. */
const HALF_STEP_MS = 15 * 60_000;

/** The clock of the source of one session: as it states it, or as the ledger has learned it. */
export class Timekeeping implements AsyncDisposable {
  readonly #options: TimekeepingOptions;
  #source: string | undefined;
  #ledger: ServerClockLedger | undefined;
  #clock: ServerClock | undefined;
  /** When history is to be asked again, by `performance.now()`. */
  #askAt = -Infinity;
  /** When a live stamp last agreed with what is known, UTC. */
  #confirmedUtcMs = -Infinity;
  /** Since when live stamps disagree with what is known and the ledger still believes it, UTC. */
  #disputedUtcMs: number | undefined;

  constructor(options: TimekeepingOptions) {
    this.#options = options;
  }

  /** What is known of a clock that is learned; undefined of one that is stated. */
  get verdict(): ClockVerdict | undefined {
    return this.#ledger?.verdict();
  }

  get rule(): string | undefined {
    return this.#clock?.rule;
  }

  /** @throws ClockUnknown where it is not known which rule holds. */
  toUtcMs(serverMs: number): number {
    const clock = this.#known();
    try {
      return clock.toUtcMs(serverMs);
    } catch (cause) {
      throw this.#unknownTime(cause, serverMs < clock.knownFromUtcMs + GREATEST_OFFSET_MS);
    }
  }

  /** @throws ClockUnknown like `toUtcMs`. */
  toServerMs(utcMs: number): number {
    const clock = this.#known();
    try {
      return clock.toServerMs(utcMs);
    } catch (cause) {
      throw this.#unknownTime(cause, utcMs < clock.knownFromUtcMs);
    }
  }

  /**
   * Whether a live stamp is so far from the source's present that its clock may have changed: what
   * it means is known when `observe` says so. A machine whose own clock is wrong doubts no longer.
   */
  isDoubtful(serverMs: number, nowServerMs: number): boolean {
    return this.#ledger !== undefined && this.#options.brokerTz === undefined &&
      this.#disputedUtcMs !== -Infinity && Math.abs(serverMs - nowServerMs) > HALF_STEP_MS;
  }

  /**
   * Resolves when the source's clock is known, and live ticks agree with it while there are any; until
   * then it asks history and watches. So what a change of the clock brought is not read by the old one.
   */
  async settle(
    connection: BridgeConnection,
    { symbols, signal }: { symbols: readonly SourceSymbol[]; signal: AbortSignal },
  ): Promise<void> {
    const { name, clock } = connection.source;
    if (clock !== "learned") {
      this.#ledger = undefined;
      this.#clock = statedClock(clock);
      return;
    }
    const ledger = await this.#open(name);
    const { brokerTz: override, events } = this.#options;
    if (ledger.verdict().state !== "known" && override === undefined) {
      if (performance.now() >= this.#askAt) {
        const told = await askHistory(connection, { symbols, ledger, events, signal });
        this.#askAt = performance.now() + (told ? ASK_AGAIN_MS : ASK_SOON_MS);
      }
    }
    if (!this.#isKnown(ledger, this.#nowMs()) || this.#isToBeConfirmed()) {
      await this.#watch(connection, { symbols, ledger, signal });
    }
    await ledger.save();
    this.#clock = ledger.clock();
    this.#disputedUtcMs = undefined;
    events.clock(name, ledger.verdict().message);
  }

  /**
   * Takes a live stamp as evidence. False while live stamps disagree with what is known.
   * @throws ClockUnknown when it, or the time that has come, leaves the clock unknown.
   */
  async observe(present: Present): Promise<boolean> {
    const ledger = this.#ledger;
    if (ledger === undefined) return true;
    // What is known must be on the disk before a tick is stored by it.
    if (ledger.observe(present)) await ledger.save();
    if (!this.#isKnown(ledger, present.nowUtcMs)) throw new ClockUnknown(ledger.verdict().message);
    this.#clock = ledger.clock();
    return this.#options.brokerTz !== undefined || this.#isUndisputed(present);
  }

  /** Writes down what was learned and is not yet in the ledger. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger?.save();
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }

  async #open(server: string): Promise<ServerClockLedger> {
    if (this.#ledger !== undefined && this.#source === server) return this.#ledger;
    const { dataDir, brokerTz: override, clockApartMs, clockClosedApartMs } = this.#options;
    this.#ledger = await ServerClockLedger.open({
      dataDir,
      server,
      override,
      nowUtcMs: this.#nowMs(),
      minApartMs: clockApartMs,
      closedApartMs: clockClosedApartMs,
    });
    this.#source = server;
    this.#askAt = -Infinity;
    this.#confirmedUtcMs = -Infinity;
    return this.#ledger;
  }

  #isKnown(ledger: ServerClockLedger, nowUtcMs: number): boolean {
    const clock = ledger.clock();
    return clock !== undefined && nowUtcMs < clock.knownUntilUtcMs;
  }

  /** The operator is believed, and in a closed week there is nobody to ask. */
  #isToBeConfirmed(): boolean {
    const nowMs = this.#nowMs();
    return this.#options.brokerTz === undefined && isFxWeekOpen(nowMs) &&
      nowMs - this.#confirmedUtcMs > CONFIRMED_FOR_MS;
  }

  #agrees(clock: ServerClock | undefined, { newestServerMs, nowUtcMs }: Present): boolean {
    if (clock === undefined || newestServerMs === null) return false;
    return Math.abs(newestServerMs - clock.toServerMs(nowUtcMs)) < HALF_STEP_MS;
  }

  #isUndisputed(present: Present): boolean {
    const { newestServerMs, nowUtcMs } = present;
    if (this.#agrees(this.#clock, present)) {
      this.#confirmedUtcMs = nowUtcMs;
      this.#disputedUtcMs = undefined;
    } else if (newestServerMs !== null) {
      this.#disputedUtcMs ??= nowUtcMs;
    }
    const sinceUtcMs = this.#disputedUtcMs;
    if (sinceUtcMs === undefined) return true;
    if (nowUtcMs - sinceUtcMs > DISPUTED_FOR_MS) this.#disputedUtcMs = -Infinity;
    return this.#disputedUtcMs === -Infinity;
  }

  #known(): ServerClock {
    if (this.#clock === undefined) throw new ClockUnknown("the source's clock is not known yet");
    return this.#clock;
  }

  #unknownTime(cause: unknown, isLasting: boolean): unknown {
    if (!(cause instanceof RangeError)) return cause;
    const whatToDo = isLasting
      ? "BROKER_TZ (e.g. America/New_York+7h) states the rule, a later CAPTURE_FROM leaves that time out"
      : "live ticks decide, or BROKER_TZ (e.g. America/New_York+7h) states the rule";
    return new ClockUnknown(`${cause.message}; ${whatToDo}`, { cause, isLasting });
  }

  async #watch(
    connection: BridgeConnection,
    { symbols, ledger, signal }: {
      symbols: readonly SourceSymbol[];
      ledger: ServerClockLedger;
      signal: AbortSignal;
    },
  ): Promise<void> {
    this.#options.events.clock(connection.source.name, ledger.verdict().message);
    const requests = symbols.map(({ symbol }) => ({ symbol, fromServerMs: "now" as const }));
    let quietSince: number | undefined;
    for await (const event of connection.stream(requests, signal)) {
      const isKnown = this.#isKnown(ledger, this.#nowMs());
      if (!isKnown && performance.now() > this.#askAt) break;
      // A feed that is down confirms nothing, and its outage is to be noted.
      if (event.type === "feed" && event.state === "down" && isKnown) return;
      if (event.type !== "present") continue;
      ledger.observe(event);
      if (!this.#isKnown(ledger, event.nowUtcMs)) continue;
      if (this.#agrees(ledger.clock(), event)) this.#confirmedUtcMs = event.nowUtcMs;
      if (!this.#isToBeConfirmed()) return;
      quietSince ??= performance.now();
      if (performance.now() - quietSince > QUIET_MS) return;
    }
    throw new ClockUnknown(ledger.verdict().message);
  }
}
