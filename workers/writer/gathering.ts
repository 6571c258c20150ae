import type { Segment, TickLogReader } from "../../lib/log/tick_log.ts";
import type { TickId } from "../../lib/market/tick_id.ts";
import { pause } from "../../lib/program/pause.ts";
import type { Captures } from "./captures.ts";

/** Between two looks while ticks gather: a look costs about as much as writing 50 ticks. */
const LOOK_EVERY_MS = 10;
/** The same while so few come that they will not make a flush: other programs share the processors. */
const QUIET_LOOK_EVERY_MS = 50;

export interface GatheringOptions {
  readonly log: TickLogReader;
  readonly captures: Captures;
  readonly flushIntervalMs: number;
  readonly flushTicks: number;
  readonly readTicks: number;
  readonly signal: AbortSignal;
}

/**
 * Reads the log in groups worth a disk sync. A first tick after silence goes at once; after that few
 * ticks are gathered until the flush interval has passed, many never wait, and neither does what is
 * left at the end of a burst.
 */
export class Gathering {
  readonly #options: GatheringOptions;
  #ahead: Promise<Segment[]> | undefined;
  #lastGroupMs = -Infinity;
  #inBurst = false;

  constructor(options: GatheringOptions) {
    this.#options = options;
  }

  /** The next group; empty when nothing came before `untilMs` (by `performance.now`). */
  async next(untilMs: number): Promise<Segment[]> {
    const { flushIntervalMs, flushTicks, signal } = this.#options;
    const group: Segment[] = [];
    let came = this.#take(group, await this.#read(untilMs)), ticks = came;
    const flushAtMs = this.#lastGroupMs + flushIntervalMs;
    while (
      ticks > 0 && ticks < flushTicks && !this.#inBurst && !signal.aborted &&
      performance.now() < flushAtMs
    ) {
      const lookMs = came < flushTicks / 4 ? QUIET_LOOK_EVERY_MS : LOOK_EVERY_MS;
      await pause(Math.min(lookMs, flushAtMs - performance.now()), signal);
      came = this.#take(group, await this.#read(flushAtMs));
      ticks += came;
    }
    if (ticks > 0) this.#lastGroupMs = performance.now();
    this.#inBurst = ticks >= flushTicks;
    return group;
  }

  /** What there is now, without waiting. */
  async rest(): Promise<Segment[]> {
    const group: Segment[] = [];
    this.#take(group, await this.#read(0));
    return group;
  }

  /** Begins to read the next group. It is taken by the next call, or lost by `forget`. */
  readAhead(): void {
    if (this.#ahead !== undefined) return;
    this.#ahead = this.#readNow(0);
    // A rejection belongs to whoever takes it.
    this.#ahead.catch(() => {});
  }

  /** Drops what was read and not written; it is read again from what is on the disk. */
  forget(): void {
    this.#ahead = undefined;
    for (const capture of this.#options.captures.all()) capture.readId = capture.position;
  }

  async #read(untilMs: number): Promise<Segment[]> {
    const { captures, signal } = this.#options;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) {
      const segments = await ahead;
      if (segments.length > 0) return segments;
    }
    const waitMs = Math.max(0, untilMs - performance.now());
    if (captures.capturing().length > 0) return await this.#readNow(waitMs);
    await pause(waitMs, signal);
    return [];
  }

  #readNow(waitMs: number): Promise<Segment[]> {
    const { log, captures, readTicks, signal } = this.#options;
    const after = new Map<string, TickId>();
    for (const { symbol, readId } of captures.capturing()) after.set(symbol, readId);
    return log.read(after, { maxTicks: readTicks, waitMs, signal });
  }

  /** Moves the reading positions and returns how many ticks came. */
  #take(group: Segment[], segments: readonly Segment[]): number {
    let ticks = 0;
    for (const segment of segments) {
      const capture = this.#options.captures.get(segment.symbol);
      if (capture === undefined) continue;
      capture.readId = segment.lastId;
      ticks += segment.ticks.count;
      group.push(segment);
    }
    return ticks;
  }
}
