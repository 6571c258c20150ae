import assert from "node:assert/strict";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";
import { NO_TICK } from "../../../../lib/market/tick_id.ts";
import { openLogReader } from "../../../../lib/log/open_log.ts";
import { backUp } from "../../../../workers/writer/backup/back_up.ts";
import { readNote } from "../../../../workers/writer/backup/note.ts";
import { restore } from "../../../../workers/writer/backup/restoring.ts";
import { filesBelow, placeOf } from "../../../../workers/writer/data_files.ts";
import { verified } from "../damages.ts";
import { addTicks } from "../../../../lib/capture/additions/add_ticks.ts";
import { recordCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import { storeBars } from "../../../../lib/capture/bars/bar_store.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { DAY_MS, feedOf, FilledLog, idsIn, MORNING_MS, ticksFrom, Writing } from "../writing.ts";

const HOUR_MS = 3_600_000;

/** A data folder with its log in it, as the embedded shape has it, and a writer at work. */
async function startWriting(dataDir: string) {
  const filled = await FilledLog.open(dataDir);
  const log = await filled.reader();
  const writing = await Writing.start(log, dataDir);
  return {
    filled,
    writing,
    written: () => until(async () => (await filled.log.backlog("writer")).size === 0),
    async [Symbol.asyncDispose]() {
      await writing[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
      await filled[Symbol.asyncDispose]();
    },
  };
}

/** Every id in the tick files, in the order of the files' days. */
async function capturedIds(dataDir: string, symbol = "EURUSD"): Promise<string[]> {
  const paths = await Array.fromAsync(filesBelow(dataDir, `ticks/fx/${symbol}`));
  const ids = await Promise.all(
    paths.filter((path) => placeOf(path).kind === "csv").map((path) => idsIn(`${dataDir}/${path}`)),
  );
  return ids.flat();
}

async function ticksInLog(dataDir: string): Promise<number> {
  const place = { backend: "sqlite", dataDir, kind: "simulated", readerPositions: false } as const;
  await using log = await openLogReader(place);
  const segments = await log.read(new Map([["EURUSD", NO_TICK]]), { maxTicks: 1_000_000 });
  return segments.reduce((sum, { ticks }) => sum + ticks.count, 0);
}

/** Starts a writer on a restored folder, lets it do what it finds, and returns the ids in its files. */
async function goOn(dataDir: string): Promise<string[]> {
  await using log = await openLogReader({
    backend: "sqlite",
    dataDir,
    kind: "simulated",
    readerPositions: true,
  });
  await using writing = await Writing.start(log, dataDir);
  await until(async () => (await log.backlog("writer")).size === 0);
  await writing.stop();
  return await capturedIds(dataDir);
}

Deno.test("backups of a folder that is being written restore to folders that go on without a hole", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`, to = `${folder.path}/backup`;
  await using at = await startWriting(dataDir);
  let stop = false;
  const appending = (async () => {
    // An hour a step, so that a day is sealed about every 24 steps.
    for (let step = 0; !stop; step++) {
      await at.filled.append("EURUSD", ticksFrom(MORNING_MS + step * HOUR_MS, 40));
      await at.written();
    }
  })();
  const restored: string[] = [];
  for (let round = 0; round < 6; round++) {
    await until(async () => (await capturedIds(dataDir)).length > 300 * (round + 1));
    await backUp({ dataDir, to });
    restored.push(`${folder.path}/restored_${round}`);
    await restore({ from: to, to: restored.at(-1) ?? "" });
  }
  stop = true;
  await appending;
  const all = await capturedIds(dataDir);
  let least = 0;
  for (const path of restored) {
    const inLog = await ticksInLog(path), before = await capturedIds(path), ids = await goOn(path);
    assert.deepEqual(ids, all.slice(0, ids.length), "a beginning of what was captured");
    assert.equal(ids.length, inLog, "all that the restored log holds");
    assert.ok(new Set(before).size > least, "each backup has more than the one before");
    least = new Set(before).size;
    const names = await Array.fromAsync(filesBelow(path, "ticks/fx/EURUSD"));
    assert.equal(names.filter((name) => name.endsWith(".open")).length, 1);
  }
});

Deno.test("a second backup copies only what is new, and a third without news next to nothing", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`, to = `${folder.path}/backup`;
  await using at = await startWriting(dataDir);
  for (let day = 0; day < 5; day++) {
    await at.filled.append("EURUSD", ticksFrom(MORNING_MS + day * DAY_MS, 5000, 1.1 + day / 10));
  }
  await at.written();
  await until(async () => (await countSealed(dataDir)) === 4);
  const first = await backUp({ dataDir, to });
  assert.equal(first.note.copied_files, first.note.file_count);
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS + 5 * DAY_MS, 10));
  await at.written();
  await until(async () => (await countSealed(dataDir)) === 5);
  const second = await backUp({ dataDir, to });
  // The fifth day got its final name: that content was there already, under the open one.
  const opened = second.note.files.filter(({ sha256 }) =>
    !first.note.files.some((file) => file.sha256 === sha256)
  ).map(({ path }) => path).sort();
  assert.deepEqual(opened.filter((path) => path.startsWith("ticks/")), [
    "ticks/fx/EURUSD/2025-12-27.csv.open",
  ]);
  assert.ok(opened.length <= 5, opened.join());
  assert.equal(second.note.copied_files, opened.length);
  const third = await backUp({ dataDir, to });
  assert.ok(third.note.copied_bytes <= (await sizeOf(`${dataDir}/log/ticks.sqlite`)) * 2);
  assert.ok(third.note.files.every(({ path }) => !/\.(lock|tmp)$|-wal$|owner/.test(path)));
  // What only an earlier backup named is gone, all else is there.
  const objects = await Array.fromAsync(filesBelow(`${to}/objects`));
  assert.deepEqual(
    objects.map((path) => path.slice(3)).sort(),
    [...new Set(third.note.files.map(({ sha256 }) => sha256))].sort(),
  );
});

