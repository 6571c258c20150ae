import type { Segment } from "../../lib/log/tick_log.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { compareIds, nextId, type TickId } from "../../lib/market/tick_id.ts";

/** Parts of segments. A part shares the bytes of its whole. */

/** What of the segment lies strictly after `id`; undefined when nothing does. */
export function partAfter(segment: Segment, id: TickId): Segment | undefined {
  if (compareIds(segment.firstId, id) > 0) return segment;
  if (compareIds(segment.lastId, id) <= 0) return undefined;
  let at = segment.firstId, index = 0;
  while (compareIds(at, id) <= 0) at = nextId(at, segment.ticks.utcMs(++index));
  return { ...segment, firstId: at, ticks: segment.ticks.slice(index) };
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
  const { ticks } = segment;
  if (ticks.count <= size) return yield segment;
  let id = segment.firstId, firstId = id, from = 0;
  for (let index = 1; index <= ticks.count; index++) {
    if (index - from === size || index === ticks.count) {
      yield { ...segment, firstId, lastId: id, ticks: ticks.slice(from, index) };
      from = index;
    }
    if (index === ticks.count) return;
    id = nextId(id, ticks.utcMs(index));
    if (index === from) firstId = id;
  }
}
