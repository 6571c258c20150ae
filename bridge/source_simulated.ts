import type {
  BarRequest,
  ServerZone,
  SourceBar,
  SourceEvent,
  SourceSymbol,
  SymbolSpec,
  TickRequest,
} from "../lib/bridge/feed.ts";
import type { Ticks } from "../lib/market/tick.ts";
import { toServerMs, toUtcMs } from "../lib/time/server_zone.ts";
import { pause } from "../lib/program/pause.ts";
import { disordered } from "./simulated/disorder.ts";
import { DueTicks } from "./simulated/due_ticks.ts";
import { marketBars } from "./simulated/market_bars.ts";
import { hasTicks, isDown, type Outage, reachableMs } from "./simulated/outage.ts";
import { type SimulatedMarket, simulatedMarket } from "./simulated/simulated_market.ts";
import type { Source } from "./source.ts";
import { TickBlock } from "./simulated/tick_block.ts";
import { notBefore } from "./simulated/tick_cuts.ts";

export interface SimulatedOptions {
  readonly seed: number;
  /** Over all symbols, on average. */
  readonly ticksPerSecond: number;
  readonly alwaysOpen: boolean;
  readonly clock: ServerZone;
  /** How far back the history of ticks goes, in ms before the present. */
  readonly historyMs: number;
  /** How far back bars of an hour and longer go, in ms before the present. */
  readonly barHistoryMs: number;
  /** Ticks exist within [fromUtcMs, untilUtcMs) only. */
  readonly fromUtcMs?: number | undefined;
  readonly untilUtcMs?: number | undefined;
  /** After `untilUtcMs` the stream says `ended`; without it the market is silent from then on. */
  readonly once?: boolean;
  readonly outage?: Outage | undefined;
  /** Ticks of one ms in another order at each read, and late ones. */
  readonly disorder?: { readonly seed: number; readonly lateMs: number } | undefined;
  /** UTC ms; the machine's clock when none is given. */
  readonly now?: () => number;
}

/** History is delivered in turns of about this many ticks, all symbols abreast. */
const TICKS_PER_TURN = 20_000;
const MAX_TURN_SECONDS = 600;
const CLOCK_EVERY_MS = 500;
const OUTAGE_LOOK_MS = 20;
/** Behind by more than this a live stream catches up in turns, as history does. */
const MAX_LIVE_LAG_MS = 2000;
const NEAR_MS = 250;
/** The longest that a change of the clock may repeat. */
const TWICE_MS = 2 * 3_600_000;

/** A seeded market: needs no vendor, invents everything, and invents the same again when asked. */
export class SimulatedSource implements Source {
  readonly name = "simulated:market";
  readonly kind = "simulated";
  readonly clock: ServerZone;
  readonly #options: SimulatedOptions;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #symbols: readonly SourceSymbol[];
  readonly #now: () => number;
  #reads = 0;

  constructor(options: SimulatedOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#now = options.now ?? Date.now;
    const { symbols } = simulatedMarket(options);
    this.#indexes = new Map(symbols.map(({ symbol }, index) => [symbol, index]));
    this.#symbols = symbols.map(({ symbol, digits }) => ({ symbol, rawName: symbol, digits }));
  }

