import { LogUnavailable, type TickLog } from "../../lib/log/tick_log.ts";
import { pause } from "../../lib/program/pause.ts";
import type { CollectorEvents } from "./events.ts";

export interface RetentionOptions {
  readonly log: TickLog;
  readonly events: CollectorEvents;
  readonly maxAgeMs: number;
  readonly maxCount: number;
  readonly overlapMs: number;
  /** The source's present, UTC ms: recorded ticks age by their own clock. */
  readonly nowMs: () => number;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Frees what the writer has committed and no client may ask for any more, once in a while. */
export async function retain(options: RetentionOptions): Promise<void> {
  const { log, events, maxAgeMs, maxCount, overlapMs, signal } = options;
  while (!signal.aborted) {
    await pause(options.intervalMs, signal);
    if (signal.aborted) return;
    try {
      const nowMs = options.nowMs();
      events.trimmed(await log.trim({ readers: ["writer"], maxAgeMs, maxCount, nowMs, overlapMs }));
    } catch (cause) {
      if (!(cause instanceof LogUnavailable)) throw cause;
    }
  }
}
