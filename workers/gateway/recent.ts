import type { Segment } from "../../lib/log/tick_log.ts";
import { compareIds, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { newestOf, partAfter } from "./segments.ts";
import { TickChunk } from "./tick_chunk.ts";

/** About what a chunk costs beside its buffer, in bytes. */
const CHUNK_OVERHEAD_BYTES = 512;

interface SymbolTail {
  /** The newest tick handed out; what the log holds after it has not been seen yet. */
  position: TickId;
  /** Ids up to here are trimmed from the log, as of the last look. */
  trimmedId: TickId;
  /** The newest tick when there is no chunk that has it. */
  newest: Segment | undefined;
  /** Every tick after this id and up to `position` is in `chunks`. */
  coversAfter: TickId;
  /** Oldest first. */
  chunks: TickChunk[];
  /** Whether the last chunk takes more; it has no entry in the order yet. */
  isGrowing: boolean;
}

/**
 * The newest ticks of every symbol, in memory, so that snapshots and short resumes ask nobody. When
 * `maxBytes` is reached the chunk goes that was full first, whichever symbol it belongs to; the newest
 * tick of each symbol always stays.
 */
export class RecentTicks {
  readonly #maxBytes: number;
  readonly #tails = new Map<string, SymbolTail>();
  /** The symbols of all chunks that grow no more, oldest first: each entry stands for one chunk. */
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
      chunks: [],
      isGrowing: false,
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
    const last = tail.isGrowing ? tail.chunks.at(-1) : undefined;
    const before = last?.byteLength ?? 0;
    if (last?.take(segment)) this.#bytes += last.byteLength - before;
    else this.#begin(tail, segment);
    while (this.#bytes > this.#maxBytes && this.#forgetOldest());
  }

  /** Moves a position over ticks that the log no longer has. */
  skipTo(symbol: string, id: TickId): void {
    const tail = this.#tails.get(symbol);
    if (tail === undefined) return;
    for (const chunk of tail.chunks) this.#bytes -= sizeOf(chunk);
    // Their entries in the order stay and find nothing: forgetting skips them.
    tail.chunks = [];
    tail.isGrowing = false;
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
    const tail = this.#tails.get(symbol);
    return tail && newestIn(tail);
  }

  /** Everything after `id` up to the position; undefined when memory does not reach back so far. */
  since(symbol: string, id: TickId): Segment[] | undefined {
    const tail = this.#tails.get(symbol);
    if (tail === undefined) return [];
    if (compareIds(id, tail.position) >= 0) return [];
    if (compareIds(id, tail.coversAfter) < 0) return undefined;
    const found: Segment[] = [];
    for (let index = tail.chunks.length - 1; index >= 0; index--) {
      const chunk = tail.chunks[index];
      const part = chunk === undefined ? undefined : partAfter(chunk.segment(), id);
      if (part === undefined) break;
      found.push(part);
    }
    return found.reverse();
  }

  #begin(tail: SymbolTail, segment: Segment): void {
    if (tail.isGrowing) this.#order.push(segment.symbol);
    const chunk = new TickChunk(segment);
    tail.chunks.push(chunk);
    tail.isGrowing = true;
    this.#bytes += sizeOf(chunk);
  }

  /** False when nothing is left to forget. */
  #forgetOldest(): boolean {
    if (this.#orderFrom === this.#order.length) this.#endGrowth();
    const symbol = this.#order[this.#orderFrom++];
    if (symbol === undefined) return false;
    if (this.#orderFrom > 1024 && this.#orderFrom * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#orderFrom);
      this.#orderFrom = 0;
    }
    const tail = this.#tails.get(symbol), oldest = tail?.chunks[0];
    if (tail === undefined || oldest === undefined) return true;
    if (tail.chunks.length === 1) {
      tail.newest = newestIn(tail);
      tail.isGrowing = false;
    }
    tail.chunks.shift();
    tail.coversAfter = oldest.segment().lastId;
    this.#bytes -= sizeOf(oldest);
    return true;
  }

  /** Where only growing chunks are left, each counts as full. */
  #endGrowth(): void {
    this.#order = [];
    this.#orderFrom = 0;
    for (const [symbol, tail] of this.#tails) {
      if (tail.isGrowing) this.#order.push(symbol);
      tail.isGrowing = false;
    }
  }
}

function newestIn({ chunks, newest }: SymbolTail): Segment | undefined {
  const last = chunks.at(-1);
  return last === undefined ? newest : newestOf(last.segment());
}

function sizeOf(chunk: TickChunk): number {
  return chunk.byteLength + CHUNK_OVERHEAD_BYTES;
}
