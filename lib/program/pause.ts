import { setImmediate } from "node:timers";

/**
 * Resolves in the next turn of the event loop. A loop whose every step can be answered at once never
 * leaves its turn: timers, messages and signals would wait for as long as it is busy.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves after the time, at once where it is none, or as soon as the signal aborts; never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    // The runtime warns of a time that is negative, once and on stderr.
    const timer = setTimeout(done, Math.max(0, ms));
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** The pauses of a back-off: doubled each time up to a limit, each cut by up to half at random. */
export class BackOff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  constructor({ minMs, maxMs }: { minMs: number; maxMs: number }) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#nextMs = minMs;
  }

  /** The next pause. Jitter keeps many clients from coming back in one instant. */
  next(): number {
    const ms = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(this.#maxMs, this.#nextMs * 2);
    return ms;
  }

  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
