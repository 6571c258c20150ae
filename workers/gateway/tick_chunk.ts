import type { Segment } from "../../lib/log/tick_log.ts";
import { TICK_BYTES, Ticks } from "../../lib/market/tick.ts";
import { compareIds, nextId, type TickId } from "../../lib/market/tick_id.ts";

/** A chunk grows to this many ticks, 15 kB: few objects for the memory, and little is lost with one. */
const CHUNK_TICKS = 256;

/**
 * Consecutive ticks of one symbol in one buffer that grows. Kept as they come, segments of a tick or
 * two would each cost half a dozen objects, which every garbage collection has to visit again.
 */
export class TickChunk {
  readonly symbol: string;
  readonly #firstId: TickId;
  #lastId: TickId;
  #count: number;
  #bytes: Uint8Array;

  /** Copies the segment, so that nothing of a larger read is kept alive. */
  constructor({ symbol, firstId, lastId, ticks }: Segment) {
    this.symbol = symbol;
    this.#firstId = firstId;
    this.#lastId = lastId;
    this.#count = ticks.count;
    this.#bytes = ticks.bytes.slice();
  }

  /** What its buffer takes, also where no tick is yet. */
  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** Appends a segment; false when its ids do not follow from the chunk's, or there is no room. */
  take({ firstId, lastId, ticks }: Segment): boolean {
    const count = this.#count + ticks.count;
    if (count > CHUNK_TICKS) return false;
    if (compareIds(nextId(this.#lastId, ticks.utcMs(0)), firstId) !== 0) return false;
    if (count * TICK_BYTES > this.#bytes.byteLength) this.#grow(count);
    this.#bytes.set(ticks.bytes, this.#count * TICK_BYTES);
    this.#count = count;
    this.#lastId = lastId;
    return true;
  }

  /** All of it. Shares the bytes: they stay as they are while the chunk grows behind them. */
  segment(): Segment {
    const ticks = new Ticks(this.#bytes.subarray(0, this.#count * TICK_BYTES));
    return { symbol: this.symbol, firstId: this.#firstId, lastId: this.#lastId, ticks };
  }

  #grow(count: number): void {
    const grown = new Uint8Array(Math.min(CHUNK_TICKS, 2 * count) * TICK_BYTES);
    grown.set(this.#bytes.subarray(0, this.#count * TICK_BYTES));
    this.#bytes = grown;
  }
}
