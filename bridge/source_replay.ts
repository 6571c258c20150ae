import type {
  BarRequest,
  ServerZone,
  SourceAccount,
  SourceBar,
  SourceEvent,
  SourceSymbol,
  SymbolSpec,
  TickRequest,
} from "../lib/bridge/feed.ts";
import { barRange, barsOfTicks, knownTimeframe } from "../lib/market/bars_of_ticks.ts";
import { UNIVERSE } from "../lib/market/universe.ts";
import { pause } from "../lib/program/pause.ts";
import { disordered } from "./simulated/disorder.ts";
import type { Replay } from "./recordings/open_replay.ts";
import type { SkippedLines } from "./recordings/replay_cursor.ts";
import { blocksUntil, ReplayRun } from "./recordings/replay_run.ts";
import type { Source } from "./source.ts";

export interface ReplayOptions {
  /** Recorded seconds a second; Infinity: as fast as they are taken. */
  readonly speed: number;
  readonly loop: boolean;
  readonly disorder?: { readonly seed: number; readonly lateMs: number } | undefined;
  readonly onSkipped: (skipped: SkippedLines) => void;
  /** Ms that only grow; the machine's monotonic clock when none is given. */
  readonly elapsedMs?: () => number;
}

/** Ticks are never further than this ahead of the clock that was told last. */
const CLOCK_STEP_MS = 10_000;
const CLOCK_EVERY_MS = 500;
/**
 * Recorded files as if they were live. The replay's clock starts with the first stream, at the first
 * recorded tick, and runs on whoever is connected: a stream opened later reads what it asks for as
 * history and then joins. At speed max there is only history, then the end. Where only bars were
 * recorded the clock stands at the end of the last one, and nothing is streamed.
 */
export class ReplaySource implements Source {
  readonly name = "replay:files";
  readonly kind = "replay";
  readonly clock: ServerZone;
  readonly #replay: Replay;
  readonly #options: ReplayOptions;
  readonly #symbols: readonly SourceSymbol[];
  readonly #elapsedMs: () => number;
  #startedAtMs: number | undefined;
  #reads = 0;

