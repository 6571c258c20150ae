import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import type { ServerZone, SourceEvent } from "../../lib/bridge/feed.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import type { DriverFeed, DriverPresent, DriverProcess } from "./driver_process.ts";
import { errorOf } from "./driver_process.ts";
import { ProcessPages } from "./process_pages.ts";
import { ProcessQueue } from "./process_queue.ts";

export interface ProcessStreamOptions {
  readonly driver: Pick<DriverProcess, "watch" | "page" | "subscribe" | "feed">;
  /** Where each symbol begins, by raw name. */
  readonly starts: ReadonlyMap<string, number | "now">;
  /** Stream names by raw names. */
  readonly symbols: ReadonlyMap<string, string>;
  readonly clock: ServerZone | "learned";
  /** Live ticks that may wait to be pulled; past it the stream ends. */
  readonly maxQueuedTicks: number;
}

/** Pages are asked for while fewer ticks than this wait: one page of a busy symbol. */
const HISTORY_TICKS_AHEAD = 100_000;

/**
 * One stream over one driver: history by pages, then live frames, with no seam. A symbol's live
 * frames are ignored until its last page was read, for that page has them.
 */
export class ProcessStream {
  readonly #options: ProcessStreamOptions;
  readonly #queue = new ProcessQueue();
  readonly #pages: ProcessPages;
  #unsubscribe: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #isLive = false;
  #isOver = false;
  #failure: { readonly cause: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: ProcessStreamOptions) {
    this.#options = options;
    const { driver } = options;
    this.#pages = new ProcessPages(options.starts, {
      page: (rawName, from, listener) => driver.page(rawName, from, listener),
      onTicks: (rawName, ticks) => this.#push(rawName, ticks, true),
      onPresent: () => this.#tellLive(),
      onChange: () => this.#signal(),
      onFailed: (cause) => this.#fail(cause),
    });
  }

  /**
   * What waits is delivered before the end; then it ends when the signal aborts, and throws when the
   * driver ended or nobody pulled for too long.
   */
  async *events(signal: AbortSignal): AsyncGenerator<SourceEvent> {
    const wake = () => this.#signal();
    signal.addEventListener("abort", wake);
    try {
      this.#open();
      while (!signal.aborted) {
        if (this.#unwatch !== undefined && this.#queue.historyTicks < HISTORY_TICKS_AHEAD) {
          this.#pages.ask();
        }
        const event = this.#queue.shift();
        if (event !== undefined) yield event;
        else if (this.#failure !== undefined) throw this.#failure.cause;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#close();
      this.#queue.clear();
    }
  }

  #open(): void {
    const { driver, starts } = this.#options;
    this.#unsubscribe = driver.subscribe({
      present: (present) => this.#tellTime(present),
      feed: (feed) => this.#tellFeed(feed),
      ended: (end) => this.#fail(errorOf(end)),
    });
    // Who comes while the feed is down should know it.
    if (driver.feed?.state === "down") this.#tellFeed(driver.feed);
    driver.watch([...starts.keys()], (rawName, ticks) => {
      if (!this.#pages.has(rawName)) this.#push(rawName, ticks, false);
    }).then((unwatch) => {
      if (this.#isOver) return unwatch();
      this.#unwatch = unwatch;
      this.#tellLive();
      this.#signal();
    }, (cause) => this.#fail(cause));
  }

  #push(rawName: string, ticks: Ticks, isHistory: boolean): void {
    const symbol = this.#options.symbols.get(rawName);
    if (this.#isOver || symbol === undefined) return;
    const event = { type: "ticks", symbol, ticks } as const;
    if (isHistory) this.#queue.pushHistory(event);
    else {
      this.#queue.pushLive(event);
      this.#checkRoom();
    }
    this.#signal();
  }

  #checkRoom(): void {
    const { maxQueuedTicks } = this.#options;
    if (this.#queue.liveTicks <= maxQueuedTicks) return;
    this.#fail(
      new BridgeError(
        "source_failed",
        `The collector fell behind by more than ${maxQueuedTicks} live ticks; ` +
          "it reads again from where it is",
      ),
    );
  }

  #tellLive(): void {
    if (!this.#pages.isDone || this.#isLive || this.#isOver) return;
    this.#isLive = true;
    this.#queue.pushLive({ type: "live" });
  }

  /** Until all symbols have reached the present, the watermark says only what was read. */
  #tellTime({ nowUtcMs, watermarkUtcMs, newestServerMs }: DriverPresent): void {
    if (this.#isOver) return;
    if (this.#options.clock === "learned") {
      // Where a learned clock's history is in UTC nobody here can say, so it is told as nothing yet.
      const reachedUtcMs = this.#isLive ? watermarkUtcMs : 0;
      this.#queue.pushTime({
        type: "present",
        nowUtcMs,
        watermarkUtcMs: reachedUtcMs,
        newestServerMs,
      });
    } else {
      const watermarkServerMs = Math.min(watermarkUtcMs, this.#pages.reachedServerMs);
      this.#queue.pushTime({ type: "clock", nowServerMs: nowUtcMs, watermarkServerMs });
    }
    this.#signal();
  }

  #tellFeed({ state, nowUtcMs }: DriverFeed): void {
    if (this.#isOver) return;
    this.#queue.pushLive(
      this.#options.clock === "learned"
        ? { type: "feed", state, nowUtcMs }
        : { type: "feed", state, nowServerMs: nowUtcMs },
    );
    this.#signal();
  }

  /** Nothing more is taken from the driver. */
  #fail(cause: unknown): void {
    this.#failure ??= { cause };
    this.#close();
    this.#signal();
  }

  #close(): void {
    this.#isOver = true;
    this.#pages.stop();
    this.#unsubscribe?.();
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
