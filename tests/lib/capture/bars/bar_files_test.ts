import assert from "node:assert/strict";
import { readBars } from "../../../../lib/capture/bars/bar_files.ts";
import type { Bar } from "../../../../lib/market/bar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";
import { DAY_MS, FOLDER, HOUR_MS, hours, MONDAY_MS, read, record, store } from "./series.ts";

const timeframe = TIMEFRAMES["1H"];

/** Resolves when the clock shows another millisecond: what is written next is later. */
const later = async (ms: number) => await until(() => Date.now() > ms);

Deno.test("a range of a series is read in order, a file at a time, and nothing beyond it", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24 * 40) });
  const fromMs = MONDAY_MS + 5 * HOUR_MS, toMs = MONDAY_MS + 38 * DAY_MS + HOUR_MS;
  const batches: Bar[][] = [];
  for await (const batch of readBars(folder.path, { symbol: "EURUSD", timeframe, fromMs, toMs })) {
    batches.push(batch);
  }
  assert.deepEqual(batches.flat(), hours(5, 38 * 24 + 1));
  assert.deepEqual([batches.length, batches[0]?.length, batches.at(-1)?.length], [39, 19, 1]);
});

Deno.test("nothing is read where there is nothing", async () => {
  await using folder = await tempFolder();
  assert.deepEqual(await read(folder.path), []);
});

Deno.test("what is read as of a moment is the version that was written by then", async () => {
  await using folder = await tempFolder();
  const versions = [hours(0, 24), hours(0, 24, { close: 1.25 }), hours(0, 24, { close: 1.15 })];
  const writtenMs: number[] = [];
  for (const bars of versions) {
    const { written_at } = await record(folder.path, await store(folder.path, { bars }));
    writtenMs.push(Date.parse(written_at));
    await later(Date.parse(written_at));
  }
  assert.deepEqual(await read(folder.path), versions[2]);
  for (const [index, asOfMs] of writtenMs.entries()) {
    assert.deepEqual(await read(folder.path, { asOfMs }), versions[index]);
  }
  assert.deepEqual(await read(folder.path, { asOfMs: (writtenMs[0] ?? 0) - 1 }), []);
});

Deno.test("a day that is sealed while it is read is read once", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24 * 20), nowHour: 24 * 20 });
  await store(folder.path, { bars: hours(24 * 20, 24 * 20 + 9), nowHour: 24 * 20 + 9 });
  const all: Bar[] = [];
  let isFirst = true;
  const request = { symbol: "EURUSD", timeframe, fromMs: 0, toMs: MONDAY_MS * 2 };
  for await (const batch of readBars(folder.path, request)) {
    all.push(...batch);
    if (isFirst) await store(folder.path, { bars: hours(24 * 20, 24 * 21) });
    isFirst = false;
  }
  assert.deepEqual(all, hours(0, 24 * 21));
});

Deno.test("a file that is none of bars is named", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24) });
  await Deno.writeTextFile(`${folder.path}/${FOLDER}/2025-12-23.csv`, "hello\n");
  await assert.rejects(read(folder.path), /2025-12-23\.csv as bars: .*header is "hello"/);
});