  symbols(): Promise<SourceSymbol[]> {
    return Promise.resolve([...this.#symbols]);
  }

  specs(): Promise<SymbolSpec[]> {
    return Promise.resolve(this.#symbols.map((symbol) => ({ ...symbol, fields: {} })));
  }

  account(): Promise<{ id: string; server: string; currency: string }> {
    return Promise.resolve({ id: "simulated", server: "market", currency: "USD" });
  }

  stream(requests: readonly TickRequest[], signal: AbortSignal): AsyncIterable<SourceEvent> {
    const events = this.#play(requests, signal);
    const { disorder } = this.#options;
    if (disorder === undefined) return events;
    return disordered(events, { ...disorder, seed: disorder.seed + this.#reads++ });
  }

  async *#play(
    requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    const market = this.#market();
    const presentMs = this.#presentUtcMs();
    const starts = new Map(requests.map((request) => {
      const index = this.#indexOf(request.symbol);
      return [index, this.#startOf(request, presentMs)];
    }));
    const state: StreamState = {
      market,
      starts,
      deliveredUtcMs: Math.min(presentMs, ...[...starts.values()].map((start) => start.utcMs)),
      signal,
    };
    yield* this.#catchUp(state);
    if (signal.aborted) return;
    yield { type: "live" };
    if (this.#isOver(state.deliveredUtcMs)) {
      yield { type: "ended" };
      return;
    }
    yield* this.#live(state);
  }

  async bars(request: BarRequest): Promise<SourceBar[]> {
    const presentUtcMs = this.#presentUtcMs();
    return await marketBars(this.#market(), request, {
      symbolIndex: this.#indexOf(request.symbol),
      clock: this.clock,
      presentUtcMs,
      ticksFromUtcMs: this.#oldestUtcMs(),
      hoursFromUtcMs: presentUtcMs - this.#options.barHistoryMs,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #indexOf(symbol: string): number {
    const index = this.#indexes.get(symbol);
    if (index !== undefined) return index;
    throw new RangeError(
      `Cannot read a symbol as one of the simulated market: current value is ${symbol}`,
    );
  }

  /** The present of the market; it stops at `untilUtcMs`. */
  #presentUtcMs(): number {
    return Math.min(this.#now(), this.#options.untilUtcMs ?? Infinity);
  }

  #oldestUtcMs(): number {
    return Math.max(
      this.#options.fromUtcMs ?? -Infinity,
      this.#now() - this.#options.historyMs,
    );
  }

  #isOver(deliveredUtcMs: number): boolean {
    return this.#options.once === true && deliveredUtcMs >= (this.#options.untilUtcMs ?? Infinity);
  }

  #startOf({ fromServerMs }: TickRequest, presentMs: number): Start {
    if (fromServerMs === "now") return { utcMs: presentMs, serverMs: -Infinity };
    const utcMs = Math.max(toUtcMs(fromServerMs, this.clock), this.#oldestUtcMs());
    return { utcMs: Math.min(utcMs, presentMs), serverMs: fromServerMs };
  }

  #market(): SimulatedMarket {
    const market = simulatedMarket(this.#options);
    return {
      ...market,
      writeSecond: (index, utcSecond, into) => {
        if ((utcSecond + 1) * 1000 <= (this.#options.fromUtcMs ?? -Infinity)) return;
        if (!hasTicks(this.#options.outage, utcSecond * 1000, this.#now())) return;
        market.writeSecond(index, utcSecond, into);
      },
    };
  }

  /** Everything from where the stream is to the present, in turns. */
  async *#catchUp(state: StreamState): AsyncGenerator<SourceEvent> {
    const seconds = Math.floor(TICKS_PER_TURN / this.#options.ticksPerSecond);
    const turnMs = Math.min(Math.max(seconds, 1), MAX_TURN_SECONDS) * 1000;
    const block = new TickBlock();
    let presentMs = reachableMs(this.#options.outage, this.#presentUtcMs());
    for (;;) {
      if (state.deliveredUtcMs >= presentMs) {
        presentMs = reachableMs(this.#options.outage, this.#presentUtcMs());
        // The time that the last turn took is the present's, not another turn's.
        if (presentMs - state.deliveredUtcMs < NEAR_MS) return;
      }
      const fromMs = state.deliveredUtcMs;
      const toMs = Math.min((Math.floor(fromMs / turnMs) + 1) * turnMs, presentMs);
      for (const [index, start] of state.starts) {
        const ticks = this.#ticksOf(state.market, index, { fromMs, toMs, start, block });
        if (ticks.count > 0) yield this.#ticksEvent(index, ticks);
        if (state.signal.aborted) return;
      }
      state.deliveredUtcMs = toMs;
      yield this.#clockEvent(presentMs, toMs);
    }
  }

  /** The ticks of [fromMs, toMs), both UTC and not necessarily whole seconds. */
  #ticksOf(
    market: SimulatedMarket,
    index: number,
    range: { fromMs: number; toMs: number; start: Start; block: TickBlock },
  ): Ticks {
    const fromMs = Math.max(range.fromMs, range.start.utcMs);
    for (let second = Math.floor(fromMs / 1000); second * 1000 < range.toMs; second++) {
      market.writeSecond(index, second, range.block);
    }
    const ticks = range.block.take();
    // Only the first and the last second may be cut, and within a second the clock does not change.
    const fromOffsetMs = toServerMs(fromMs, this.clock) - fromMs;
    const toOffsetMs = toServerMs(range.toMs - 1, this.clock) - range.toMs + 1;
    let from = 0, to = ticks.count;
    if (fromMs % 1000 !== 0) {
      while (from < to && ticks.serverMs(from) < fromMs + fromOffsetMs) from++;
    }
    if (range.toMs % 1000 !== 0) {
      while (to > from && ticks.serverMs(to - 1) >= range.toMs + toOffsetMs) to--;
    }
    const cut = ticks.slice(from, to);
    return fromMs < range.start.utcMs + TWICE_MS ? notBefore(cut, range.start.serverMs) : cut;
  }

  async *#live(state: StreamState): AsyncGenerator<SourceEvent> {
    const due = new DueTicks(state.market, [...state.starts.keys()]);
    let clockDueMs = 0, down = false;
    while (!state.signal.aborted) {
      const nowMs = this.#presentUtcMs();
      const { outage } = this.#options;
      if (outage !== undefined && isDown(outage, nowMs) !== down) {
        down = !down;
        // It is noticed a little later; what came in between is no part of the outage.
        const atMs = down ? outage.fromUtcMs : outage.toUtcMs;
        yield {
          type: "feed",
          state: down ? "down" : "up",
          nowServerMs: toServerMs(atMs, this.clock),
        };
      }
      if (down) {
        await this.#sleepUntil(nowMs + OUTAGE_LOOK_MS, state.signal);
        continue;
      }
      if (nowMs - state.deliveredUtcMs > MAX_LIVE_LAG_MS) yield* this.#catchUp(state);
      // What is due in this very millisecond is delivered in it.
      const toMs = Math.min(nowMs + 1, this.#options.untilUtcMs ?? Infinity);
      for (const [index, ticks] of due.take(state.deliveredUtcMs, toMs)) {
        yield this.#ticksEvent(index, ticks);
      }
      state.deliveredUtcMs = Math.max(state.deliveredUtcMs, toMs);
      if (nowMs >= clockDueMs || this.#isOver(toMs)) {
        clockDueMs = nowMs + CLOCK_EVERY_MS;
        yield this.#clockEvent(nowMs, state.deliveredUtcMs);
      }
      if (this.#isOver(toMs)) {
        yield { type: "ended" };
        return;
      }
      const isStopped = toMs === this.#options.untilUtcMs;
      const nextMs = isStopped ? Infinity : Math.min(due.nextUtcMs, clockDueMs);
      await this.#sleepUntil(nextMs, state.signal);
    }
  }

  #ticksEvent(index: number, ticks: Ticks): SourceEvent {
    return { type: "ticks", symbol: this.#symbols[index]?.symbol ?? "", ticks };
  }

  #clockEvent(nowUtcMs: number, deliveredUtcMs: number): SourceEvent {
    return {
      type: "clock",
      nowServerMs: toServerMs(nowUtcMs, this.clock),
      watermarkServerMs: toServerMs(deliveredUtcMs, this.clock),
    };
  }

  async #sleepUntil(utcMs: number, signal: AbortSignal): Promise<void> {
    const waitMs = utcMs - this.#now();
    // A timer of 1 ms is the shortest; it also lets the socket have its turn.
    await pause(Math.min(Math.max(waitMs, 1), CLOCK_EVERY_MS), signal);
  }
}

interface Start {
  readonly utcMs: number;
  /** What was asked for: in an hour that happens twice the later half has stamps below it. */
  readonly serverMs: number;
}

interface StreamState {
  readonly market: SimulatedMarket;
  /** By symbol index. */
  readonly starts: ReadonlyMap<number, Start>;
  /** Everything before this has been delivered. */
  deliveredUtcMs: number;
  readonly signal: AbortSignal;
}
