import { LogUnavailable, type Mark, type TickLog } from "../../lib/log/tick_log.ts";

const DAY_MS = 86_400_000;

export interface MarksOptions {
  readonly log: TickLog;
  readonly feeds: ReadonlyMap<string, string>;
  /** The watermark each symbol has in the log, UTC ms. */
  readonly watermarks: ReadonlyMap<string, number>;
  /** Least time between two marks of one day, ms: each is a durable write for all symbols. */
  readonly intervalMs: number;
  /** The same while nothing of it trades: the watermark moves, and nobody waits for it. */
  readonly closedIntervalMs: number;
  readonly isClosed: () => boolean;
}

/** Stores the feed's watermark: once in a while, and at once when it enters a new UTC day or the feed ends. */
export class Marks {
  readonly #options: MarksOptions;
  #markedMs: number;
  #writtenAt = -Infinity;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#markedMs = Math.min(...options.watermarks.values(), Infinity);
  }

  /** To be called when every tick before the watermark is appended. */
  async reach(watermarkMs: number): Promise<void> {
    const entersDay = Math.floor(watermarkMs / DAY_MS) > Math.floor(this.#markedMs / DAY_MS);
    if (watermarkMs > this.#markedMs && (entersDay || this.#isDue())) {
      await this.#write(watermarkMs, false);
    }
  }

  async end(watermarkMs: number): Promise<void> {
    await this.#write(watermarkMs, true);
  }

  #isDue(): boolean {
    const { intervalMs, closedIntervalMs, isClosed } = this.#options;
    const sinceMs = performance.now() - this.#writtenAt;
    return sinceMs >= intervalMs && (sinceMs >= closedIntervalMs || !isClosed());
  }

  async #write(watermarkMs: number, ended: boolean): Promise<void> {
    const { log, feeds } = this.#options;
    const marks: Mark[] = [...feeds].map(([symbol, feed]) => ({
      symbol,
      feed,
      watermarkMs,
      ended,
    }));
    await log.mark(marks);
    this.#markedMs = watermarkMs;
    this.#writtenAt = performance.now();
  }
}

/**
 * Takes back what an earlier run said of its end: a feed that is read again may bring more. A log
 * that cannot be reached is told by the first append.
 */
export async function reopen(log: TickLog): Promise<void> {
  try {
    const ended = [...await log.checkpoints()].filter(([, checkpoint]) => checkpoint.ended);
    await log.mark(
      ended.map(([symbol, { feed, watermarkMs }]) => ({ symbol, feed, watermarkMs, ended: false })),
    );
  } catch (cause) {
    if (!(cause instanceof LogUnavailable)) throw cause;
  }
}
