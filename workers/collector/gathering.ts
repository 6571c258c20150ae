import { Ticks } from "../../lib/market/tick.ts";

/** What one append carries: ticks by symbol, and how far the source was when the last one came. */
export interface Group {
  readonly ticks: ReadonlyMap<string, Ticks>;
  readonly count: number;
  readonly present: SourcePresent | undefined;
  readonly ended: boolean;
}

/** The source's present, and up to where everything has been delivered. */
export interface SourcePresent {
  readonly nowUtcMs: number;
  readonly watermarkUtcMs: number;
}

/**
 * The next group, while an append runs. One side adds and waits while it is full; the other takes
 * all there is, and waits only while there is nothing. So an idle system appends a tick at once,
 * and a busy one appends as many as came meanwhile.
 */
export class Gathering {
  readonly #maxTicks: number;
  #parts = new Map<string, Ticks[]>();
  #count = 0;
  #present: SourcePresent | undefined;
  #presentUtcMs: number | undefined;
  #ended = false;
  #closed: { readonly cause?: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(maxTicks: number) {
    this.#maxTicks = maxTicks;
  }

  /** Ticks waiting for the append that runs. */
  get count(): number {
    return this.#count;
  }

  /** Adds ticks; resolves once there is room for more. The bytes must stay as they are. */
  async addTicks(symbol: string, ticks: Ticks): Promise<void> {
    const parts = this.#parts.get(symbol);
    if (parts === undefined) this.#parts.set(symbol, [ticks]);
    else parts.push(ticks);
    this.#count += ticks.count;
    this.#notify();
    while (this.#count >= this.#maxTicks && this.#closed === undefined) await this.#changed.promise;
  }

  /** The source's present as it was told last. */
  get presentUtcMs(): number | undefined {
    return this.#presentUtcMs;
  }

  addPresent(present: SourcePresent): void {
    this.#present = present;
    this.#presentUtcMs = present.nowUtcMs;
    this.#notify();
  }

  addEnd(): void {
    this.#ended = true;
    this.#notify();
  }

  /** No more comes; `take` hands out what is left, then rejects with the cause or answers nothing. */
  close(cause?: unknown): void {
    this.#closed ??= cause === undefined ? {} : { cause };
    this.#notify();
  }

  /** Everything there is; undefined when closed and empty. */
  async take(): Promise<Group | undefined> {
    while (!this.#holdsSomething()) {
      if (this.#closed !== undefined) {
        if ("cause" in this.#closed) throw this.#closed.cause;
        return undefined;
      }
      await this.#changed.promise;
    }
    const ticks = new Map<string, Ticks>();
    for (const [symbol, parts] of this.#parts) ticks.set(symbol, Ticks.concat(parts));
    const group = { ticks, count: this.#count, present: this.#present, ended: this.#ended };
    this.#parts = new Map();
    this.#count = 0;
    this.#present = undefined;
    this.#ended = false;
    this.#notify();
    return group;
  }

  #holdsSomething(): boolean {
    return this.#count > 0 || this.#present !== undefined || this.#ended;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
