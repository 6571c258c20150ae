import assert from "node:assert/strict";
import { inspectBaseDir } from "../../../workers/health/base_dir.ts";
import { judgeCycles, measureDisk, readCycles } from "../../../workers/health/folder.ts";
import { formatUptime } from "../../../workers/health/report.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const limits = { diskFreeGb: 0, diskUsedPercent: 100 };

Deno.test("the disk is degraded when either limit is reached", async () => {
  await using folder = await tempFolder();
  assert.equal((await measureDisk(folder.path, limits))?.status, "healthy");
  const wantsMore = { ...limits, diskFreeGb: 1_000_000 };
  assert.equal((await measureDisk(folder.path, wantsMore))?.status, "degraded");
  assert.equal(
    (await measureDisk(folder.path, { ...limits, diskUsedPercent: 0 }))?.status,
    "degraded",
  );
  assert.equal(await measureDisk(`${folder.path}/nothing`, limits), undefined);
});

Deno.test("cycles are healthy from 95 % on, and critical only when all failed", () => {
  const of = (succeeded: number, partial: number, failed: number) =>
    judgeCycles([
      ...Array(succeeded).fill("SUCCESS"),
      ...Array(partial).fill("PARTIAL"),
      ...Array(failed).fill("FAILED"),
    ])?.status;
  assert.equal(of(95, 0, 5), "healthy");
  assert.equal(of(94, 6, 0), "degraded");
  assert.equal(of(1, 0, 99), "degraded");
  assert.equal(of(0, 1, 99), "degraded");
  assert.equal(of(0, 0, 3), "critical");
  assert.equal(of(0, 0, 0), undefined);
});

Deno.test("only the newest hundred cycles are judged and all are counted", async () => {
  await using folder = await tempFolder();
  const logs = `${folder.path}/metadata/ingestion_logs`;
  await Deno.mkdir(logs, { recursive: true });
  for (let i = 0; i < 110; i++) {
    const name = `2025-12-22T09${String(i).padStart(4, "0")}Z_EURUSD_1H.json`;
    const status = i < 10 ? "FAILED" : "SUCCESS";
    await Deno.writeTextFile(`${logs}/${name}`, JSON.stringify({ status }));
  }
  await Deno.writeTextFile(`${logs}/2025-12-23T000000Z_torn.json`, '{"stat');
  const cycles = await readCycles(folder.path);
  assert.equal(cycles.total, 111);
  assert.equal(cycles.report?.value, 0.99);
});

Deno.test("sealed days and cycles of bars are judged together by when they were written", async () => {
  await using folder = await tempFolder();
  const logs = `${folder.path}/metadata/ingestion_logs`;
  await Deno.mkdir(logs, { recursive: true });
  const write = (name: string, status: string, written_at: string) =>
    Deno.writeTextFile(`${logs}/${name}.json`, JSON.stringify({ status, written_at }));
  for (let i = 0; i < 100; i++) {
    const minute = String(i % 60).padStart(2, "0"), hour = i < 60 ? "09" : "10";
    const at = `2025-12-22T${hour}:${minute}:00.000Z`;
    await write(`2025-12-22T${hour}${minute}00Z_EURUSD_1H`, "SUCCESS", at);
  }
  for (let i = 0; i < 40; i++) {
    await write(`2025-12-22T000000Z_SYM${i}_TICK`, "PARTIAL", "2025-12-23T00:00:05.000Z");
    await write(`2025-12-20T000000Z_SYM${i}_TICK__1`, "FAILED", "2025-12-21T00:00:05.000Z");
  }
  const cycles = await readCycles(folder.path);
  assert.equal(cycles.total, 180);
  assert.deepEqual([cycles.report?.value, cycles.report?.status], [0.6, "degraded"]);
});

Deno.test("a data folder tells the age of its newest tick file", async () => {
  await using folder = await tempFolder();
  const options = { ...limits, kind: "simulated" } as const;
  const bare = await inspectBaseDir(folder.path, options);
  assert.equal(bare.components.tick_collection?.status, "unknown");
  for (const symbol of ["EURUSD", "GBPUSD"]) {
    await Deno.mkdir(`${folder.path}/ticks/fx/${symbol}`, { recursive: true });
    for (const day of ["2025-12-21.csv", "2025-12-22.csv.open", ".writer.lock"]) {
      await Deno.writeTextFile(`${folder.path}/ticks/fx/${symbol}/${day}`, "");
    }
  }
  const levelAt = async (ageSeconds: number) => {
    const written = Date.now() / 1000 - ageSeconds;
    for (const symbol of ["EURUSD", "GBPUSD"]) {
      await Deno.utime(`${folder.path}/ticks/fx/${symbol}/2025-12-22.csv.open`, written, written);
    }
    const report = await inspectBaseDir(folder.path, options);
    assert.equal(report.metrics.symbols_tracked, 2);
    return report.components.tick_collection?.status;
  };
  assert.equal(await levelAt(0), "healthy");
  assert.equal(await levelAt(90), "degraded");
  assert.equal(await levelAt(400), "critical");
});

Deno.test("a data folder that is missing is critical", async () => {
  await using folder = await tempFolder();
  const report = await inspectBaseDir(`${folder.path}/gone`, { ...limits, kind: "raw" });
  assert.equal(report.overall_status, "critical");
  assert.deepEqual(Object.keys(report.components), ["filesystem"]);
});

Deno.test("an uptime reads in its two or three largest units", () => {
  assert.equal(formatUptime(6_999), "6s");
  assert.equal(formatUptime(245_000), "4m 5s");
  assert.equal(formatUptime(5_400_000), "1h 30m");
  assert.equal(formatUptime(93_780_000), "1d 2h 3m");
});
