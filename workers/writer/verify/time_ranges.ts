/** UTC ms, `[fromMs, toMs)`. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What of the ranges lies in none of the others. */
export function subtract(
  ranges: readonly TimeRange[],
  others: readonly TimeRange[],
): TimeRange[] {
  let left = [...ranges];
  for (const { fromMs, toMs } of others) {
    left = left.flatMap((range) => {
      if (toMs <= range.fromMs || fromMs >= range.toMs) return [range];
      return [
        { fromMs: range.fromMs, toMs: Math.min(range.toMs, fromMs) },
        { fromMs: Math.max(range.fromMs, toMs), toMs: range.toMs },
      ].filter((rest) => rest.fromMs < rest.toMs);
    });
  }
  return left;
}

/** The same times with what touches or overlaps joined, oldest first. */
export function union(ranges: readonly TimeRange[]): TimeRange[] {
  const joined: TimeRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last === undefined || range.fromMs > last.toMs) joined.push(range);
    else joined[joined.length - 1] = { ...last, toMs: Math.max(last.toMs, range.toMs) };
  }
  return joined;
}

/** `2025-12-22 08:00 to 2025-12-22 11:30`. */
export function rangeText({ fromMs, toMs }: TimeRange): string {
  return `${timeText(fromMs)} to ${timeText(toMs)}`;
}

export function timeText(utcMs: number): string {
  return new Date(utcMs).toISOString().slice(0, 16).replace("T", " ");
}

export function lengthText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1).replace(/\.0$/, "")} h`;
}
