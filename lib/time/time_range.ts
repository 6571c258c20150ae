/** A stretch of time in UTC ms, `[fromMs, toMs)`. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The same times, with what touches or overlaps joined, oldest first. */
export function union(ranges: readonly TimeRange[]): TimeRange[] {
  const joined: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of ranges.toSorted(byBeginning)) {
    const last = joined.at(-1);
    if (last === undefined || fromMs > last.toMs) joined.push({ fromMs, toMs });
    else last.toMs = Math.max(last.toMs, toMs);
  }
  return joined;
}

/** What of the ranges lies in none of the others, range by range in their order. */
export function subtract(
  ranges: readonly TimeRange[],
  others: readonly TimeRange[],
): TimeRange[] {
  const holes = others.toSorted(byBeginning);
  return ranges.flatMap((range) => {
    const rest: TimeRange[] = [];
    let { fromMs } = range;
    for (const hole of holes) {
      if (hole.fromMs >= range.toMs) break;
      if (hole.fromMs > fromMs) rest.push({ fromMs, toMs: hole.fromMs });
      fromMs = Math.max(fromMs, hole.toMs);
    }
    if (fromMs < range.toMs) rest.push({ fromMs, toMs: range.toMs });
    return rest;
  });
}

function byBeginning(a: TimeRange, b: TimeRange): number {
  return a.fromMs - b.fromMs;
}
