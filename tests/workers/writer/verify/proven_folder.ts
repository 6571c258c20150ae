import { copyBarFile, copyTickFile } from "../../../../lib/capture/parquet/copy.ts";
import { addTicks } from "../../../../lib/capture/additions/add_ticks.ts";
import { type BarCycleFacts, recordCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import { storeBars } from "../../../../lib/capture/bars/bar_store.ts";
import { dayOf } from "../../../../lib/capture/day_path.ts";
import type { Bar } from "../../../../lib/market/bar.ts";
import { Ticks } from "../../../../lib/market/tick.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { until } from "../../../support/until.ts";
import { auditId, NO_COUNTS, writeAudit } from "../../../../workers/writer/audit/audit_record.ts";
import { filesBelow } from "../../../../workers/writer/data_files.ts";
import { DAY_MS, feedOf, FilledLog, MORNING_MS, Writing } from "../writing.ts";

const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS;
/** Monday, 2025-12-22. */
const MONDAY_MS = MORNING_MS - 8 * HOUR_MS;

/** The names that damages are done to. */
export const TICK_FOLDER = "ticks/fx/EURUSD";
export const MONDAY = `${TICK_FOLDER}/2025-12-22.csv`;
export const TUESDAY = `${TICK_FOLDER}/2025-12-23.csv`;
export const MONDAY_ADDED = `${TICK_FOLDER}/2025-12-22__1.csv`;
export const LOGS = "metadata/ingestion_logs";
export const MONDAY_MANIFEST = `${LOGS}/2025-12-22T000000Z_EURUSD_TICK.json`;
export const TUESDAY_MANIFEST = `${LOGS}/2025-12-23T000000Z_EURUSD_TICK.json`;
export const LAST_MANIFEST = `${LOGS}/2025-12-22T000000Z_EURUSD_TICK__1.json`;
export const AUDIT = `${LOGS}/2025-12-22T000000Z_EURUSD_TICK_AUDIT.json`;
export const HEAD = "metadata/chains/EURUSD_TICK.json";
export const BAR_FOLDER = "ohlcv/fx/EURUSD/1H";
export const MONDAY_BARS = `${BAR_FOLDER}/2025-12-22.csv`;
export const MONDAY_BARS_AGAIN = `${BAR_FOLDER}/2025-12-22__1.csv`;
export const TUESDAY_BARS = `${BAR_FOLDER}/2025-12-23.csv`;
export const SECOND_CYCLE = `${LOGS}/2025-12-24T130000Z_EURUSD_1H.json`;

/**
 * A data folder as the programs themselves write it: three sealed days of two symbols (the third of
 * them an open one), a part that an audit added, a chain of bars whose Monday was told differently
 * afterwards, and Parquet copies.
 */
export async function writeProvenFolder(dataDir: string): Promise<void> {
  await using filled = await FilledLog.open(dataDir);
  for (const symbol of ["EURUSD", "GBPUSD"]) {
    for (let day = 0; day < 3; day++) {
      const fromMs = day === 0 ? MORNING_MS : MONDAY_MS + day * DAY_MS;
      await filled.append(symbol, everyHalfHour(fromMs, MONDAY_MS + (day + 1) * DAY_MS));
    }
    await filled.mark(symbol, MONDAY_MS + 2 * DAY_MS + HOUR_MS);
  }
  {
    await using log = await filled.reader();
    await using writing = await Writing.start(log, dataDir);
    await sealedTwice(dataDir);
    await writing.stop();
    await addAgain(dataDir);
  }
  await writeMondayAudit(dataDir);
  await ingest(dataDir, { cycle: "2025-12-24T120000", volume: 7, days: 2 });
  await ingest(dataDir, { cycle: "2025-12-24T130000", volume: 8, days: 1 });
  for (const path of [MONDAY, MONDAY_ADDED]) await copyTickFile(dataDir, path);
  await copyBarFile(dataDir, TUESDAY_BARS);
}

/** Adds what an audit found of Monday; a second time there is nothing to add. */
export async function addAgain(dataDir: string): Promise<void> {
  const ticks = everyHalfHour(MORNING_MS + 7 * MINUTE_MS, MORNING_MS + 2 * HOUR_MS);
  const feed = feedOf("EURUSD"), nowMs = MONDAY_MS + 10 * DAY_MS, day = dayOf(MONDAY_MS);
  await addTicks(dataDir, {
    ...{ symbol: "EURUSD", market: "fx", day, ticks, origin: "audit", feed, nowMs },
  });
}

/** What the audit says of it. */
async function writeMondayAudit(dataDir: string): Promise<void> {
  const manifest = JSON.parse(await Deno.readTextFile(`${dataDir}/${LAST_MANIFEST}`));
  const first = JSON.parse(await Deno.readTextFile(`${dataDir}/${MONDAY_MANIFEST}`));
  const { rows, sha256 } = manifest, day = dayOf(MONDAY_MS);
  await writeAudit(dataDir, {
    ...NO_COUNTS,
    audit_id: auditId("EURUSD", day),
    symbol: "EURUSD",
    day: "2025-12-22",
    feed: feedOf("EURUSD"),
    outcome: "compared",
    reason: null,
    status: "SUCCESS",
    audited_at: "2025-12-24T00:00:00.000Z",
    readings: 1,
    vendor_ticks: first.rows + rows,
    held_ticks: first.rows,
    captured: first.rows,
    added_later: rows,
    unwritten: 0,
    written: { path: MONDAY_ADDED, rows, sha256 },
    examples: { missed: [], added_later: [], removed: [], rewritten: [] },
    files: [{ path: MONDAY, sha256: first.sha256 }],
    earlier: [],
  }, day);
}

async function sealedTwice(dataDir: string): Promise<void> {
  await until(async () => {
    const paths = await Array.fromAsync(filesBelow(dataDir, "ticks"));
    return paths.filter((path) => path.endsWith(".csv")).length === 4 &&
      paths.filter((path) => path.endsWith(".open")).length === 2;
  });
}

function everyHalfHour(fromMs: number, toMs: number): Ticks {
  const count = Math.ceil((toMs - fromMs) / (30 * MINUTE_MS)), ticks = Ticks.ofLength(count);
  for (let index = 0; index < count; index++) {
    const utcMs = fromMs + index * 30 * MINUTE_MS, bid = 1.1 + index / 1000;
    const serverMs = utcMs + 2 * HOUR_MS;
    ticks.set(index, { serverMs, bid, ask: bid + 0.0002, last: NaN, volume: NaN, flags: 6 });
    ticks.setUtcMs(index, utcMs);
  }
  return ticks;
}

/** One cycle of hourly bars from Monday on, without Monday's sixth, which it names as a gap. */
async function ingest(
  dataDir: string,
  { cycle, volume, days }: { cycle: string; volume: number; days: number },
): Promise<void> {
  const range = { fromMs: MONDAY_MS, toMs: MONDAY_MS + days * DAY_MS };
  const bars: Bar[] = [];
  for (let utcMs = range.fromMs; utcMs < range.toMs; utcMs += HOUR_MS) {
    if (utcMs === MONDAY_MS + 5 * HOUR_MS) continue;
    const prices = { open: 1.1, high: 1.3, low: 1, close: 1.2, volume };
    bars.push({ utcMs, serverMs: utcMs + 2 * HOUR_MS, ...prices });
  }
  const timeframe = TIMEFRAMES["1H"], symbol = "EURUSD", market = "fx";
  const nowMs = MONDAY_MS + 10 * DAY_MS;
  const stored = await storeBars({ dataDir, symbol, market, timeframe, bars, range, nowMs });
  const facts: BarCycleFacts = {
    symbol,
    symbol_raw: "EURUSD",
    timeframe: "1H",
    source: "SIMULATED",
    feed: feedOf(symbol),
    account_id: null,
    broker_utc_offset_hours: 2,
    timestamps_normalized: true,
    ingestion_time_utc: `${cycle.slice(0, 13)}:${cycle.slice(13, 15)}:${cycle.slice(15)}.000Z`,
    range_from_utc: new Date(range.fromMs).toISOString(),
    range_to_utc: new Date(range.toMs).toISOString(),
    bars_expected: bars.length + 1,
    bars_received: bars.length,
    bars_removed: stored.removed,
    status: "PARTIAL",
    error: null,
    files: [...stored.files],
    files_unchanged: stored.unchanged,
    gaps: [{
      from_utc: new Date(MONDAY_MS + 5 * HOUR_MS).toISOString(),
      to_utc: new Date(MONDAY_MS + 6 * HOUR_MS).toISOString(),
      reason: "the vendor gave none",
      bars: 1,
    }],
  };
  await recordCycle(dataDir, facts);
}

/** A copy that may be damaged. */
export async function copyFolder(from: string, to: string): Promise<void> {
  for await (const path of filesBelow(from)) {
    await Deno.mkdir(`${to}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await Deno.copyFile(`${from}/${path}`, `${to}/${path}`);
  }
}
