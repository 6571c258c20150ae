import type { TickId } from "../market/tick_id.ts";
import type { Segment } from "./tick_log.ts";

/**
 * A mirror: a copy of what the log takes, in another system, for whoever reads that one. Best effort:
 * the log is the record, and nothing about a mirror slows, blocks or fails an append.
 */

/** Ticks that the log has stored. */
export interface Appended extends Segment {
  readonly feed: string;
  /** The symbol's tail before them; NO_TICK for the symbol's first. */
  readonly after: TickId;
}

export interface MirrorState {
  /** `connecting` until the first ticks have arrived there. */
  readonly state: "connecting" | "up" | "down";
  /** Ticks taken and neither delivered nor dropped yet. */
  readonly waitingTicks: number;
  readonly mirroredTicks: number;
  readonly droppedTicks: number;
  readonly failures: number;
  /** Why it is down. */
  readonly cause?: string;
}

/** Why ticks never reach the mirror: it cannot keep up or is away, or its program ended first. */
export type MirrorLoss = "full" | "stopped";

export interface TickMirror extends AsyncDisposable {
  /**
   * Takes a copy of the ticks and returns at once; never throws. To be called once for each append
   * that was stored, in the order of the appends. When the queue is full the oldest ticks that wait
   * make room. Ticks offered after the disposal are dropped.
   */
  offer(appended: Appended): void;
  describe(): MirrorState;
  /** Delivers what waits, until the drain's deadline; counts the rest as dropped. Never rejects. */
  [Symbol.asyncDispose](): Promise<void>;
}
