import type { BarRequest, SourceBar } from "../../lib/bridge/feed.ts";
import type { Ticks } from "../../lib/market/tick.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  H: 3_600_000,
  d: 86_400_000,
  D: 86_400_000,
};

/**
 * Bars of the bid out of ticks, on the grid of the server's clock, as a terminal would show them: only
 * finished ones, none where no tick was.
 * @throws RangeError for a timeframe that is no number of minutes, hours or days.
 */
export async function barsOfTicks(
  request: BarRequest,
  { ticks, presentServerMs }: {
    ticks: Iterable<Ticks> | AsyncIterable<Ticks>;
    presentServerMs: number;
  },
): Promise<SourceBar[]> {
  const lengthMs = timeframeMs(request.timeframe);
  const bars: Bar[] = [];
  let bar: Bar | undefined;
  for await (const block of ticks) {
    for (let index = 0; index < block.count; index++) {
      const openServerMs = Math.floor(block.serverMs(index) / lengthMs) * lengthMs;
      const bid = block.bid(index);
      if (bar?.openServerMs !== openServerMs) {
        bar = { openServerMs, open: bid, high: bid, low: bid, close: bid, tickVolume: 0 };
        bars.push(bar);
      }
      bar.high = Math.max(bar.high, bid);
      bar.low = Math.min(bar.low, bid);
      bar.close = bid;
      bar.tickVolume++;
    }
  }
  return bars.filter(({ openServerMs }) =>
    openServerMs >= request.fromServerMs && openServerMs < request.toServerMs &&
    openServerMs + lengthMs <= presentServerMs
  );
}

type Bar = { -readonly [K in keyof SourceBar]: SourceBar[K] };

/** Where bars of a range begin and end: whole bars are made of whole ticks. */
export function barRange(request: BarRequest): { fromServerMs: number; toServerMs: number } {
  const lengthMs = timeframeMs(request.timeframe);
  return {
    fromServerMs: Math.ceil(request.fromServerMs / lengthMs) * lengthMs,
    toServerMs: Math.ceil(request.toServerMs / lengthMs) * lengthMs,
  };
}

function timeframeMs(timeframe: string): number {
  const match = /^(\d{1,4})(m|h|H|d|D|MIN)$/.exec(timeframe);
  const unitMs = UNIT_MS[match?.[2] === "MIN" ? "m" : match?.[2] ?? ""];
  const count = Number(match?.[1]);
  if (unitMs === undefined || !(count > 0)) {
    throw new RangeError(
      `Cannot build bars from ticks as minutes, hours or days: current timeframe is ${timeframe}`,
    );
  }
  return count * unitMs;
}
