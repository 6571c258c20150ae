import { pause } from "../../../lib/program/pause.ts";

/**
 * The least time between two calls of one vendor session, whoever makes them: several connections of a
 * run may share a session, and its vendor counts them as one.
 */
export class RateLimit {
  readonly #gapMs: number;
  /** By session, by `performance.now()`. */
  readonly #nextCallMs = new Map<string, number>();

  constructor(gapMs: number) {
    this.#gapMs = gapMs;
  }

  /** Resolves when it is the caller's turn, or when the signal comes. Turns are kept in their order. */
  async turn(session: string, signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const turnMs = Math.max(nowMs, this.#nextCallMs.get(session) ?? 0);
    this.#nextCallMs.set(session, turnMs + this.#gapMs);
    if (turnMs > nowMs) await pause(turnMs - nowMs, signal);
  }
}
