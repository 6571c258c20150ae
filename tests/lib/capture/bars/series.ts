import assert from "node:assert/strict";
import {
  type BarCycle,
  type BarCycleFacts,
  recordCycle,
} from "../../../../lib/capture/bars/bar_cycle.ts";
import { readBars } from "../../../../lib/capture/bars/bar_files.ts";
import { storeBars, type StoredBars } from "../../../../lib/capture/bars/bar_store.ts";
import type { Bar } from "../../../../lib/market/bar.ts";
import { type Timeframe, TIMEFRAMES } from "../../../../lib/market/timeframe.ts";

/** A series of EURUSD in a folder of a test. */

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
export const MONDAY_MS = Date.UTC(2025, 11, 22);
export const FOLDER = "ohlcv/fx/EURUSD/1H";

/** The server is two hours ahead of UTC. */
const OFFSET_MS = 2 * HOUR_MS;

export function barAt(utcMs: number, others: Partial<Bar> = {}): Bar {
  const bar = { open: 1.1, high: 1.3, low: 1, close: 1.2, volume: 7 };
  return { utcMs, serverMs: utcMs + OFFSET_MS, ...bar, ...others };
}

/** One bar an hour, `[fromHour, toHour)` from Monday on. */
export function hours(fromHour: number, toHour: number, others: Partial<Bar> = {}): Bar[] {
  return Array.from(
    { length: toHour - fromHour },
    (_, index) => barAt(MONDAY_MS + (fromHour + index) * HOUR_MS, others),
  );
}

export interface Stored {
  readonly bars: readonly Bar[];
  /** From Monday on; what the bars cover when absent. */
  readonly range?: readonly [fromHour: number, toHour: number];
  /** From Monday on; long after everything when absent. */
  readonly nowHour?: number;
  readonly timeframe?: Timeframe;
}

export function store(
  dataDir: string,
  { bars, range, nowHour = 10_000, timeframe = TIMEFRAMES["1H"] }: Stored,
): Promise<StoredBars> {
  const firstMs = bars[0]?.utcMs ?? MONDAY_MS, lastMs = bars.at(-1)?.utcMs ?? MONDAY_MS;
  return storeBars({
    ...{ dataDir, symbol: "EURUSD", market: "fx", timeframe, bars },
    range: range === undefined
      ? { fromMs: firstMs, toMs: lastMs + (timeframe.lengthMs ?? 31 * DAY_MS) }
      : { fromMs: MONDAY_MS + range[0] * HOUR_MS, toMs: MONDAY_MS + range[1] * HOUR_MS },
    nowMs: MONDAY_MS + nowHour * HOUR_MS,
  });
}

export async function read(
  dataDir: string,
  { asOfMs, timeframe = TIMEFRAMES["1H"] }: { asOfMs?: number; timeframe?: Timeframe } = {},
): Promise<Bar[]> {
  const all: Bar[] = [];
  const request = { symbol: "EURUSD", timeframe, fromMs: 0, toMs: MONDAY_MS * 2 };
  const asOf = asOfMs === undefined ? {} : { asOfMs };
  for await (const batch of readBars(dataDir, { ...request, ...asOf })) all.push(...batch);
  return all;
}

export function record(
  dataDir: string,
  { files, unchanged }: StoredBars,
  others: Partial<BarCycleFacts> = {},
): Promise<BarCycle> {
  return recordCycle(dataDir, {
    symbol: "EURUSD",
    symbol_raw: "EURUSD.r",
    timeframe: "1H",
    source: "MT5",
    feed: "mt5:Demo:EURUSD.r",
    account_id: null,
    broker_utc_offset_hours: 2,
    timestamps_normalized: true,
    ingestion_time_utc: "2025-12-30T09:45:32.123Z",
    range_from_utc: "2025-12-22T00:00:00.000Z",
    range_to_utc: "2025-12-24T00:00:00.000Z",
    bars_expected: 48,
    bars_received: 48,
    bars_removed: 0,
    status: "SUCCESS",
    error: null,
    files: [...files],
    files_unchanged: unchanged,
    gaps: [],
    ...others,
  });
}

/** Name → text of the bar files; nothing else but the lock may be left in the folder. */
export function filesIn(dataDir: string, folder = FOLDER): Record<string, string> {
  const found: [string, string][] = [];
  for (const { name } of Deno.readDirSync(`${dataDir}/${folder}`)) {
    if (["bars.lock", "bars.owner.json", "unrecorded.json"].includes(name)) continue;
    assert.match(name, /\.csv(\.open)?$/);
    found.push([name, Deno.readTextFileSync(`${dataDir}/${folder}/${name}`)]);
  }
  return Object.fromEntries(found.sort(([a], [b]) => a < b ? -1 : 1));
}
