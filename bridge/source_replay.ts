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
import { Ticks } from "../lib/market/tick.ts";
import { UNIVERSE } from "../lib/market/universe.ts";
import { pause } from "../lib/program/pause.ts";
import { disordered } from "./simulated/disorder.ts";
import type { Replay } from "./recordings/open_replay.ts";
import { ReplayCursor, type SkippedLines } from "./recordings/replay_cursor.ts";
import type { Source } from "./source.ts";
import { barRange, barsOfTicks } from "./simulated/tick_bars.ts";
import { inTimeOrder, notBefore } from "./simulated/tick_cuts.ts";

export interface ReplayOptions {
  /** Recorded seconds a second; Infinity: as fast as they are taken. */
  readonly speed: number;
  readonly loop: boolean;
  readonly disorder?: { readonly seed: number; readonly lateMs: number } | undefined;
  readonly onSkipped: (skipped: SkippedLines) => void;
  /** Ms that only grow; the machine's monotonic clock when none is given. */
  readonly elapsedMs?: () => number;
}

/** Steps that all end at the ends of UTC days, so that a watermark stands at every one of them. */
const STEPS_MS = [10, 100, 1000, 5000, 15_000, 60_000, 300_000, 900_000, 1_800_000];
const TICKS_PER_STEP = 20_000;
/** Ticks are never further than this ahead of the clock that was told last. */
const CLOCK_STEP_MS = 10_000;
const CLOCK_EVERY_MS = 500;
/** Between two laps, so that the first tick of one is not in the last ms of the other. */
const LAP_GAP_MS = 1000;

/**
 * Recorded files as if they were live. The replay's clock starts with the first stream, at the first
 * recorded tick, and runs on whoever is connected: a stream opened later reads what it asks for as
 * history and then joins. At speed max there is only history, then the end.
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
    const names = [...new Set(replay.tracks.map(({ recording }) => recording.symbol))].sort();
    this.#symbols = names.map((symbol) => ({ symbol, rawName: symbol, digits: digitsOf(symbol) }));
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
    this.#startedAtMs ??= this.#elapsedMs() - this.#playedBefore(requests);
    const events = this.#play(requests, signal);
    const { disorder } = this.#options;
    if (disorder === undefined) return events;
    return disordered(events, { ...disorder, seed: disorder.seed + this.#reads++ });
  }

  async bars(request: BarRequest): Promise<SourceBar[]> {
    const { fromServerMs, toServerMs } = barRange(request);
    const run = this.#run(new Map([[request.symbol, fromServerMs]]));
    const presentServerMs = this.#options.speed === Infinity ? Infinity : this.#presentMs();
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
    if (speed === Infinity) return Infinity;
    const startedAtMs = this.#startedAtMs ?? this.#elapsedMs();
    const played = Math.floor((this.#elapsedMs() - startedAtMs) * speed);
    return this.#replay.firstServerMs + played;
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

interface RunOptions {
  readonly starts: ReadonlyMap<string, number>;
  readonly loop: boolean;
  readonly onSkipped: (skipped: SkippedLines) => void;
}

/** One reading of the recording: all wanted tracks abreast, lap after lap. */
class ReplayRun {
  readonly #replay: Replay;
  readonly #options: RunOptions;
  readonly #lapMs: number;
  #cursors: ReplayCursor[] = [];
  #lap: number;
  #stepIndex = 2;
  /** Everything before this has been read. */
  reachedServerMs: number;

  constructor(replay: Replay, options: RunOptions) {
    this.#replay = replay;
    this.#options = options;
    const { firstServerMs, lastServerMs = Infinity } = replay;
    this.#lapMs = lastServerMs - firstServerMs + LAP_GAP_MS;
    const from = Math.max(firstServerMs, Math.min(...options.starts.values()));
    this.#lap = options.loop ? Math.floor((from - firstServerMs) / this.#lapMs) : 0;
    this.reachedServerMs = from;
    this.#openLap();
  }

  /** When the next tick is due; Infinity at the end. */
  get nextMs(): number {
    return Math.min(Infinity, ...this.#cursors.map((cursor) => cursor.nextMs));
  }

  /** Reads on to the next step, but no further than to the present, which is included. */
  async step(presentServerMs: number): Promise<{ events: SourceEvent[]; untilServerMs: number }> {
    const stepMs = STEPS_MS[this.#stepIndex] ?? 1000;
    const from = Math.max(this.reachedServerMs, Math.min(this.nextMs, presentServerMs));
    const stepEnd = (Math.floor(from / stepMs) + 1) * stepMs;
    const untilServerMs = Math.max(this.reachedServerMs, Math.min(stepEnd, presentServerMs + 1));
    const bySymbol = new Map<string, Ticks[]>();
    const merged = new Set<string>();
    for (const cursor of this.#cursors) {
      if (cursor.nextMs >= untilServerMs) continue;
      const parts = bySymbol.get(cursor.symbol) ?? [];
      if (parts.length > 0) merged.add(cursor.symbol);
      bySymbol.set(cursor.symbol, parts);
      await cursor.take(untilServerMs, parts);
    }
    const events: SourceEvent[] = [];
    let count = 0;
    for (const [symbol, parts] of bySymbol) {
      const whole = Ticks.concat(parts);
      // Two files of one symbol that overlap are one feed again.
      const ordered = merged.has(symbol) ? inTimeOrder(whole) : whole;
      const ticks = notBefore(ordered, this.#options.starts.get(symbol) ?? -Infinity);
      count += whole.count;
      if (ticks.count > 0) events.push({ type: "ticks", symbol, ticks });
    }
    this.reachedServerMs = untilServerMs;
    this.#fitStep(count, stepEnd <= presentServerMs);
    if (this.#options.loop && this.nextMs === Infinity) {
      this.#lap++;
      this.#openLap();
    }
    return { events, untilServerMs };
  }

  async close(): Promise<void> {
    await Promise.all(this.#cursors.map((cursor) => cursor.close()));
  }

  #openLap(): void {
    const lapShiftMs = this.#lap === 0 ? 0 : this.#lap * this.#lapMs;
    const { onSkipped, starts } = this.#options;
    this.#cursors = this.#replay.tracks
      .filter(({ recording }) => starts.has(recording.symbol))
      .map((track) => new ReplayCursor(track, { lapShiftMs, onSkipped }));
  }

  #fitStep(count: number, whole: boolean): void {
    if (count > 2 * TICKS_PER_STEP) this.#stepIndex = Math.max(0, this.#stepIndex - 1);
    else if (whole && count < TICKS_PER_STEP / 2) {
      this.#stepIndex = Math.min(STEPS_MS.length - 1, this.#stepIndex + 1);
    }
  }
}

async function* blocksUntil(run: ReplayRun, toServerMs: number): AsyncGenerator<Ticks> {
  while (run.nextMs < toServerMs) {
    const { events } = await run.step(toServerMs - 1);
    for (const event of events) if (event.type === "ticks") yield event.ticks;
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
