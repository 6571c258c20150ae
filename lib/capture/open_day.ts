import type { Checkpoint } from "../log/tick_log.ts";
import { compareIds, type TickId } from "../market/tick_id.ts";
import { type Day, dayOf } from "./day_path.ts";

/**
 * The first day that may still get ticks from the log, where everything up to `written` is in files.
 * A written tick of a later day closes a day, for ids only grow; so does the feed's word, once all
 * that the log had at that moment is written.
 */
export function firstOpenDay(
  written: TickId,
  checkpoint: Pick<Checkpoint, "lastId" | "floorMs" | "ended"> | undefined,
): Day {
  const day = dayOf(written.ms);
  const ahead = checkpoint === undefined ? -1 : compareIds(written, checkpoint.lastId);
  if (checkpoint === undefined || ahead < 0) return day;
  // Ticks past the checkpoint say that an end it knew of was none.
  if (checkpoint.ended && ahead === 0) return Infinity;
  return Math.max(day, dayOf(checkpoint.floorMs));
}
