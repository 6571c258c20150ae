import type { SourceBar } from "../bridge/feed.ts";
import { closeOf, openOf, type Timeframe } from "./timeframe.ts";

const DAY_MS = 86_400_000;

/** Whether a bar of this timeframe is a whole number of bars of the other, on every grid. */
export function isMadeOf(timeframe: Timeframe, finer: Timeframe): boolean {
  if (timeframe.label === finer.label || finer.lengthMs === undefined) return false;
  return timeframe.lengthMs === undefined
    ? finer.lengthMs <= DAY_MS
    : timeframe.lengthMs % finer.lengthMs === 0;
}

/** Longer bars out of shorter ones that come oldest first; the last one may lack some of its own. */
export function barsOfBars(timeframe: Timeframe, bars: Iterable<SourceBar>): SourceBar[] {
  const longer: MutableBar[] = [];
  let last: MutableBar | undefined, endServerMs = -Infinity;
  for (const bar of bars) {
    if (last === undefined || bar.openServerMs >= endServerMs) {
      const openServerMs = openOf(timeframe, bar.openServerMs);
      endServerMs = closeOf(timeframe, openServerMs);
      last = { ...bar, openServerMs };
      longer.push(last);
      continue;
    }
    if (bar.high > last.high) last.high = bar.high;
    if (bar.low < last.low) last.low = bar.low;
    last.close = bar.close;
    last.tickVolume += bar.tickVolume;
  }
  return longer;
}

type MutableBar = { -readonly [K in keyof SourceBar]: SourceBar[K] };
