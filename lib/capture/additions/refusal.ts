import type { TickLogReader } from "../../log/tick_log.ts";
import { NO_TICK } from "../../market/tick_id.ts";
import { type Day, dayName, startOfDayMs } from "../day_path.ts";
import { firstOpenDay } from "../open_day.ts";
import type { Part } from "./day_parts.ts";

/** Where capture is; `openLogReader`. */
export type CaptureLog = Pick<TickLogReader, "checkpoint" | "committed">;

/** After midnight a vendor may still send ticks of the day, and a server may be a little behind. */
const SETTLED_MS = 60_000;

/**
 * Why nothing may be added to a day now, for a person; undefined when it may. A day that capture may
 * still write would get ticks twice, or an id that capture is going to give.
 */
export async function dayRefusal(
  { symbol, day }: { symbol: string; day: Day },
  { parts, nowMs, log }: {
    parts: readonly Part[];
    /** The source's present, UTC. */
    nowMs: number;
    /** Absent where there is no capture. */
    log: CaptureLog | undefined;
  },
): Promise<string | undefined> {
  const name = dayName(day);
  if (nowMs < startOfDayMs(day + 1) + SETTLED_MS) return `${name} is not over`;
  if (parts.some((part) => part.isOpen && part.day === day)) {
    return `${name} of ${symbol} is open: the writer has not sealed it`;
  }
  const checkpoint = await log?.checkpoint(symbol);
  if (log === undefined || checkpoint === undefined) return undefined;
  const written = (await log.committed("writer")).get(symbol) ?? NO_TICK;
  return firstOpenDay(written, checkpoint) > day
    ? undefined
    : `the log may still bring ticks of ${symbol} of ${name}: the writer has not got past that day`;
}
