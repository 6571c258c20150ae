import type { BarRequest, SourceBar } from "../bridge/feed.ts";
import type { Ticks } from "./tick.ts";
import { closeOf, openOf, parseTimeframe, type Timeframe } from "./timeframe.ts";

/**
 * Bars of the bid out of ticks, on the grid of the server's clock, as a terminal would show them: only
 * finished ones, none where no tick was. Ticks count in the order in which they come; an hour that
 * happens twice on that clock is one bar.
 * @throws RangeError for a timeframe that `timeframe.ts` does not know.
 */
export async function barsOfTicks(
  request: BarRequest,
  { ticks, presentServerMs }: {
    ticks: Iterable<Ticks> | AsyncIterable<Ticks>;
    presentServerMs: number;
  },
): Promise<SourceBar[]> {
  const timeframe = knownTimeframe(request.timeframe);
  const bars = new Map<number, MutableBar>();
  let bar: MutableBar | undefined;
  let fromServerMs = NaN, toServerMs = NaN;
  for await (const block of ticks) {
    for (let index = 0; index < block.count; index++) {
      const serverMs = block.serverMs(index), bid = block.bid(index);
      if (bar === undefined || !(serverMs >= fromServerMs && serverMs < toServerMs)) {
        fromServerMs = openOf(timeframe, serverMs);
        toServerMs = closeOf(timeframe, fromServerMs);
        bar = bars.get(fromServerMs);
        if (bar === undefined) {
          bar = { openServerMs: fromServerMs, ...flat(bid), tickVolume: 0 };
          bars.set(fromServerMs, bar);
        }
      }
      if (bid > bar.high) bar.high = bid;
      if (bid < bar.low) bar.low = bid;
      bar.close = bid;
      bar.tickVolume++;
    }
  }
  return [...bars.values()]
    .filter(({ openServerMs }) =>
      openServerMs >= request.fromServerMs && openServerMs < request.toServerMs &&
      closeOf(timeframe, openServerMs) <= presentServerMs
    )
    .sort((a, b) => a.openServerMs - b.openServerMs);
}

/**
 * Where the bars that open within the request begin and end: whole bars are made of whole ticks.
 * @throws RangeError for a timeframe that `timeframe.ts` does not know.
 */
export function barRange(request: BarRequest): { fromServerMs: number; toServerMs: number } {
  const timeframe = knownTimeframe(request.timeframe);
  return {
    fromServerMs: nextOpenOf(timeframe, request.fromServerMs),
    toServerMs: nextOpenOf(timeframe, request.toServerMs),
  };
}

/** @throws RangeError that names it when it is none. */
export function knownTimeframe(label: string): Timeframe {
  const timeframe = parseTimeframe(label);
  if (timeframe !== undefined) return timeframe;
  throw new RangeError(
    `Cannot make bars of a timeframe such as 1MIN, 4H or 1M: current value is ${label}`,
  );
}

type MutableBar = { -readonly [K in keyof SourceBar]: SourceBar[K] };

function flat(price: number): Pick<SourceBar, "open" | "high" | "low" | "close"> {
  return { open: price, high: price, low: price, close: price };
}

/** The first open at this moment or later. */
function nextOpenOf(timeframe: Timeframe, serverMs: number): number {
  const openServerMs = openOf(timeframe, serverMs);
  return openServerMs === serverMs ? openServerMs : closeOf(timeframe, openServerMs);
}
