/** Calls back when there may be something new; returns what ends it. */
export type WakeSource = (listener: () => void) => () => void;

/** A wait that a wake-up ends; one that comes between a look and the wait after it is not lost. */
export class WakeableWait implements Disposable {
  readonly #waiters = new Set<() => void>();
  readonly #unsubscribe: (() => void) | undefined;
  #wakes = 0;

  constructor(source?: WakeSource) {
    this.#unsubscribe = source?.(() => this.wake());
  }

  /** How often it was woken: taken before a look, given to the wait that follows. */
  get wakes(): number {
    return this.#wakes;
  }

  wake(): void {
    this.#wakes++;
    for (const resolve of this.#waiters) resolve();
  }

  /** Resolves after `ms`, or once woken since `seen`, or when the signal aborts. */
  async wait(seen: number, ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#wakes !== seen || ms <= 0 || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    const timer = setTimeout(resolve, ms);
    this.#waiters.add(resolve);
    signal?.addEventListener("abort", onAbort);
    await promise;
    signal?.removeEventListener("abort", onAbort);
    this.#waiters.delete(resolve);
    clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    this.wake();
  }
}