Deno.test("a backup keeps a sealed file that was lost, until it is pruned", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`, to = `${folder.path}/backup`;
  await using at = await startWriting(dataDir);
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS + DAY_MS, 10));
  await at.written();
  await until(async () => (await countSealed(dataDir)) === 1);
  await backUp({ dataDir, to });
  const lost = "ticks/fx/EURUSD/2025-12-22.csv";
  await Deno.remove(`${dataDir}/${lost}`);
  const { note } = await backUp({ dataDir, to });
  assert.equal(note.files.find(({ path }) => path === lost)?.kept, true);
  assert.match(note.warnings.join(), /1 sealed files are kept/);
  await restore({ from: to, to: `${folder.path}/restored` });
  assert.equal((await idsIn(`${folder.path}/restored/${lost}`)).length, 10);
  const pruned = await backUp({ dataDir, to, prune: true });
  assert.ok(!pruned.note.files.some(({ path }) => path === lost));
  assert.ok(pruned.freedBytes > 0);
});

Deno.test("a damaged or missing copy is refused by the name of its file, and nothing is restored", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`, from = `${folder.path}/backup`;
  await using at = await startWriting(dataDir);
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await at.written();
  const { note } = await backUp({ dataDir, to: from });
  const file = note.files.find(({ path }) => path.endsWith("2025-12-22.csv.open"));
  const object = `${from}/objects/${file?.sha256.slice(0, 2)}/${file?.sha256}`;
  const good = await Deno.readFile(object);
  const damages: [Uint8Array | undefined, RegExp][] = [
    [good.map((byte, index) => index === 80 ? byte ^ 1 : byte), /sha256 is another/],
    [good.slice(0, -1), /its length is/],
    [undefined, /No such file|cannot find/i],
  ];
  for (const [bytes, says] of damages) {
    if (bytes === undefined) await Deno.remove(object);
    else await Deno.writeFile(object, bytes);
    const to = `${folder.path}/restored`;
    await assert.rejects(restore({ from, to }), (error: Error) => {
      assert.match(error.message, /Cannot restore ticks\/fx\/EURUSD\/2025-12-22\.csv\.open/);
      assert.match(String(error.cause), says);
      return true;
    });
    assert.deepEqual((await Array.fromAsync(Deno.readDir(to))).map(({ name }) => name), [
      "restoring",
    ]);
  }
  // The same restore goes on once the backup is mended.
  await backUp({ dataDir, to: from });
  await assert.rejects(restore({ from, to: `${folder.path}/restored` }), /as an empty folder/);
  await restore({ from, to: `${folder.path}/other` });
  assert.equal((await capturedIds(`${folder.path}/other`)).length, 10);
});

