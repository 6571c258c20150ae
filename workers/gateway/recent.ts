import type { Segment } from "../../lib/log/tick_log.ts";
import { compareIds, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { newestOf, partAfter } from "./segments.ts";

/** About what a kept segment costs beside its ticks, in bytes. */
const SEGMENT_OVERHEAD_BYTES = 256;

interface SymbolTail {
  /** The newest tick handed out; what the log holds after it has not been seen yet. */
  position: TickId;
  /** Ids up to here are trimmed from the log, as of the last look. */
  trimmedId: TickId;
  newest: Segment | undefined;
  /** Every tick after this id and up to `position` is in `segments`. */
  coversAfter: TickId;
  segments: Segment[];
}

/**
 * The newest ticks of every symbol, in memory, so that snapshots and short resumes ask nobody. When
 * `maxBytes` is reached the oldest segment goes, whichever symbol it belongs to; the newest tick of
 * each symbol always stays.
 */
export class RecentTicks {
  readonly #maxBytes: number;
  readonly #tails = new Map<string, SymbolTail>();
  /** The symbols of all kept segments, oldest first: each entry stands for one segment. */
  #order: string[] = [];
  #orderFrom = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many symbols are known. */
  get size(): number {
    return this.#tails.size;
  }

  /** Begins a symbol at a position: what comes before it is not in memory. */
  begin(symbol: string, start: { position: TickId; trimmedId: TickId; newest?: Segment }): void {
    this.#tails.set(symbol, {
      position: start.position,
      trimmedId: start.trimmedId,
      newest: start.newest === undefined ? undefined : newestOf(start.newest),
      coversAfter: start.position,
      segments: [],
    });
  }

  clear(): void {
    this.#tails.clear();
    this.#order = [];
    this.#orderFrom = 0;
    this.#bytes = 0;
  }

  has(symbol: string): boolean {
    return this.#tails.has(symbol);
  }

  symbols(): IterableIterator<string> {
    return this.#tails.keys();
  }

  /** Takes the segment that follows the symbol's position. */
  add(segment: Segment): void {
    const tail = this.#tails.get(segment.symbol);
    if (tail === undefined) return;
    tail.position = segment.lastId;
    tail.newest = newestOf(segment);
    tail.segments.push(segment);
    this.#order.push(segment.symbol);
    this.#bytes += sizeOf(segment);
    while (this.#bytes > this.#maxBytes) this.#forgetOldest();
  }

  /** Moves a position over ticks that the log no longer has. */
  skipTo(symbol: string, id: TickId): void {
    const tail = this.#tails.get(symbol);
    if (tail === undefined) return;
    for (const segment of tail.segments) this.#bytes -= sizeOf(segment);
    // Their entries in the order stay and find nothing: forgetting skips them.
    tail.segments = [];
    tail.position = id;
    tail.coversAfter = id;
  }

  setTrimmed(symbol: string, id: TickId): void {
    const tail = this.#tails.get(symbol);
    if (tail !== undefined) tail.trimmedId = id;
  }

  position(symbol: string): TickId {
    return this.#tails.get(symbol)?.position ?? NO_TICK;
  }

  trimmedId(symbol: string): TickId {
    return this.#tails.get(symbol)?.trimmedId ?? NO_TICK;
  }

  /** All positions: what a read of the log goes on from. */
  positions(): Map<string, TickId> {
    const positions = new Map<string, TickId>();
    for (const [symbol, tail] of this.#tails) positions.set(symbol, tail.position);
    return positions;
  }

  newest(symbol: string): Segment | undefined {
    return this.#tails.get(symbol)?.newest;
  }

  /** Everything after `id` up to the position; undefined when memory does not reach back so far. */
  since(symbol: string, id: TickId): Segment[] | undefined {
    const tail = this.#tails.get(symbol);
    if (tail === undefined) return [];
    if (compareIds(id, tail.position) >= 0) return [];
    if (compareIds(id, tail.coversAfter) < 0) return undefined;
    const found: Segment[] = [];
    for (let index = tail.segments.length - 1; index >= 0; index--) {
      const segment = tail.segments[index];
      const part = segment === undefined ? undefined : partAfter(segment, id);
      if (part === undefined) break;
      found.push(part);
    }
    return found.reverse();
  }

  #forgetOldest(): void {
    const symbol = this.#order[this.#orderFrom++];
    if (symbol === undefined) return;
    if (this.#orderFrom > 1024 && this.#orderFrom * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#orderFrom);
      this.#orderFrom = 0;
    }
    const tail = this.#tails.get(symbol);
    const oldest = tail?.segments.shift();
    if (tail === undefined || oldest === undefined) return;
    tail.coversAfter = oldest.lastId;
    this.#bytes -= sizeOf(oldest);
  }
}

function sizeOf(segment: Segment): number {
  return segment.ticks.bytes.byteLength + SEGMENT_OVERHEAD_BYTES;
}
