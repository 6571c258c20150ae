import type { Ticks } from "../../lib/market/tick.ts";
import type { PageEnd, PageListener } from "./driver.ts";
import { DriverError } from "./driver_error.ts";

export interface PagesOptions {
  /** Asks the driver; see `page` of `DriverProcess`. */
  page(rawName: string, from: number | "now", listener: PageListener): Promise<PageEnd>;
  /** Ticks of a page as they are read. */
  onTicks(rawName: string, ticks: Ticks): void;
  /** The symbol's history is whole: from here on its live frames follow. Before any of them is read. */
  onPresent(rawName: string): void;
  /** Something changed that `ask` may act on. */
  onChange(): void;
  onFailed(cause: unknown): void;
}

interface Reading {
  readonly rawName: string;
  from: number | "now";
  isAsked: boolean;
  /** Ms of the monotonic clock; not asked before. */
  dueMs: number;
  failures: number;
}

/** One page is read by the driver while the other is on its way or being taken in. */
const MAX_ASKED = 2;
/** A vendor that is not ready says when to come back; never at once, or it would be asked in a spin. */
const MIN_WAIT_MS = 10;
const MAX_FAILURES = 4;
const FIRST_RETRY_MS = 200;

/** Reads the history of several symbols page by page to the present, all abreast. */
export class ProcessPages {
  readonly #options: PagesOptions;
  readonly #readings = new Map<string, Reading>();
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(starts: ReadonlyMap<string, number | "now">, options: PagesOptions) {
    this.#options = options;
    for (const [rawName, from] of starts) {
      this.#readings.set(rawName, { rawName, from, isAsked: false, dueMs: 0, failures: 0 });
    }
  }

  /** Whether all symbols have reached the present. */
  get isDone(): boolean {
    return this.#readings.size === 0;
  }

  has(rawName: string): boolean {
    return this.#readings.has(rawName);
  }

  /** Everything stamped before this has been read, of every symbol; Infinity when all is. */
  get reachedServerMs(): number {
    let reachedMs = Infinity;
    for (const { from } of this.#readings.values()) {
      if (from !== "now") reachedMs = Math.min(reachedMs, from);
    }
    return reachedMs;
  }

  /** Asks for the pages that come next, those furthest behind first. */
  ask(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    while (this.#asked < MAX_ASKED) {
      const next = this.#furthestBehind(nowMs);
      if (next === undefined) break;
      this.#read(next);
    }
    if (this.#asked < MAX_ASKED) this.#askLater(nowMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #furthestBehind(nowMs: number): Reading | undefined {
    let furthest: Reading | undefined;
    for (const reading of this.#readings.values()) {
      if (reading.isAsked || reading.dueMs > nowMs) continue;
      if (furthest === undefined || positionOf(reading) < positionOf(furthest)) furthest = reading;
    }
    return furthest;
  }

  #askLater(nowMs: number): void {
    let dueMs = Infinity;
    for (const reading of this.#readings.values()) {
      if (!reading.isAsked) dueMs = Math.min(dueMs, reading.dueMs);
    }
    if (dueMs < Infinity) this.#timer = setTimeout(() => this.#options.onChange(), dueMs - nowMs);
  }

  #read(reading: Reading): void {
    const { rawName, from } = reading;
    let count = 0;
    reading.isAsked = true;
    this.#asked++;
    this.#options.page(rawName, from, {
      ticks: (ticks) => {
        count += ticks.count;
        if (!this.#isStopped) this.#options.onTicks(rawName, ticks);
      },
      end: (end) => {
        if (!this.#isStopped) this.#advance(reading, end, count);
      },
    }).catch((cause) => {
      if (!this.#isStopped) this.#retry(reading, cause, count);
    }).finally(() => {
      reading.isAsked = false;
      this.#asked--;
      if (!this.#isStopped) this.#options.onChange();
    });
  }

  /** @throws DriverError `bad_frames`, which ends the driver: it would be asked the same forever. */
  #advance(reading: Reading, { nextServerMs, waitMs }: PageEnd, count: number): void {
    const { rawName, from } = reading;
    reading.failures = 0;
    if (waitMs !== undefined) {
      if (count > 0) throw new DriverError("bad_frames", `It gave ${rawName} and asked to wait`);
      reading.dueMs = performance.now() + Math.max(waitMs, MIN_WAIT_MS);
    } else if (nextServerMs === null) {
      this.#readings.delete(rawName);
      this.#options.onPresent(rawName);
    } else if (from === "now" || nextServerMs <= from) {
      throw new DriverError(
        "bad_frames",
        `Cannot read on in the history of ${rawName} after ${from}: next is ${nextServerMs}`,
      );
    } else reading.from = nextServerMs;
  }

  /** A call that failed may work the next time; but what was half delivered is not asked for again. */
  #retry(reading: Reading, cause: unknown, count: number): void {
    reading.failures++;
    const isVendors = cause instanceof DriverError && cause.code === "vendor";
    if (!isVendors || count > 0 || reading.failures > MAX_FAILURES) {
      this.#options.onFailed(cause);
    } else {
      reading.dueMs = performance.now() + FIRST_RETRY_MS * 2 ** (reading.failures - 1);
    }
  }
}

/** What wants no history is asked for first, as it takes no time. */
function positionOf({ from }: Reading): number {
  return from === "now" ? -Infinity : from;
}