Deno.test("a changed note, a backup that was never finished and a folder that is in use are refused", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`, from = `${folder.path}/backup`, to = `${folder.path}/new`;
  await assert.rejects(restore({ from, to }), /there is no backup\.json in it/);
  await using at = await startWriting(dataDir);
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await at.written();
  await backUp({ dataDir, to: from });
  await Deno.mkdir(to, { recursive: true });
  await Deno.writeTextFile(`${to}/mine.txt`, "");
  await assert.rejects(restore({ from, to }), /as an empty folder: current content is mine\.txt/);
  await Deno.remove(`${to}/mine.txt`);
  const text = await Deno.readTextFile(`${from}/backup.json`);
  await Deno.writeTextFile(`${from}/backup.json`, text.replace('"kept": false', '"kept": true'));
  await assert.rejects(restore({ from, to }), /backup\.json as the note of a backup/);
  await Deno.remove(`${from}/backup.json`);
  await Deno.writeTextFile(
    `${from}/backup_begun.json`,
    JSON.stringify({ began_at_utc: "2026-01-01T00:00:00.000Z", from: dataDir }),
  );
  await assert.rejects(restore({ from, to }), /began at 2026-01-01T00:00:00\.000Z is incomplete/);
  assert.equal(await readNote(from), undefined);
});

Deno.test("another data folder is not mixed into a backup", async () => {
  await using folder = await tempFolder();
  const to = `${folder.path}/backup`;
  for (const name of ["one", "two"]) {
    await using at = await startWriting(`${folder.path}/${name}`);
    await at.filled.append("EURUSD", ticksFrom(MORNING_MS, 1));
    await at.written();
  }
  await Deno.mkdir(`${folder.path}/empty`);
  await assert.rejects(
    backUp({ dataDir: `${folder.path}/empty`, to }),
    /current content is nothing/,
  );
  await backUp({ dataDir: `${folder.path}/one`, to });
  await assert.rejects(backUp({ dataDir: `${folder.path}/two`, to }), /is of another folder/);
});

Deno.test("backups that are taken while bars are ingested and ticks added hold no contradiction", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`, to = `${folder.path}/backup`;
  await using at = await startWriting(dataDir);
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await at.written();
  let stop = false, days = 0;
  const writing = (async () => {
    for (; !stop; days++) {
      await at.filled.append("EURUSD", ticksFrom(MORNING_MS + (days + 1) * DAY_MS, 20));
      await at.written();
      await until(async () => (await countSealed(dataDir)) === days + 1 + days);
      await ingestDay(dataDir, MORNING_MS - 8 * HOUR_MS + days * DAY_MS);
      await addTo(dataDir, MORNING_MS + days * DAY_MS);
    }
  })();
  // Awaited at the end; what fails before that is told by the test itself.
  writing.catch(() => {});
  try {
    for (let round = 0; round < 8; round++) {
      await until(() => days > round * 2);
      await backUp({ dataDir, to });
      const restored = `${folder.path}/restored_${round}`;
      await restore({ from: to, to: restored });
      const told = (await verified(restored)).differences;
      assert.deepEqual(told.filter(({ severity }) => severity !== "note"), []);
    }
  } finally {
    stop = true;
  }
  await writing;
});

Deno.test("ticks that neither the files nor the log have any more are told by a backup", async () => {
  await using folder = await tempFolder();
  const dataDir = `${folder.path}/data`;
  await using at = await startWriting(dataDir);
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS, 10));
  await at.filled.append("EURUSD", ticksFrom(MORNING_MS + HOUR_MS, 10));
  await at.written();
  const nowMs = MORNING_MS + DAY_MS, readers = ["writer"];
  await at.filled.log.trim({ readers, maxAgeMs: 0, maxCount: 1, nowMs, overlapMs: 0 });
  assert.deepEqual((await backUp({ dataDir, to: `${folder.path}/one` })).note.warnings, []);
  await at.writing.stop();
  const path = `${dataDir}/ticks/fx/EURUSD/2025-12-22.csv.open`;
  await Deno.truncate(path, 200);
  const { note } = await backUp({ dataDir, to: `${folder.path}/two` });
  assert.match(note.warnings.join(), /Nobody has the ticks between: EURUSD: the log begins after/);
});

/** A day of hourly bars, stored and recorded as an ingestion does it. */
async function ingestDay(dataDir: string, fromMs: number): Promise<void> {
  const range = { fromMs, toMs: fromMs + DAY_MS };
  const bars = Array.from({ length: 24 }, (_, hour) => {
    const utcMs = fromMs + hour * HOUR_MS;
    return { utcMs, serverMs: utcMs, open: 1.1, high: 1.3, low: 1, close: 1.2, volume: 7 };
  });
  const series = { symbol: "EURUSD", market: "fx", timeframe: TIMEFRAMES["1H"] } as const;
  const nowMs = range.toMs + DAY_MS;
  const { files, unchanged, removed } = await storeBars({
    ...{ dataDir, ...series, bars, range, nowMs },
  });
  await recordCycle(dataDir, {
    ...{ symbol: "EURUSD", symbol_raw: "EURUSD", timeframe: "1H", source: "SIMULATED" },
    ...{ feed: feedOf("EURUSD"), account_id: null, broker_utc_offset_hours: 0 },
    ...{ timestamps_normalized: true, ingestion_time_utc: new Date(nowMs).toISOString() },
    range_from_utc: new Date(range.fromMs).toISOString(),
    range_to_utc: new Date(range.toMs).toISOString(),
    ...{ bars_expected: 24, bars_received: 24, bars_removed: removed, status: "SUCCESS" },
    ...{ error: null, files: [...files], files_unchanged: unchanged, gaps: [] },
  });
}

/** What a vendor's history has of a sealed day and its file has not. */
async function addTo(dataDir: string, utcMs: number): Promise<void> {
  const ticks = ticksFrom(utcMs + HOUR_MS, 5), day = Math.floor(utcMs / DAY_MS);
  const feed = feedOf("EURUSD"), nowMs = utcMs + 10 * DAY_MS;
  await addTicks(dataDir, {
    ...{ symbol: "EURUSD", market: "fx", day, ticks, origin: "history", feed, nowMs },
  });
}

async function countSealed(dataDir: string): Promise<number> {
  const paths = await Array.fromAsync(filesBelow(dataDir, "ticks"));
  const open = paths.filter((path) => path.endsWith(".csv.open")).length;
  return open === 1 ? paths.filter((path) => path.endsWith(".csv")).length : -1;
}

async function sizeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).size;
}
