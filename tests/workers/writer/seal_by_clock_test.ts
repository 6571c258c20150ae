import assert from "node:assert/strict";
import { readManifest } from "../../../lib/capture/manifest.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { DAY_MS, FilledLog, MORNING_MS, openPath, rowsIn, ticksFrom, Writing } from "./writing.ts";

Deno.test("the day of a quiet symbol is sealed by the feed's watermark alone, and not before", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await filled.append("GBPUSD", ticksFrom(MORNING_MS, 10));
  const nextDayMs = MORNING_MS + DAY_MS - 8 * 3_600_000;
  await filled.mark("EURUSD", nextDayMs - 1);
  await filled.mark("GBPUSD", nextDayMs);
  await using log = await filled.reader();
  await using _writing = await Writing.start(log, dataDir);
  const gbp = "2025-12-22T000000Z_GBPUSD_TICK", eur = "2025-12-22T000000Z_EURUSD_TICK";
  await until(async () => await readManifest(dataDir, gbp) !== undefined);
  assert.equal((await readManifest(dataDir, gbp))?.watermark_utc, "2025-12-23T00:00:00.000Z");
  await filled.append("EURUSD", ticksFrom(nextDayMs - 1000, 10));
  await until(async () => await rowsIn(openPath(dataDir)) === 20);
  assert.equal(await readManifest(dataDir, eur), undefined);
  await filled.mark("EURUSD", nextDayMs);
  await until(async () => (await readManifest(dataDir, eur))?.rows === 20);
});

Deno.test("a late tick after its day was sealed stands in the next day's file with its own time", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using filled = await FilledLog.open(`${folder.path}/log`);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await filled.mark("EURUSD", MORNING_MS + DAY_MS);
  await filled.append("EURUSD", ticksFrom(MORNING_MS + 5000, 5));
  await filled.mark("EURUSD", MORNING_MS + DAY_MS, true);
  await using log = await filled.reader();
  await using writing = await Writing.start(log, dataDir, { once: true });
  await writing.done;
  const days = ["2025-12-22", "2025-12-23"].map((day) =>
    readManifest(dataDir, `${day}T000000Z_EURUSD_TICK`)
  );
  const manifests = await Promise.all(days);
  assert.deepEqual(manifests.map((manifest) => [manifest?.rows, manifest?.late_ticks]), [
    [10, 0],
    [5, 5],
  ]);
});
