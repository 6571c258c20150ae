import {
  type Append,
  type AppendResult,
  LogUnavailable,
  type TickLog,
} from "../../lib/log/tick_log.ts";
import type { Channel } from "../../lib/log/channel.ts";
import type { TickMirror } from "../../lib/log/mirror.ts";
import { NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import type { CollectorEvents } from "./events.ts";
import { pause } from "../../lib/program/pause.ts";

/** The log's tail or feed of some symbols is not what was believed: read the checkpoints again. */
export class TailMoved extends Error {
  override readonly name = "TailMoved";
}

export interface AppendingOptions {
  readonly log: TickLog;
  readonly channel: Channel;
  readonly events: CollectorEvents;
  readonly epoch: string;
  readonly feeds: ReadonlyMap<string, string>;
  readonly tails: ReadonlyMap<string, TickId>;
  /** Is offered what is stored; outlives a connection. */
  readonly mirror?: TickMirror | undefined;
  /** Ends the waiting for a log that cannot take ticks. */
  readonly signal: AbortSignal;
}

/** Appends groups to the log, each symbol from its own tail, and waits while the log takes none. */
export class Appending {
  readonly #options: AppendingOptions;
  readonly #tails: Map<string, TickId>;
  /** Symbols whose stream belongs to another feed; nothing of them is appended. */
  readonly foreign = new Set<string>();
  /** Why the log takes nothing now. */
  blocked: LogUnavailable | undefined;

  constructor(options: AppendingOptions) {
    this.#options = options;
    this.#tails = new Map(options.tails);
  }

  /** @throws TailMoved when a symbol's tail was another; what fitted is stored all the same. */
  async append(ticks: ReadonlyMap<string, Ticks>): Promise<void> {
    const { events, channel, epoch, feeds } = this.#options;
    const appends: Append[] = [];
    let count = 0, newestUtcMs = 0;
    for (const [symbol, some] of ticks) {
      const feed = feeds.get(symbol);
      if (feed === undefined || some.count === 0) continue;
      appends.push({ symbol, feed, expectedTail: this.#tails.get(symbol) ?? NO_TICK, ticks: some });
      count += some.count;
      newestUtcMs = Math.max(newestUtcMs, some.utcMs(some.count - 1));
    }
    if (appends.length === 0) return;
    const began = performance.now();
    const results = await this.#untilTaken(appends);
    events.appended(count, (performance.now() - began) / 1000, newestUtcMs);
    channel.publish("wake", { epoch });
    this.#settle(appends, results);
  }

  #settle(appends: readonly Append[], results: readonly AppendResult[]): void {
    const moved: string[] = [];
    appends.forEach((append, index) => {
      const result = results[index];
      if (result?.outcome === "appended") {
        this.#tails.set(append.symbol, result.lastId);
        this.#options.mirror?.offer({ ...append, ...result, after: append.expectedTail });
      } else if (result?.outcome === "foreign_feed") {
        this.foreign.add(append.symbol);
        this.#options.events.foreignFeed(append.symbol, append.feed, result.feed);
        moved.push(append.symbol);
      } else {
        moved.push(append.symbol);
      }
    });
    if (moved.length > 0) {
      this.#options.events.conflict(moved);
      throw new TailMoved(`Cannot append to ${moved.join(", ")}: the log's tail is another`);
    }
  }

  /** A log that is down or full loses nothing: the bridge waits meanwhile, by its socket. */
  async #untilTaken(appends: readonly Append[]): Promise<AppendResult[]> {
    const { log, events, signal } = this.#options;
    let pauseMs = 100;
    const began = performance.now();
    while (true) {
      try {
        const results = await log.append(appends);
        if (this.blocked !== undefined) events.logAvailable(performance.now() - began);
        this.blocked = undefined;
        return results;
      } catch (cause) {
        if (!(cause instanceof LogUnavailable)) throw cause;
        if (this.blocked?.reason !== cause.reason) events.logUnavailable(cause.reason, cause);
        this.blocked = cause;
        signal.throwIfAborted();
        await pause(pauseMs, signal);
        pauseMs = Math.min(2_000, pauseMs * 2);
      }
    }
  }
}