  constructor(replay: Replay, options: ReplayOptions) {
    this.#replay = replay;
    this.#options = options;
    this.clock = replay.clock;
    this.#elapsedMs = options.elapsedMs ?? (() => performance.now());
    for (const lines of replay.skipped) options.onSkipped(lines);
    const names = replay.tracks.map(({ recording }) => recording.symbol);
    const symbols = [...new Set([...names, ...replay.bars.symbols])].sort();
    this.#symbols = symbols.map((symbol) => ({
      symbol,
      rawName: symbol,
      digits: digitsOf(symbol),
    }));
  }

  symbols(): Promise<SourceSymbol[]> {
    return Promise.resolve([...this.#symbols]);
  }

  specs(): Promise<SymbolSpec[]> {
    return Promise.resolve(this.#symbols.map((symbol) => ({ ...symbol, fields: {} })));
  }

  account(): Promise<SourceAccount> {
    return Promise.resolve({ id: "replay", server: "files", currency: "USD" });
  }

  stream(requests: readonly TickRequest[], signal: AbortSignal): AsyncIterable<SourceEvent> {
    if (this.#replay.tracks.length === 0) return this.#standStill();
    this.#startedAtMs ??= this.#elapsedMs() - this.#playedBefore(requests);
    const events = this.#play(requests, signal);
    const { disorder } = this.#options;
    if (disorder === undefined) return events;
    return disordered(events, { ...disorder, seed: disorder.seed + this.#reads++ });
  }

  /** Recorded bars where there are some that these are made of, else bars of the ticks. */
  async bars(request: BarRequest): Promise<SourceBar[]> {
    const { symbol } = request, timeframe = knownTimeframe(request.timeframe);
    const { fromServerMs, toServerMs } = barRange(request);
    if (this.#replay.bars.has(symbol, timeframe)) {
      const presentServerMs = this.#presentMs();
      const range = { symbol, timeframe, fromServerMs, toServerMs, presentServerMs };
      return await this.#replay.bars.read(range);
    }
    const run = this.#run(new Map([[request.symbol, fromServerMs]]));
    const presentServerMs = this.#presentMs();
    try {
      return await barsOfTicks(request, {
        presentServerMs,
        ticks: blocksUntil(run, Math.min(toServerMs, presentServerMs)),
      });
    } finally {
      await run.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** A replay that is started again goes on from where its reader is, in ms of this machine's clock. */
  #playedBefore(requests: readonly TickRequest[]): number {
    const { firstServerMs, lastServerMs = Infinity } = this.#replay;
    const from = Math.min(
      ...requests.map(({ fromServerMs }) => fromServerMs === "now" ? firstServerMs : fromServerMs),
    );
    const playedServerMs = Math.min(from, lastServerMs) - firstServerMs;
    return Math.max(0, playedServerMs) / this.#options.speed;
  }

  #presentMs(): number {
    const { speed } = this.#options;
    if (this.#replay.tracks.length === 0) return this.#replay.bars.endServerMs;
    if (speed === Infinity) return Infinity;
    const startedAtMs = this.#startedAtMs ?? this.#elapsedMs();
    const played = Math.floor((this.#elapsedMs() - startedAtMs) * speed);
    return this.#replay.firstServerMs + played;
  }

  /** Of bars there is nothing to deliver: they are asked for, up to the end of the last one. */
  async *#standStill(): AsyncGenerator<SourceEvent> {
    const presentServerMs = this.#presentMs();
    yield clockAt(presentServerMs, presentServerMs);
    yield { type: "live" };
    yield { type: "ended" };
  }

  #run(starts: ReadonlyMap<string, number>): ReplayRun {
    return new ReplayRun(this.#replay, { ...this.#options, starts });
  }

  async *#play(
    requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    const present = this.#presentMs();
    const now = present === Infinity ? this.#replay.firstServerMs : present;
    const run = this.#run(
      new Map(
        requests.map(({ symbol, fromServerMs }) =>
          [symbol, fromServerMs === "now" ? now : fromServerMs] as const
        ),
      ),
    );
    let live = false, clockDueMs = 0, announcedMs = -Infinity;
    try {
      while (!signal.aborted && run.nextMs < Infinity) {
        const presentMs = this.#presentMs();
        const reachedMs = run.reachedServerMs;
        const step = await run.step(presentMs);
        // Faster than life the clock must run ahead of the ticks, or they would seem to be in the future.
        if (step.untilServerMs > announcedMs + CLOCK_STEP_MS) {
          announcedMs = step.untilServerMs;
          yield { type: "clock", nowServerMs: announcedMs, watermarkServerMs: reachedMs };
        }
        yield* step.events;
        const elapsedMs = this.#elapsedMs();
        if (!live || elapsedMs >= clockDueMs) {
          clockDueMs = elapsedMs + CLOCK_EVERY_MS;
          yield clockAt(step.untilServerMs, presentMs);
        }
        if (step.untilServerMs < presentMs) continue;
        if (!live) {
          live = true;
          yield { type: "live" };
        }
        await this.#sleep(run.nextMs, clockDueMs, signal);
      }
      if (signal.aborted) return;
      if (!live) yield { type: "live" };
      yield clockAt(run.reachedServerMs, this.#presentMs());
      yield { type: "ended" };
    } finally {
      await run.close();
    }
  }

  /** Until the next tick is due or the next watermark is. */
  async #sleep(nextServerMs: number, clockDueMs: number, signal: AbortSignal): Promise<void> {
    const dueInMs = (nextServerMs - this.#presentMs()) / this.#options.speed;
    const waitMs = Math.min(dueInMs, clockDueMs - this.#elapsedMs());
    await pause(Math.max(1, Math.ceil(waitMs)), signal);
  }
}

/** At speed max the replay's present is how far it was read. */
function clockAt(watermarkServerMs: number, presentServerMs: number): SourceEvent {
  const nowServerMs = presentServerMs === Infinity ? watermarkServerMs : presentServerMs;
  return { type: "clock", nowServerMs, watermarkServerMs };
}

function digitsOf(symbol: string): number {
  const name = symbol.split("@", 1)[0] ?? symbol;
  return UNIVERSE.find((entry) => entry.symbol === name)?.digits ?? 5;
}
