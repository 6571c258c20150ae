import type { Checkpoint } from "../../lib/log/tick_log.ts";
import { compareIds, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import type { Captures } from "./captures.ts";

/**
 * Whether every feed of the log has ended and all its days are sealed, by this writer or another one.
 * @throws Error when that is all that will ever be, and some symbols have stopped.
 */
export function isEverythingSealed(
  checkpoints: ReadonlyMap<string, Checkpoint>,
  { captures, committed }: { captures: Captures; committed: ReadonlyMap<string, TickId> },
): boolean {
  if (checkpoints.size === 0) return false;
  const isOver = [...checkpoints].every(([symbol, { ended, lastId }]) => {
    if (!ended) return false;
    const capture = captures.get(symbol);
    if (capture?.state === "stopped") return true;
    if (capture !== undefined && (capture.state !== "capturing" || capture.hasOpenFiles)) {
      return false;
    }
    return compareIds(capture?.position ?? committed.get(symbol) ?? NO_TICK, lastId) >= 0;
  });
  if (isOver) throwIfStopped(captures);
  return isOver;
}

function throwIfStopped(captures: Captures): void {
  const stopped = [...captures.all()].filter(({ state }) => state === "stopped");
  if (stopped.length === 0) return;
  const reasons = stopped.map(({ symbol, reason }) => `${symbol}: ${reason}`).join("; ");
  throw new Error(`Cannot finish all symbols as sealed files: current value is ${reasons}`);
}
