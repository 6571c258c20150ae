import { lastIdOf, runAfter } from "../../lib/log/segments.ts";
import type { Segment } from "../../lib/log/tick_log.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { compareIds, nextId, type TickId } from "../../lib/market/tick_id.ts";

/** Parts of segments. A part shares the bytes of its whole. */

/** What of the segment lies strictly after `id`; undefined when nothing does. */
export function partAfter(segment: Segment, id: TickId): Segment | undefined {
  const run = runAfter(segment, id);
  return run && { ...run, symbol: segment.symbol };
}

/** What of the segment lies at or before `id`; undefined when nothing does. */
export function partUpTo(segment: Segment, id: TickId): Segment | undefined {
  if (compareIds(segment.lastId, id) <= 0) return segment;
  if (compareIds(segment.firstId, id) > 0) return undefined;
  let at = segment.firstId, count = 1;
  for (;;) {
    const following = nextId(at, segment.ticks.utcMs(count));
    if (compareIds(following, id) > 0) break;
    at = following;
    count++;
  }
  return { ...segment, lastId: at, ticks: segment.ticks.slice(0, count) };
}

/** The newest tick alone, in bytes of its own so that it keeps no larger buffer alive. */
export function newestOf(segment: Segment): Segment {
  return { ...segment, firstId: segment.lastId, ticks: lastTick(segment.ticks) };
}

export function countOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.ticks.count, 0);
}

function lastTick(ticks: Ticks): Ticks {
  return new Ticks(ticks.slice(ticks.count - 1).bytes.slice());
}

/** The segment in parts of at most `size` ticks. */
export function* partsOf(segment: Segment, size: number): Generator<Segment> {
  const { symbol, ticks } = segment;
  let { firstId } = segment;
  for (let from = 0; from < ticks.count; from += size) {
    const to = Math.min(ticks.count, from + size), part = ticks.slice(from, to);
    const lastId = lastIdOf(firstId, part);
    yield { symbol, firstId, lastId, ticks: part };
    if (to < ticks.count) firstId = nextId(lastId, ticks.utcMs(to));
  }
}
