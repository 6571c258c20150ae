import type { Bar } from "../../market/bar.ts";

export interface Merged {
  /** Oldest first. */
  readonly bars: readonly Bar[];
  /** How many that stood there the answer no longer shows. */
  readonly removed: number;
}

/**
 * What stands in a period and what the vendor answers for it, as one. A new bar wins over one of the
 * same open. Between the first and the last bar of the whole answer the answer is the truth, so what it
 * does not show there goes; beyond them nothing was said, for a vendor that is still loading leaves
 * out the ends.
 */
export function mergeBars(
  standing: readonly Bar[],
  fresh: readonly Bar[],
  answer: { readonly firstMs: number; readonly lastMs: number },
): Merged {
  if (fresh.length === 0) return { bars: standing, removed: 0 };
  const bars: Bar[] = [];
  let removed = 0, next = 0;
  for (const bar of standing) {
    for (let add = fresh[next]; add !== undefined && add.utcMs < bar.utcMs; add = fresh[++next]) {
      bars.push(add);
    }
    if (fresh[next]?.utcMs === bar.utcMs) continue;
    if (bar.utcMs > answer.firstMs && bar.utcMs < answer.lastMs) removed++;
    else bars.push(bar);
  }
  for (const bar of fresh.slice(next)) bars.push(bar);
  return { bars, removed };
}
