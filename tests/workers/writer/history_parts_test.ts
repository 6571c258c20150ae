import assert from "node:assert/strict";
import { addTicks } from "../../../lib/capture/additions/add_ticks.ts";
import { cycleId, dayOf } from "../../../lib/capture/day_path.ts";
import { readManifest } from "../../../lib/capture/manifest.ts";
import { openLogReader } from "../../../lib/log/open_log.ts";
import type { Ticks } from "../../../lib/market/tick.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import {
  DAY_MS,
  feedOf,
  FilledLog,
  MORNING_MS,
  openPath,
  rowsIn,
  ticksFrom,
  Writing,
} from "./writing.ts";

const DAY = dayOf(MORNING_MS);
const pathOf = (dataDir: string, name: string) => `${dataDir}/ticks/fx/EURUSD/${name}`;

/** What a vendor's history brings, long after the day. */
async function addHistory(dataDir: string, ticks: Ticks): Promise<string | undefined> {
  const { file } = await addTicks(dataDir, {
    ...{ symbol: "EURUSD", market: "fx", day: dayOf(ticks.utcMs(0)), ticks, origin: "history" },
    ...{ feed: feedOf("EURUSD"), nowMs: MORNING_MS + 30 * DAY_MS },
  });
  return file;
}

Deno.test("history of later days does not stop a writer whose capture is behind it", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await using filled = await FilledLog.open(path);
  await addHistory(path, ticksFrom(MORNING_MS + 2 * DAY_MS, 10));
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  await using log = await filled.reader();
  await using writing = await Writing.start(log, path);
  await until(async () => await rowsIn(openPath(path)) === 100);
  assert.equal(writing.reasonOf("EURUSD"), "");
});

Deno.test("a writer that starts again goes on from what capture sealed, not from what was added", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await using filled = await FilledLog.open(path);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  await filled.mark("EURUSD", MORNING_MS + DAY_MS);
  await using log = await filled.reader();
  {
    await using _ = await Writing.start(log, path);
    await until(async () => await rowsIn(pathOf(path, "2025-12-22.csv")) === 100);
  }
  assert.equal(
    await addHistory(path, ticksFrom(MORNING_MS + 3_600_000, 5)),
    "ticks/fx/EURUSD/2025-12-22__1.csv",
  );
  await filled.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS, 7));
  await using writing = await Writing.start(log, path);
  await until(async () => await rowsIn(openPath(path, "EURUSD", "2025-12-23")) === 7);
  assert.equal(writing.reasonOf("EURUSD"), "");
  assert.equal(await rowsIn(pathOf(path, "2025-12-22__1.csv")), 5);
});

Deno.test("an archived day is gone on after by its own manifest, not by that of what was added", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await using filled = await FilledLog.open(path);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  await filled.mark("EURUSD", MORNING_MS + DAY_MS);
  await using log = await filled.reader();
  {
    await using _ = await Writing.start(log, path);
    await until(async () => await rowsIn(pathOf(path, "2025-12-22.csv")) === 100);
  }
  await addHistory(path, ticksFrom(MORNING_MS + 3_600_000, 5));
  await Deno.remove(pathOf(path, "2025-12-22.csv"));
  await filled.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS, 7));
  await using writing = await Writing.start(log, path);
  await until(async () => await rowsIn(openPath(path, "EURUSD", "2025-12-23")) === 7);
  assert.equal(writing.reasonOf("EURUSD"), "");
});

for (const [same, ticks] of [["other", 10], ["the same", 100]] as const) {
  Deno.test(`a day that history wrote first is sealed beside it, where it holds ${same} ticks too`, async () => {
    await using folder = await tempFolder();
    const { path } = folder;
    await using filled = await FilledLog.open(path);
    assert.equal(
      await addHistory(path, ticksFrom(MORNING_MS, ticks)),
      "ticks/fx/EURUSD/2025-12-22.csv",
    );
    const before = await Deno.readTextFile(pathOf(path, "2025-12-22.csv"));
    await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
    await filled.mark("EURUSD", MORNING_MS + DAY_MS);
    await using log = await filled.reader();
    for (let start = 0; start < 2; start++) {
      await using _ = await Writing.start(log, path);
      await until(async () => await rowsIn(pathOf(path, "2025-12-22__1.csv")) === 100);
      await until(async () => (await log.backlog("writer")).size === 0);
    }
    assert.equal(await Deno.readTextFile(pathOf(path, "2025-12-22.csv")), before);
    const parts = await Promise.all(
      [0, 1, 2].map((part) => readManifest(path, cycleId("EURUSD", { day: DAY, part }))),
    );
    assert.deepEqual(parts.map((part) => part?.origin), ["history", "capture", undefined]);
  });
}

Deno.test("history waits until the writer is past the day, by the log's own word", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await using filled = await FilledLog.open(path);
  await filled.append("EURUSD", ticksFrom(MORNING_MS, 100));
  const place = { backend: "sqlite", dataDir: path, kind: "simulated" } as const;
  await using looking = await openLogReader({ ...place, readerPositions: false });
  const ticks = ticksFrom(MORNING_MS, 110);
  const add = () =>
    addTicks(path, {
      ...{ symbol: "EURUSD", market: "fx", day: DAY, ticks, origin: "history", log: looking },
      ...{ feed: feedOf("EURUSD"), nowMs: MORNING_MS + 30 * DAY_MS },
    });
  const stillToCome = /the log may still bring ticks of EURUSD of 2025-12-22/;
  await assert.rejects(add(), stillToCome);
  await using log = await filled.reader();
  await using _ = await Writing.start(log, path);
  await until(async () => await rowsIn(openPath(path)) === 100);
  await assert.rejects(add(), /2025-12-22 of EURUSD is open/);
  await filled.mark("EURUSD", MORNING_MS + DAY_MS);
  await until(async () => await rowsIn(pathOf(path, "2025-12-22.csv")) === 100);
  await until(() => add().then(({ added }) => added === 10));
  assert.equal(await rowsIn(pathOf(path, "2025-12-22__1.csv")), 10);
});
