import type { Bar } from "../../market/bar.ts";

export interface Merged {
  /** Oldest first. */
  readonly bars: readonly Bar[];
  /** How many that stood there went without a bar of the same open in their place. */
  readonly removed: number;
}

export interface MergeRules {
  /** How close two opens may be; a bar that stands closer to one of the answer lies in its time. */
  readonly shortestMs: number;
  /**
   * The first and the last open of the whole answer, between which it is the truth: what it does not
   * show there goes. Beyond them nothing was said, for a vendor that is still loading leaves out the
   * ends. Absent where nothing may go for being left out.
   */
  readonly truth?: { readonly firstMs: number; readonly lastMs: number };
}

/**
 * What stands in a period and what the vendor answers for it, as one. A new bar wins over one of the
 * same open, and over one that lies in its time.
 */
export function mergeBars(
  standing: readonly Bar[],
  fresh: readonly Bar[],
  { shortestMs, truth = { firstMs: Infinity, lastMs: -Infinity } }: MergeRules,
): Merged {
  if (fresh.length === 0) return { bars: standing, removed: 0 };
  if (standing.length === 0) return { bars: fresh, removed: 0 };
  const bars: Bar[] = [];
  let removed = 0, next = 0;
  for (const bar of standing) {
    for (let add = fresh[next]; add !== undefined && add.utcMs < bar.utcMs; add = fresh[++next]) {
      bars.push(add);
    }
    const beforeMs = fresh[next - 1]?.utcMs ?? -Infinity, afterMs = fresh[next]?.utcMs ?? Infinity;
    if (afterMs === bar.utcMs) continue;
    const isInTheTimeOfOne = bar.utcMs - beforeMs < shortestMs || afterMs - bar.utcMs < shortestMs;
    const isLeftOut = bar.utcMs > truth.firstMs && bar.utcMs < truth.lastMs;
    if (isInTheTimeOfOne || isLeftOut) removed++;
    else bars.push(bar);
  }
  for (const bar of fresh.slice(next)) bars.push(bar);
  return { bars, removed };
}
