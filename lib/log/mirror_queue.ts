import { nextId } from "../market/tick_id.ts";
import { Ticks } from "../market/tick.ts";
import type { Appended } from "./mirror.ts";
import { lastIdOf } from "./segments.ts";
import type { Segment } from "./tick_log.ts";

/** Consecutive ticks of one symbol that wait to be sent. */
export interface WaitingRun extends Segment {
  readonly feed: string;
}

export interface MirrorLimits {
  readonly maxTicks: number;
  readonly maxBytes: number;
  /** Most ticks of a batch, and so of a run. */
  readonly batchTicks: number;
}

/** What a run takes beside its ticks' 60 bytes each: views, ids and the entry itself, as measured. */
export const RUN_BYTES = 560;

/**
 * The ticks that wait for a mirror, bounded by their number and by the memory they take. When it is
 * full the oldest runs that wait make room: a reader of the mirror wants the present. What is being
 * sent counts until it is released, and is not dropped.
 */
export class MirrorQueue {
  readonly #limits: MirrorLimits;
  #runs: WaitingRun[] = [];
  /** Where the waiting ones begin; those before are gone. */
  #head = 0;
  #ticks = 0;
  #bytes = 0;

  constructor(limits: MirrorLimits) {
    this.#limits = limits;
  }

  /** Ticks that wait or are being sent. */
  get ticks(): number {
    return this.#ticks;
  }

  get isEmpty(): boolean {
    return this.#head === this.#runs.length;
  }

  get fillsBatch(): boolean {
    return this.#ticks >= this.#limits.batchTicks;
  }

  /** Copies the ticks in; returns how many older ones made room for them. */
  add({ symbol, feed, firstId, ticks }: Appended): number {
    const { maxTicks, maxBytes, batchTicks } = this.#limits;
    let first = firstId;
    for (let from = 0; from < ticks.count; from += batchTicks) {
      const part = ticks.slice(from, Math.min(ticks.count, from + batchTicks));
      if (from > 0) first = nextId(first, part.utcMs(0));
      const lastId = lastIdOf(first, part);
      this.#runs.push({
        symbol,
        feed,
        firstId: first,
        lastId,
        ticks: new Ticks(part.bytes.slice()),
      });
      this.#ticks += part.count;
      this.#bytes += costOf(part);
      first = lastId;
    }
    let dropped = 0;
    while (this.#ticks > maxTicks || this.#bytes > maxBytes) {
      const oldest = this.#shift();
      if (oldest === undefined) break;
      dropped += oldest.ticks.count;
      this.release([oldest]);
    }
    return dropped;
  }

  /** The oldest runs, as many as one batch holds; they count as waiting until they are released. */
  take(): WaitingRun[] {
    const batch: WaitingRun[] = [];
    let ticks = 0;
    while (!this.isEmpty) {
      ticks += this.#runs[this.#head]?.ticks.count ?? 0;
      if (batch.length > 0 && ticks > this.#limits.batchTicks) break;
      const run = this.#shift();
      if (run !== undefined) batch.push(run);
    }
    return batch;
  }

  /** Taken runs are delivered, or will not be. */
  release(runs: readonly WaitingRun[]): void {
    for (const { ticks } of runs) {
      this.#ticks -= ticks.count;
      this.#bytes -= costOf(ticks);
    }
  }

  #shift(): WaitingRun | undefined {
    const run = this.#runs[this.#head];
    if (run === undefined) return undefined;
    this.#head++;
    // Moving what is left only now and then costs each run a constant, whatever the queue's length.
    if (this.#head * 2 > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head);
      this.#head = 0;
    }
    return run;
  }
}

function costOf(ticks: Ticks): number {
  return ticks.bytes.byteLength + RUN_BYTES;
}
