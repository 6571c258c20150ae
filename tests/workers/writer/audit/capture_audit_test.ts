import assert from "node:assert/strict";
import { NightlyAudit } from "../../../../workers/writer/audit/nightly.ts";
import { Vendors } from "../../../../workers/writer/audit/vendors.ts";
import { startBridge } from "../../../support/bridge_server.ts";
import { HistorySource } from "../../../support/history_source.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";
import { DAY_MS, FilledLog, MORNING_MS, rowsIn, ticksFrom, Writing } from "../writing.ts";

Deno.test("a writer audits what it has sealed, heals it, tells health, and captures on", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  const nowMs = MORNING_MS + DAY_MS, next = (count: number) => ticksFrom(nowMs, count);
  const source = new HistorySource({
    ...{ name: "simulated:test", clock: { zone: "UTC", shiftMs: 0 }, nowServerMs: nowMs },
  });
  source.offered = [{ symbol: "EURUSD", rawName: "EURUSD", digits: 5 }];
  // The vendor has five more than were captured, and lacks one.
  const vendor = ticksFrom(MORNING_MS, 105);
  source.history = Array.from({ length: 105 }, (_, index) => vendor.get(index)).slice(1);
  await using filled = await FilledLog.open(dataDir);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  await filled.append("EURUSD", next(10));
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir);
  const sealed = `${dataDir}/ticks/fx/EURUSD/2025-12-22`;
  await until(async () => await rowsIn(`${sealed}.csv`) === 100);
  await using bridge = await startBridge(source);
  const { signal } = new AbortController();
  const address = { host: "127.0.0.1", port: bridge.port, token: undefined };
  const failures: unknown[] = [];
  await using _ = new NightlyAudit({
    ...{ dataDir, kind: "raw", auditAt: undefined, log, health: writing.health },
    symbols: () => writing.captures.capturing().map(({ symbol }) => symbol),
    vendors: () =>
      Promise.resolve(new Vendors({ bridge: address, dataDir, brokerTz: undefined, signal })),
    events: { audited: () => {}, auditFailed: (cause) => void failures.push(cause) },
    ...{ nowMs: () => nowMs, lookEveryMs: 5, retryMs: 10 },
  });
  const quality = async () => (await writing.health.describe()).components.data_quality;
  await until(async () =>
    /audit of 2025-12-22: 1 of 1 symbols compared/.test((await quality())?.message ?? "")
  );
  const report = await quality();
  assert.equal(report?.status, "degraded");
  assert.match(report.message, /EURUSD: 5 ticks added; EURUSD: the vendor removed 1 and rewrote 0/);
  assert.deepEqual(failures, []);
  assert.equal(await rowsIn(`${sealed}__1.csv`), 5);
  await filled.append("EURUSD", ticksFrom(nowMs + 1000, 10));
  await until(async () => await rowsIn(`${dataDir}/ticks/fx/EURUSD/2025-12-23.csv.open`) === 20);
});
