import { closeOf, openOf, type Timeframe } from "../../market/timeframe.ts";
import type { ExpectedRange, GridClock } from "./market_calendar.ts";
import type { SessionLine } from "./session_line.ts";

const WEEK_MS = 7 * 86_400_000;
const UTC: GridClock = { toServerMs: (utcMs) => utcMs, toUtcMs: (serverMs) => serverMs };

/**
 * Walks the bars of a grid that open within the range and in which the line trades, and returns how
 * many they are; their UTC opens are added to `opens` when it is given.
 *
 * A bar counts once, however many stretches it holds. An hour that the server's clock skips is no
 * bar; one that it repeats is one bar of two hours.
 */
export function walkBars(
  { line, timeframe, range }: { line: SessionLine; timeframe: Timeframe; range: ExpectedRange },
  opens?: number[],
): number {
  const { fromMs, toMs, clock = UTC } = range;
  if (!(fromMs < toMs)) return 0;
  const step = { timeframe, clock, opens };
  // Where bars of a varying offset are counted by division, a stretch is taken a week at a time.
  const pieceMs = clock === UTC ? Infinity : WEEK_MS;
  let count = 0, serverMs = openOf(timeframe, clock.toServerMs(fromMs));
  while (clock.toUtcMs(serverMs) < fromMs) serverMs = closeOf(timeframe, serverMs);
  for (let index = line.indexAfter(fromMs); index < line.end; index++) {
    const closeMs = Math.min(line.closeAt(index), toMs);
    let openMs = Math.max(line.openAt(index), fromMs);
    serverMs = Math.max(serverMs, openOf(timeframe, clock.toServerMs(openMs)));
    const nextUtcMs = clock.toUtcMs(serverMs);
    if (nextUtcMs >= toMs) break;
    // A bar may open in the range and trade only after it.
    if (openMs >= toMs) return count + walkTo(step, serverMs, nextUtcMs + 1).count;
    if (nextUtcMs >= closeMs) {
      // The bar before this one held the whole stretch, and perhaps many more.
      index = line.indexAfter(nextUtcMs) - 1;
      continue;
    }
    while (openMs < closeMs) {
      const pieceEndMs = Math.min(closeMs, openMs + pieceMs);
      const walked = walkTo(step, serverMs, pieceEndMs);
      count += walked.count;
      serverMs = walked.serverMs;
      openMs = pieceEndMs;
    }
  }
  return count;
}

interface Step {
  readonly timeframe: Timeframe;
  readonly clock: GridClock;
  readonly opens: number[] | undefined;
}

/** The bars from `serverMs` on that open before `endMs` (UTC), and where the next one opens. */
function walkTo(
  { timeframe, clock, opens }: Step,
  serverMs: number,
  endMs: number,
): { count: number; serverMs: number } {
  const { lengthMs } = timeframe;
  const firstMs = clock.toUtcMs(serverMs);
  if (firstMs >= endMs) return { count: 0, serverMs };
  const offsetMs = serverMs - firstMs;
  const isSteady = clock.toServerMs(firstMs) === serverMs &&
    clock.toServerMs(endMs) - endMs === offsetMs;
  if (lengthMs !== undefined && isSteady) {
    const count = Math.ceil((endMs - firstMs) / lengthMs);
    for (let k = 0; opens !== undefined && k < count; k++) opens.push(firstMs + k * lengthMs);
    return { count, serverMs: serverMs + count * lengthMs };
  }
  let count = 0;
  for (let utcMs = firstMs; utcMs < endMs;) {
    serverMs = closeOf(timeframe, serverMs);
    const closeMs = clock.toUtcMs(serverMs);
    if (closeMs > utcMs) {
      count++;
      opens?.push(utcMs);
    }
    utcMs = closeMs;
  }
  return { count, serverMs };
}
