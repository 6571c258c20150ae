import type { Ticks } from "../../lib/market/tick.ts";
import type { BadLine, TickRecording } from "./recording.ts";
import { restamp } from "../simulated/tick_block.ts";

/** A recording of ticks with its place in the replay. */
export interface Track {
  readonly recording: TickRecording;
  /** The first tick's time on the source's clock, before any lap. */
  readonly firstServerMs: number;
  /** From the file's time to the source's; undefined when they are one. */
  readonly stampOf: ((fileMs: number) => number) | undefined;
}

export interface SkippedLines {
  readonly path: string;
  readonly count: number;
  readonly first: string;
}

/** Reads one track forward; its file is opened when the replay reaches it and closed at its end. */
export class ReplayCursor {
  readonly symbol: string;
  readonly #track: Track;
  readonly #lapShiftMs: number;
  readonly #onSkipped: (skipped: SkippedLines) => void;
  #blocks: AsyncIterator<Ticks> | undefined;
  #block: Ticks | undefined;
  #at = 0;
  #nextMs: number;
  #bad = 0;
  #firstBad: BadLine | undefined;

  constructor(
    track: Track,
    options: { lapShiftMs: number; onSkipped: (skipped: SkippedLines) => void },
  ) {
    this.#track = track;
    this.#lapShiftMs = options.lapShiftMs;
    this.#onSkipped = options.onSkipped;
    this.symbol = track.recording.symbol;
    this.#nextMs = track.firstServerMs + options.lapShiftMs;
  }

  /** When the next tick is due on the source's clock; Infinity at the end. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Adds the ticks before the first one stamped `untilServerMs` or later, in the file's order. */
  async take(untilServerMs: number, into: Ticks[]): Promise<void> {
    while (this.#nextMs < untilServerMs) {
      if (this.#block === undefined) await this.#advance();
      const block = this.#block;
      if (block === undefined) return;
      const from = this.#at;
      while (this.#at < block.count && block.serverMs(this.#at) < untilServerMs) this.#at++;
      if (this.#at > from) into.push(block.slice(from, this.#at));
      if (this.#at === block.count) await this.#advance();
      else this.#nextMs = block.serverMs(this.#at);
    }
  }

  async close(): Promise<void> {
    await this.#blocks?.return?.();
  }

  async #advance(): Promise<void> {
    this.#blocks ??= this.#track.recording.read((bad) => {
      this.#firstBad ??= bad;
      this.#bad++;
    })[Symbol.asyncIterator]();
    this.#at = 0;
    do {
      const next = await this.#blocks.next();
      this.#block = next.done ? undefined : next.value;
    } while (this.#block?.count === 0);
    if (this.#block === undefined) {
      this.#nextMs = Infinity;
      this.#reportSkipped();
      return;
    }
    const { stampOf } = this.#track, shiftMs = this.#lapShiftMs;
    if (stampOf !== undefined) restamp(this.#block, (fileMs) => stampOf(fileMs) + shiftMs);
    else if (shiftMs !== 0) restamp(this.#block, (fileMs) => fileMs + shiftMs);
    this.#nextMs = this.#block.serverMs(0);
  }

  #reportSkipped(): void {
    if (this.#firstBad === undefined) return;
    const { path, line, reason } = this.#firstBad;
    this.#onSkipped({ path, count: this.#bad, first: `line ${line}: ${reason}` });
  }
}
