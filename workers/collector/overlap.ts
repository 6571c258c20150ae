import type { Ticks } from "../../lib/market/tick.ts";

/**
 * What a re-read brings again: the log's recent ticks of one symbol as a multiset of whole payloads.
 * Two real ticks may be alike in every byte, and a vendor may return one millisecond in another
 * order, so neither an id nor a time tells a repetition; only the count of each payload does.
 */
export class Overlap {
  readonly #counts = new Map<string, number>();
  readonly #untilServerMs: number;

  /** @param untilServerMs the greatest server stamp in `recent`: no later tick can be a repetition. */
  constructor(recent: Ticks, untilServerMs: number) {
    this.#untilServerMs = untilServerMs;
    for (let index = 0; index < recent.count; index++) {
      const key = recent.payloadKey(index);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** Whether this tick is one of those that the log has; each counts once. */
  takes(ticks: Ticks, index: number): boolean {
    if (ticks.serverMs(index) > this.#untilServerMs) return false;
    const key = ticks.payloadKey(index);
    const count = this.#counts.get(key);
    if (count === undefined) return false;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
    return true;
  }
}
