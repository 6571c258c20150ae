import type { Bar } from "../../../lib/market/bar.ts";
import type { Timeframe } from "../../../lib/market/timeframe.ts";
import type { Period } from "../../../lib/capture/bars/bar_path.ts";

const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS;
/** Clocks differ from UTC by quarters of an hour, and by 14 hours at most. */
const OFFSET_STEP_MS = 15 * MINUTE_MS, MOST_OFFSET_MS = 14 * HOUR_MS;
/** A month is never shorter. */
const SHORTEST_MONTH_MS = 28 * 24 * HOUR_MS;

/** The first bar of a file that cannot stand where it stands, in words. */
export function misplacedBar(
  bars: readonly Bar[],
  { timeframe, period }: { timeframe: Timeframe; period: Period },
): string | undefined {
  const { lengthMs = SHORTEST_MONTH_MS } = timeframe;
  // Longer bars begin at whatever hour the vendor's day does, and a clock may turn within them.
  const gridMs = Math.min(lengthMs, HOUR_MS), turnMs = lengthMs > HOUR_MS ? HOUR_MS : 0;
  let previous: Bar | undefined;
  for (const [index, bar] of bars.entries()) {
    const { utcMs, serverMs } = bar, offsetMs = serverMs - utcMs;
    const row = `bar ${index + 1} at ${new Date(utcMs).toISOString()}`;
    if (utcMs < period.fromMs || utcMs >= period.toMs) return `${row} is not of ${period.name}`;
    if (serverMs % gridMs !== 0) return `${row} is off the grid of the server's clock`;
    if (offsetMs % OFFSET_STEP_MS !== 0 || Math.abs(offsetMs) > MOST_OFFSET_MS) {
      return `${row} is ${offsetMs / HOUR_MS} h off the server's clock`;
    }
    if (previous !== undefined && utcMs - previous.utcMs < lengthMs - turnMs) {
      return `${row} opens before the one in front of it has closed`;
    }
    previous = bar;
  }
  return undefined;
}
