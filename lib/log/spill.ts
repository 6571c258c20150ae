import { type Append, LogUnavailable } from "./tick_log.ts";

/** 3.5 GB on the disk: half a day of 1,000 ticks a second, and more than a Redis outage should last. */
export const JOURNAL_TICKS = 50_000_000;

/** For health: what waits for Redis. */
export interface Spill {
  readonly sinceMs: number;
  readonly ticks: number;
  /** UTC ms of the oldest tick that waits, by id; undefined when none does yet. */
  readonly oldestMs: number | undefined;
  /** What the last try met. */
  readonly cause: string;
}

/** Counts what waits for Redis, from the first failure until everything has followed. */
export class OpenSpill implements Spill {
  readonly sinceMs = Date.now();
  ticks: number;
  oldestMs: number | undefined;
  cause: string;

  constructor({ ticks, cause }: { readonly ticks: number; readonly cause: string }) {
    this.ticks = ticks;
    this.cause = cause;
  }

  /** @throws LogUnavailable when `ticks` more would be more than `maxTicks`. */
  admit(ticks: number, maxTicks: number): void {
    if (this.ticks + ticks <= maxTicks) return;
    throw new LogUnavailable(
      `Cannot append ${ticks} ticks while Redis is away: current journal holds ${this.ticks} of at most ${maxTicks}`,
      { reason: "full", cause: this.cause },
    );
  }

  wait(appends: readonly (Append & { readonly firstId: { readonly ms: number } })[]): void {
    this.ticks += ticksOf(appends);
    this.oldestMs ??= appends[0]?.firstId.ms;
  }

  followed({ ticks, lastMs }: { readonly ticks: number; readonly lastMs: number }): void {
    this.ticks = Math.max(0, this.ticks - ticks);
    this.oldestMs = lastMs;
  }
}

export function ticksOf(appends: readonly Append[]): number {
  return appends.reduce((total, { ticks }) => total + ticks.count, 0);
}
