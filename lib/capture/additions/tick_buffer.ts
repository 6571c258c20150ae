import { TICK_BYTES, Ticks } from "../../market/tick.ts";
import type { TickId } from "../../market/tick_id.ts";
import type { TickRow } from "../tick_row.ts";

const FIRST_ROWS = 4096;

/** Rows of day files, packed: a busy day has half a million, and an object each would be too much. */
export class TickBuffer {
  #bytes = new Uint8Array(FIRST_ROWS * TICK_BYTES);
  #ticks = new Ticks(this.#bytes);
  #idMs = new Float64Array(FIRST_ROWS);
  #idN = new Uint32Array(FIRST_ROWS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** What was pushed so far, stamped, in that order; shares the bytes. */
  get ticks(): Ticks {
    return this.#ticks.slice(0, this.#count);
  }

  id(index: number): TickId {
    return { ms: this.#idMs[index] ?? 0, n: this.#idN[index] ?? 0 };
  }

  push(row: TickRow): void {
    if (this.#count === this.#idMs.length) this.#grow();
    const index = this.#count++;
    this.#ticks.set(index, row);
    this.#ticks.setUtcMs(index, row.utcMs);
    this.#idMs[index] = row.id.ms;
    this.#idN[index] = row.id.n;
  }

  #grow(): void {
    const bytes = new Uint8Array(this.#bytes.length * 2);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#ticks = new Ticks(bytes);
    const idMs = new Float64Array(this.#idMs.length * 2), idN = new Uint32Array(idMs.length);
    idMs.set(this.#idMs);
    idN.set(this.#idN);
    this.#idMs = idMs;
    this.#idN = idN;
  }
}
