import type { BridgeConnection } from "../../lib/bridge/client.ts";
import type { ServerZone, SourceEvent, SourceSymbol } from "../../lib/bridge/feed.ts";
import { messageOf } from "../../lib/program/errors.ts";
import {
  type ClockVerdict,
  type ServerClock,
  ServerClockLedger,
  statedClock,
} from "../../lib/time/server_clock.ts";
import type { CollectorEvents } from "./events.ts";

/** Server time cannot be converted now, so nothing is appended; history is read once it can. */
export class ClockUnknown extends Error {
  override readonly name = "ClockUnknown";
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
}

type Present = Extract<SourceEvent, { type: "present" }>;

/** Traded in every week and at every broker, so that their first bars tell when a week opened. */
const WITNESSES = ["EURUSD", "USDJPY", "GBPUSD", "AUDUSD", "XAUUSD"];
/** Two changes of the clock a year, each seen twice. */
const HISTORY_MS = 2 * 366 * 86_400_000;
/** A vendor loads a first year of bars slowly. */
const HISTORY_STEP_MS = 183 * 86_400_000;
const GREATEST_OFFSET_MS = 15 * 3_600_000;
/** Weeks open and close: while nothing is known, history is asked again this often. */
const ASK_AGAIN_MS = 6 * 3_600_000;

/** The clock of the source of one session: as it states it, or as the ledger has learned it. */
export class Timekeeping {
  readonly #options: TimekeepingOptions;
  /** Captured ticks of a new symbol begin here, though its first stamps can be read only later. */
  readonly sinceUtcMs: number = Date.now();
  #source: string | undefined;
  #ledger: ServerClockLedger | undefined;
  #clock: ServerClock | undefined;

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

  /** @throws RangeError where it is not known which rule holds. */
  toUtcMs(serverMs: number): number {
    return this.#known().toUtcMs(serverMs);
  }

  /** @throws RangeError like `toUtcMs`. */
  toServerMs(utcMs: number): number {
    return this.#known().toServerMs(utcMs);
  }

  /** Resolves when the source's clock is known; until then it asks history and watches live ticks. */
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
    const { dataDir, brokerTz: override } = this.#options;
    if (this.#ledger === undefined || this.#source !== name) {
      this.#ledger = await ServerClockLedger.open({
        dataDir,
        server: name,
        override,
        minApartMs: this.#options.clockApartMs,
        closedApartMs: this.#options.clockClosedApartMs,
      });
      this.#source = name;
    }
    const ledger = this.#ledger;
    if (ledger.verdict().state !== "known" && override === undefined) {
      await this.#askHistory(connection, { symbols, ledger });
    }
    if (!this.#isKnown(ledger, Date.now())) {
      await this.#watch(connection, { symbols, ledger, signal });
    }
    await ledger.save();
    this.#clock = ledger.clock();
    this.#options.events.clock(name, ledger.verdict().message);
  }

  /**
   * Takes a live stamp as evidence.
   * @throws ClockUnknown when it, or the time that has come, leaves the clock unknown.
   */
  async observe({ newestServerMs, nowUtcMs }: Present): Promise<void> {
    const ledger = this.#ledger;
    if (ledger === undefined) return;
    // What is known must be on the disk before a tick is stored by it.
    if (ledger.observe({ newestServerMs, nowUtcMs })) await ledger.save();
    if (this.#isKnown(ledger, nowUtcMs)) {
      this.#clock = ledger.clock();
      return;
    }
    throw new ClockUnknown(ledger.verdict().message);
  }

  #isKnown(ledger: ServerClockLedger, nowUtcMs: number): boolean {
    const clock = ledger.clock();
    return clock !== undefined && nowUtcMs < clock.knownUntilUtcMs;
  }

  #known(): ServerClock {
    if (this.#clock === undefined) throw new ClockUnknown("the source's clock is not known yet");
    return this.#clock;
  }

  /** A vendor that has no bars, or not yet, leaves the question to the live ticks. */
  async #askHistory(
    connection: BridgeConnection,
    { symbols, ledger }: { symbols: readonly SourceSymbol[]; ledger: ServerClockLedger },
  ): Promise<void> {
    const untilMs = Date.now() + GREATEST_OFFSET_MS;
    for (const symbol of witnesses(symbols)) {
      try {
        const opens: number[] = [];
        for (let fromMs = untilMs - HISTORY_MS; fromMs < untilMs; fromMs += HISTORY_STEP_MS) {
          const bars = await connection.bars({
            symbol,
            timeframe: "1H",
            fromServerMs: fromMs,
            toServerMs: Math.min(fromMs + HISTORY_STEP_MS, untilMs),
          });
          for (const { openServerMs } of bars) opens.push(openServerMs);
        }
        ledger.learnFromHistory(symbol, opens);
      } catch (cause) {
        this.#options.events.noHistory(symbol, messageOf(cause));
      }
      if (ledger.verdict().state === "known") return;
    }
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
    const againAt = performance.now() + ASK_AGAIN_MS;
    for await (const event of connection.stream(requests, signal)) {
      if (performance.now() > againAt) break;
      if (event.type !== "present") continue;
      const { newestServerMs, nowUtcMs } = event;
      ledger.observe({ newestServerMs, nowUtcMs });
      if (this.#isKnown(ledger, nowUtcMs)) return;
    }
    throw new ClockUnknown(ledger.verdict().message);
  }
}

/** The names that a session may have given a suffix. */
function witnesses(symbols: readonly SourceSymbol[]): string[] {
  return WITNESSES.flatMap((name) =>
    symbols.find(({ symbol }) => symbol.split("@", 1)[0] === name)?.symbol ?? []
  );
}
