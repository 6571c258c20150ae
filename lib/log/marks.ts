import type { Checkpoint, Mark } from "./tick_log.ts";
import { startOfUtcDay } from "./segments.ts";

const DAY_MS = 86_400_000;

export type Progress = Pick<Checkpoint, "floorMs" | "watermarkMs" | "ended">;

/** What a mark makes of a checkpoint: no time in it ever goes back; a feed that ended may begin again. */
export function marked(before: Progress & Pick<Checkpoint, "lastId">, mark: Mark): Progress {
  const watermarkMs = Math.max(before.watermarkMs, mark.watermarkMs);
  const { ended } = mark;
  // An ended feed closes the day that it got to; a watermark closes the days before its own.
  const reached = Math.max(before.lastId.ms, watermarkMs);
  const floorMs = mark.ended && reached > 0
    ? startOfUtcDay(reached) + DAY_MS
    : startOfUtcDay(watermarkMs);
  return { floorMs: Math.max(before.floorMs, floorMs), watermarkMs, ended };
}

export function foreignMark(mark: Mark, feed: string): Error {
  return new Error(
    `Cannot mark ${mark.symbol} as fed by ${mark.feed}: current feed is ${feed}`,
  );
}
