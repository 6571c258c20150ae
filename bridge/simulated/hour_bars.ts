import type { ServerZone, SourceBar } from "../../lib/bridge/feed.ts";
import { barsOfBars } from "../../lib/market/bars_of_bars.ts";
import { closeOf, openOf, type Timeframe } from "../../lib/market/timeframe.ts";
import { nextTurn } from "../../lib/program/pause.ts";
import { toUtcMs } from "../../lib/time/server_zone.ts";
import { mix, share, type SimulatedMarket } from "./simulated_market.ts";

export interface HourBarRange {
  readonly symbolIndex: number;
  /** An hour, or made of whole hours. */
  readonly timeframe: Timeframe;
  /** Bars that open in it. */
  readonly fromServerMs: number;
  readonly toServerMs: number;
  /** Only bars that are over by then. */
  readonly presentServerMs: number;
  readonly clock: ServerZone;
}

const HOUR_MS = 3_600_000;
const SAMPLE_SECONDS = 300;
/** How far an hour's volume is from the market's average. */
const VOLUME_SPREAD = 0.3;
/** Under a ms of work: between two turns the ticks of others go out. */
const HOURS_PER_TURN = 500;

/**
 * The long bars of the invented market. Ticks of ten years cannot be made for one month's bar, so an
 * hour is a function of its own: of the prices at each five minutes and at its end. It lies where its
 * ticks lie, but is not their sum. Longer bars are exactly the sum of their hours.
 */
export async function hourBars(
  market: SimulatedMarket,
  range: HourBarRange,
): Promise<SourceBar[]> {
  const { timeframe, toServerMs, presentServerMs } = range;
  const bars: SourceBar[] = [];
  let openServerMs = openOf(timeframe, range.fromServerMs), hours = 0;
  if (openServerMs < range.fromServerMs) openServerMs = closeOf(timeframe, openServerMs);
  while (openServerMs < toServerMs) {
    const closeServerMs = closeOf(timeframe, openServerMs);
    if (closeServerMs > presentServerMs) break;
    const own: SourceBar[] = [];
    for (let hourMs = openServerMs; hourMs < closeServerMs; hourMs += HOUR_MS) {
      const hour = hourBar(market, range, hourMs);
      if (hour !== undefined) own.push(hour);
      if (++hours % HOURS_PER_TURN === 0) await nextTurn();
    }
    bars.push(...barsOfBars(timeframe, own));
    openServerMs = closeServerMs;
  }
  return bars;
}

/** `undefined` for an hour that the clock skips, or in which the market is closed. */
function hourBar(
  market: SimulatedMarket,
  { symbolIndex, clock }: HourBarRange,
  openServerMs: number,
): SourceBar | undefined {
  // An hour that happens twice is two hours of UTC, one that is skipped is none.
  const from = toUtcMs(openServerMs, clock) / 1000;
  const to = toUtcMs(openServerMs + HOUR_MS, clock) / 1000;
  let open = NaN, high = -Infinity, low = Infinity, close = NaN, seconds = 0;
  for (let at = from; at < to; at += SAMPLE_SECONDS) {
    const bid = market.bidAt(symbolIndex, at);
    if (Number.isNaN(bid)) continue;
    if (seconds === 0) open = bid;
    seconds += SAMPLE_SECONDS;
    high = Math.max(high, bid);
    low = Math.min(low, bid);
    close = bid;
  }
  if (seconds === 0) return undefined;
  const last = market.bidAt(symbolIndex, to - 1);
  if (!Number.isNaN(last)) {
    high = Math.max(high, last);
    low = Math.min(low, last);
    close = last;
  }
  const noise = (share(mix(symbolIndex + 1, from)) - 0.5) * VOLUME_SPREAD;
  const ticks = market.ticksPerSecond(symbolIndex) * seconds * (1 + noise);
  return { openServerMs, open, high, low, close, tickVolume: Math.max(1, Math.round(ticks)) };
}
