import { compareIds, nextId, type TickId } from "../market/tick_id.ts";
import { Ticks } from "../market/tick.ts";
import type { Segment } from "./tick_log.ts";

/** Ticks whose ids are known at both ends; what a store keeps as one piece. */
export interface Run {
  readonly firstId: TickId;
  readonly lastId: TickId;
  readonly ticks: Ticks;
}

const DAY_MS = 86_400_000;

export function startOfUtcDay(utcMs: number): number {
  return Math.floor(utcMs / DAY_MS) * DAY_MS;
}

/**
 * The ids that ticks get after `tail`, cut into runs of at most `maxTicks`, so that a reader never
 * has to take more than that at once.
 */
export function assignIds(
  tail: TickId,
  ticks: Ticks,
  { floorMs, maxTicks }: { floorMs: number; maxTicks: number },
): Run[] {
  const runs: Run[] = [];
  let id = tail;
  for (let from = 0; from < ticks.count; from += maxTicks) {
    const part = ticks.slice(from, Math.min(ticks.count, from + maxTicks));
    const firstId = nextId(id, part.utcMs(0), floorMs);
    id = lastIdOf(firstId, part);
    runs.push({ firstId, lastId: id, ticks: part });
  }
  return runs;
}

/** The id of the last of consecutive ticks that start at `firstId`. */
export function lastIdOf(firstId: TickId, ticks: Ticks): TickId {
  let { ms, n } = firstId;
  for (let index = 1; index < ticks.count; index++) {
    const utcMs = ticks.utcMs(index);
    if (utcMs > ms) {
      ms = utcMs;
      n = 0;
    } else {
      n++;
    }
  }
  return { ms, n };
}

/** What of a run lies strictly after `position`; `undefined` when nothing does. */
export function runAfter(run: Run, position: TickId): Run | undefined {
  if (compareIds(run.firstId, position) > 0) return run;
  if (compareIds(run.lastId, position) <= 0) return undefined;
  let id = run.firstId;
  for (let index = 1; index < run.ticks.count; index++) {
    id = nextId(id, run.ticks.utcMs(index));
    if (compareIds(id, position) > 0) {
      return { firstId: id, lastId: run.lastId, ticks: run.ticks.slice(index) };
    }
  }
  return undefined;
}

/** The newest `count` ticks of a run. */
export function runEnd(run: Run, count: number): Run {
  const from = run.ticks.count - count;
  if (from <= 0) return run;
  const firstId = lastIdOf(run.firstId, run.ticks.slice(0, from + 1));
  return { firstId, lastId: run.lastId, ticks: run.ticks.slice(from) };
}

/** Joins runs that follow each other into as few segments as their ids allow. */
export function segmentsOf(symbol: string, runs: readonly Run[]): Segment[] {
  const segments: Segment[] = [];
  let group: Run[] = [];
  const close = () => {
    const first = group[0], last = group.at(-1);
    if (first === undefined || last === undefined) return;
    const ticks = Ticks.concat(group.map((run) => run.ticks));
    segments.push({ symbol, firstId: first.firstId, lastId: last.lastId, ticks });
    group = [];
  };
  for (const run of runs) {
    const before = group.at(-1);
    if (before && compareIds(nextId(before.lastId, run.ticks.utcMs(0)), run.firstId) !== 0) close();
    group.push(run);
  }
  close();
  return segments;
}

/** The ticks whose server stamp is at least `fromServerMs`, in their order. */
export function ticksSince(fromServerMs: number, parts: readonly Ticks[]): Ticks {
  const kept: Ticks[] = [];
  for (const part of parts) {
    let from = -1;
    for (let index = 0; index <= part.count; index++) {
      const wanted = index < part.count && part.serverMs(index) >= fromServerMs;
      if (wanted && from < 0) from = index;
      if (!wanted && from >= 0) {
        kept.push(part.slice(from, index));
        from = -1;
      }
    }
  }
  // A copy even of a single part, so that nobody holds the bytes of a whole read for a few ticks.
  return new Ticks(Ticks.concat(kept).bytes.slice());
}

/** The greatest server stamp and the UTC ms of the tick that has it. */
export function highOf(ticks: Ticks): { serverMs: number; utcMs: number } {
  let at = 0, serverMs = ticks.serverMs(0);
  for (let index = 1; index < ticks.count; index++) {
    const stamp = ticks.serverMs(index);
    if (stamp > serverMs) {
      serverMs = stamp;
      at = index;
    }
  }
  return { serverMs, utcMs: ticks.utcMs(at) };
}
