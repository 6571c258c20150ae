import assert from "node:assert/strict";
import { recordCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import type { BarFile } from "../../../../lib/capture/bars/bar_file.ts";
import { storeBars } from "../../../../lib/capture/bars/bar_store.ts";
import { compareParquet } from "../../../../lib/capture/parquet/compare.ts";
import { copyBarFile } from "../../../../lib/capture/parquet/copy.ts";
import { BarProofs } from "../../../../lib/capture/parquet/proof.ts";
import { readKeyValues } from "../../../../lib/capture/parquet/table_file.ts";
import type { Bar } from "../../../../lib/market/bar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

const DAY_MS = Date.UTC(2025, 11, 22), HOUR_MS = 3_600_000;
const CSV = "ohlcv/fx/EURUSD/1H/2025-12-22.csv";
const NEWER = "ohlcv/fx/EURUSD/1H/2025-12-22__1.csv";

function hourBars(firstClose: number): Bar[] {
  return Array.from({ length: 24 }, (_, hour) => ({
    utcMs: DAY_MS + hour * HOUR_MS,
    serverMs: DAY_MS + (hour + 2) * HOUR_MS,
    open: 1.1,
    high: 1.3,
    low: 1.05,
    close: hour === 0 ? firstClose : 1.2,
    volume: 100 + hour,
  }));
}

/** Stores a day of hour bars and returns the sealed files it wrote. */
async function store(dataDir: string, firstClose: number): Promise<readonly BarFile[]> {
  const { files } = await storeBars({
    ...{ dataDir, symbol: "EURUSD", market: "fx", timeframe: TIMEFRAMES["1H"] },
    bars: hourBars(firstClose),
    range: { fromMs: DAY_MS, toMs: DAY_MS + 24 * HOUR_MS },
    nowMs: DAY_MS + 48 * HOUR_MS,
  });
  return files;
}

async function record(dataDir: string, files: readonly BarFile[]): Promise<string> {
  const { cycle_id } = await recordCycle(dataDir, {
    ...{ symbol: "EURUSD", symbol_raw: "EURUSD", timeframe: "1H", source: "SIMULATED" },
    ...{ feed: null, account_id: null, broker_utc_offset_hours: 2, timestamps_normalized: true },
    ingestion_time_utc: new Date(DAY_MS + 48 * HOUR_MS).toISOString(),
    range_from_utc: new Date(DAY_MS).toISOString(),
    range_to_utc: new Date(DAY_MS + 24 * HOUR_MS).toISOString(),
    ...{ bars_expected: 24, bars_received: 24, bars_removed: 0, status: "SUCCESS", error: null },
    ...{ files: [...files], files_unchanged: 0, gaps: [] },
  });
  return cycle_id;
}

Deno.test("a sealed bar file has a copy that gives it back byte for byte", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  const cycle = await record(dataDir, await store(dataDir, 1.2));
  const copied = await copyBarFile(dataDir, CSV);
  assert.deepEqual([copied.path, copied.rows], [`parquet/${CSV.replace(".csv", ".parquet")}`, 24]);
  assert.deepEqual(await compareParquet(dataDir, CSV), []);
  const said = await readKeyValues(`${dataDir}/${copied.path}`);
  assert.equal(said.get("arbitrex.cycle_id"), cycle);
  assert.equal(said.get("arbitrex.timeframe"), "1H");
  assert.equal(said.get("arbitrex.sorted_by"), "timestamp_utc");
});

Deno.test("a bar file that no record names yet gets no copy", async () => {
  await using folder = await tempFolder();
  await store(folder.path, 1.2);
  await assert.rejects(copyBarFile(folder.path, CSV), /no record that names it/);
});

Deno.test("the copy of a newer version takes the place of the older one's", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await record(dataDir, await store(dataDir, 1.2));
  await copyBarFile(dataDir, CSV);
  await record(dataDir, await store(dataDir, 1.25));
  await copyBarFile(dataDir, NEWER);
  assert.deepEqual(await compareParquet(dataDir, NEWER), []);
  const copies = [...Deno.readDirSync(`${dataDir}/parquet/ohlcv/fx/EURUSD/1H`)]
    .map(({ name }) => name).filter((name) => name.endsWith(".parquet"));
  assert.deepEqual(copies, ["2025-12-22__1.parquet"]);
});

Deno.test("a copy of another version is found by its bars and its words", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await record(dataDir, await store(dataDir, 1.2));
  const { path } = await copyBarFile(dataDir, CSV);
  const older = await Deno.readFile(`${dataDir}/${path}`);
  await record(dataDir, await store(dataDir, 1.25));
  const newer = await copyBarFile(dataDir, NEWER);
  await Deno.writeFile(`${dataDir}/${newer.path}`, older);
  const found = (await compareParquet(dataDir, NEWER)).join("\n");
  assert.match(found, /line 2 is .*,1\.25,100 in the CSV file and .*,1\.2,100 in the copy/);
  assert.match(found, /arbitrex\.cycle_id/);
  assert.match(found, /arbitrex\.csv_sha256/);
});

Deno.test("the newest version is copied without a look at older records", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  const older = await record(dataDir, await store(dataDir, 1.2));
  await record(dataDir, await store(dataDir, 1.25));
  await Deno.writeTextFile(`${dataDir}/metadata/ingestion_logs/${older}.json`, "torn");
  const proofs = new BarProofs(dataDir);
  await copyBarFile(dataDir, NEWER, { proofs });
  assert.deepEqual(await compareParquet(dataDir, NEWER, { proofs }), []);
  await assert.rejects(proofs.of(CSV), /2025-12-22\.csv as sealed: .*no record that names it/);
});

Deno.test("proofs that were asked before find what was recorded since", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder, proofs = new BarProofs(dataDir);
  await assert.rejects(proofs.of(CSV), /no record that names it/);
  const cycle = await record(dataDir, await store(dataDir, 1.2));
  assert.equal((await proofs.of(CSV)).cycleId, cycle);
  await record(dataDir, await store(dataDir, 1.25));
  const both = await Promise.all([CSV, NEWER].map((path) => proofs.of(path)));
  assert.deepEqual(both.map(({ rows }) => rows), [24, 24]);
});
