import type { BarRequest, ServerZone, SourceBar } from "../../lib/bridge/feed.ts";
import { barRange, barsOfTicks, knownTimeframe } from "../../lib/market/bars_of_ticks.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import { nextTurn } from "../../lib/program/pause.ts";
import { toServerMs, toUtcMs } from "../../lib/time/server_zone.ts";
import { hourBars } from "./hour_bars.ts";
import type { SimulatedMarket } from "./simulated_market.ts";
import { TickBlock } from "./tick_block.ts";

export interface MarketBarLimits {
  readonly symbolIndex: number;
  readonly clock: ServerZone;
  readonly presentUtcMs: number;
  /** Where the history of ticks begins, and that of bars of an hour and longer. */
  readonly ticksFromUtcMs: number;
  readonly hoursFromUtcMs: number;
}

const HOUR_MS = 3_600_000;
/** About a ms of work: between two turns the ticks of others go out. */
const TICKS_PER_TURN = 10_000, SECONDS_PER_TURN = 10_000;

/** Bars under an hour are exactly those of the market's ticks; the others see `hour_bars.ts`. */
export async function marketBars(
  market: SimulatedMarket,
  request: BarRequest,
  { symbolIndex, clock, presentUtcMs, ticksFromUtcMs, hoursFromUtcMs }: MarketBarLimits,
): Promise<SourceBar[]> {
  const timeframe = knownTimeframe(request.timeframe), { fromServerMs, toServerMs: to } = request;
  const presentServerMs = toServerMs(presentUtcMs, clock);
  if (timeframe.lengthMs === undefined || timeframe.lengthMs >= HOUR_MS) {
    return await hourBars(market, {
      ...{ symbolIndex, timeframe, clock, presentServerMs, toServerMs: to },
      fromServerMs: Math.max(fromServerMs, toServerMs(hoursFromUtcMs, clock)),
    });
  }
  // A bar whose first ticks are beyond the history would be another one at each asking.
  const firstServerMs = Math.max(fromServerMs, toServerMs(ticksFromUtcMs, clock));
  const whole = { ...request, fromServerMs: firstServerMs };
  const range = barRange(whole);
  const fromMs = Math.max(toUtcMs(range.fromServerMs, clock), ticksFromUtcMs);
  const toMs = Math.min(toUtcMs(range.toServerMs, clock), presentUtcMs);
  const ticks = ticksOf(market, { symbolIndex, fromMs, toMs });
  return await barsOfTicks(whole, { presentServerMs, ticks });
}

async function* ticksOf(
  market: SimulatedMarket,
  { symbolIndex, fromMs, toMs }: { symbolIndex: number; fromMs: number; toMs: number },
): AsyncGenerator<Ticks> {
  const block = new TickBlock();
  for (let second = Math.floor(fromMs / 1000); second * 1000 < toMs; second++) {
    market.writeSecond(symbolIndex, second, block);
    if (block.count >= TICKS_PER_TURN || second % SECONDS_PER_TURN === 0) {
      yield block.take();
      await nextTurn();
    }
  }
  yield block.take();
}
