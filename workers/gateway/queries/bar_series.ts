import { barsFolder, listBarFiles } from "../../../lib/capture/bars/bar_path.ts";
import { readBars } from "../../../lib/capture/bars/bar_files.ts";
import { marketIn } from "../../../lib/capture/symbol_market.ts";
import type { Bar } from "../../../lib/market/bar.ts";
import { closeOf, type Timeframe } from "../../../lib/market/timeframe.ts";
import type { BarQuery } from "./bar_query.ts";
import { barsOfHistory, presentOf } from "./tick_bars.ts";
import type { History } from "./tick_rows.ts";

const HOUR_MS = 3_600_000;

export interface BarSeries {
  /** Bars that open here or later, UTC ms, are made out of ticks; undefined when none is. */
  readonly ticksFromMs: number | undefined;
  /** Oldest first; after an abort what comes means nothing. */
  bars(signal: AbortSignal): AsyncGenerator<Bar[]>;
}

/**
 * The bars of a query: the vendor's as they were ingested, and after the last of those what the
 * captured ticks give, `tickBarsHours` back from the range's end at most, so that a query is a
 * bounded amount of work. As of an earlier moment there are the vendor's only: files say when they
 * were written, ticks that were added to a day do not.
 */
export async function openSeries(
  history: History,
  query: BarQuery,
  { tickBarsHours }: { tickBarsHours: number },
): Promise<BarSeries> {
  const { symbol, timeframe, fromMs, toMs, asOfMs } = query;
  const request = { symbol, timeframe, fromMs, toMs };
  if (asOfMs !== undefined) {
    const bars = () => readBars(history.dataDir, { ...request, asOfMs });
    return { ticksFromMs: undefined, bars };
  }
  const ingestedMs = await ingestedUntil(history.dataDir, { symbol, timeframe });
  const { newestMs } = await presentOf(history, symbol);
  const endMs = Math.min(toMs, newestMs);
  const ticksFromMs = Math.max(fromMs, ingestedMs, endMs - tickBarsHours * HOUR_MS);
  const fromTicks = ticksFromMs < endMs;
  const untilMs = Math.min(toMs, ingestedMs);
  return {
    ticksFromMs: fromTicks ? ticksFromMs : undefined,
    async *bars(signal) {
      if (fromMs < untilMs) yield* readBars(history.dataDir, { ...request, toMs: untilMs });
      if (!fromTicks) return;
      const made = await barsOfHistory(history, { ...request, fromMs: ticksFromMs, signal });
      if (made.length > 0) yield made;
    },
  };
}

/** Where the newest ingested bar ends, UTC ms; 0 when there is none. */
async function ingestedUntil(
  dataDir: string,
  { symbol, timeframe }: { symbol: string; timeframe: Timeframe },
): Promise<number> {
  const folder = barsFolder(symbol, await marketIn(dataDir, symbol), timeframe.label);
  const files = await listBarFiles(`${dataDir}/${folder}`, timeframe);
  for (const { period } of files.reverse()) {
    let newest: Bar | undefined;
    const range = { fromMs: period.fromMs, toMs: period.toMs };
    for await (const bars of readBars(dataDir, { symbol, timeframe, ...range })) {
      newest = bars.at(-1);
    }
    if (newest !== undefined) return endOf(timeframe, newest);
  }
  return 0;
}

/** Where a bar ends and the next one may open, UTC ms. */
export function endOf(timeframe: Timeframe, { utcMs, serverMs }: Bar): number {
  return utcMs + closeOf(timeframe, serverMs) - serverMs;
}
