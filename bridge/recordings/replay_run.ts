import type { SourceEvent } from "../../lib/bridge/feed.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { inTimeOrder, notBefore } from "../simulated/tick_cuts.ts";
import type { Replay } from "./open_replay.ts";
import { ReplayCursor, type SkippedLines } from "./replay_cursor.ts";

/** Steps that all end at the ends of UTC days, so that a watermark stands at every one of them. */
const STEPS_MS = [10, 100, 1000, 5000, 15_000, 60_000, 300_000, 900_000, 1_800_000];
const TICKS_PER_STEP = 20_000;
/** Between two laps, so that the first tick of one is not in the last ms of the other. */
const LAP_GAP_MS = 1000;

interface RunOptions {
  readonly starts: ReadonlyMap<string, number>;
  readonly loop: boolean;
  readonly onSkipped: (skipped: SkippedLines) => void;
}

/** One reading of the recording: all wanted tracks abreast, lap after lap. */
export class ReplayRun {
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

export async function* blocksUntil(run: ReplayRun, toServerMs: number): AsyncGenerator<Ticks> {
  while (run.nextMs < toServerMs) {
    const { events } = await run.step(toServerMs - 1);
    for (const event of events) if (event.type === "ticks") yield event.ticks;
  }
}
