import assert from "node:assert/strict";
import { DayFile } from "../../../lib/capture/day_file.ts";
import { dayOf } from "../../../lib/capture/day_path.ts";
import { readHead, sha256Of } from "../../../lib/capture/chain.ts";
import { readManifest } from "../../../lib/capture/manifest.ts";
import { sealDay } from "../../../lib/capture/seal.ts";
import { TickRowEncoder } from "../../../lib/capture/tick_row_encoder.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { runUntilItEnds } from "./ending_child.ts";

const START_MS = Date.UTC(2025, 11, 22, 8);
const DAY = dayOf(START_MS);

/** An open file with `count` ticks from a time on, one a second. */
async function openFile(dataDir: string, fromMs: number, count: number): Promise<void> {
  const folder = `${dataDir}/ticks/fx/EURUSD`;
  await Deno.mkdir(folder, { recursive: true });
  const ticks = Ticks.ofLength(count);
  for (let index = 0; index < count; index++) {
    const serverMs = fromMs + index * 1000;
    ticks.set(index, { serverMs, bid: 1.1, ask: 1.2, last: NaN, volume: NaN, flags: 6 });
    ticks.setUtcMs(index, serverMs);
  }
  const encoder = new TickRowEncoder();
  encoder.encode(ticks, { from: 0, firstId: { ms: fromMs, n: 0 }, endMs: Infinity });
  using file = await DayFile.open(folder, DAY);
  file.append(encoder.bytes);
  await file.sync();
}

const seal = (dataDir: string, gaps: { fromMs: number; toMs: number; reason: string }[] = []) =>
  sealDay(dataDir, { symbol: "EURUSD", market: "fx", day: DAY }, { watermarkMs: 0, gaps });

Deno.test("what is added to a sealed day becomes a part of its own; the day stays as it was", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await openFile(path, START_MS, 10);
  await seal(path);
  const published = await Deno.readTextFile(`${path}/ticks/fx/EURUSD/2025-12-22.csv`);
  await openFile(path, START_MS + 60_000, 5);
  const added = await seal(path);
  assert.equal(added.files[0]?.path, "ticks/fx/EURUSD/2025-12-22__1.csv");
  assert.equal(await Deno.readTextFile(`${path}/ticks/fx/EURUSD/2025-12-22.csv`), published);
  const cycle = "2025-12-22T000000Z_EURUSD_TICK";
  assert.equal((await readManifest(path, cycle))?.rows, 10);
  assert.equal((await readManifest(path, `${cycle}__1`))?.rows, 5);
  const names = [...Deno.readDirSync(`${path}/ticks/fx/EURUSD`)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["2025-12-22.csv", "2025-12-22__1.csv"]);
});

Deno.test("the same content sealed twice stays one file", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await openFile(path, START_MS, 10);
  await seal(path);
  await openFile(path, START_MS, 10);
  assert.equal((await seal(path)).files[0]?.path, "ticks/fx/EURUSD/2025-12-22.csv");
  assert.equal([...Deno.readDirSync(`${path}/ticks/fx/EURUSD`)].length, 1);
});

Deno.test("a torn file is not sealed and stays", async () => {
  await using folder = await tempFolder();
  const open = `${folder.path}/ticks/fx/EURUSD/2025-12-22.csv.open`;
  await openFile(folder.path, START_MS, 10);
  await Deno.truncate(open, (await Deno.stat(open)).size - 1);
  await assert.rejects(
    seal(folder.path),
    /as a whole day: current value is a line without its end/,
  );
  assert.ok((await Deno.stat(open)).isFile);
});

Deno.test("a gap that history filled is told with its rows; one that it did not makes the day PARTIAL", async () => {
  await using folder = await tempFolder();
  const reason = "the vendor's feed was down";
  const filled = { fromMs: START_MS + 2000, toMs: START_MS + 5000, reason };
  const lost = { fromMs: START_MS + 20_000, toMs: START_MS + 30_000, reason };
  await openFile(folder.path, START_MS, 10);
  const healed = await seal(folder.path, [filled]);
  assert.deepEqual([healed.status, healed.gaps[0]?.rows], ["SUCCESS", 3]);
  await openFile(folder.path, START_MS, 11);
  const partial = await seal(folder.path, [filled, lost]);
  assert.deepEqual([partial.status, partial.gaps.map(({ rows }) => rows)], ["PARTIAL", [3, 0]]);
});

/** The bytes of the manifest that the head of the chain names. */
async function headManifest(dataDir: string): Promise<Uint8Array | undefined> {
  const head = await readHead(dataDir, { symbol: "EURUSD", timeframe: "TICK" });
  if (head === undefined) return undefined;
  const bytes = await Deno.readFile(`${dataDir}/metadata/ingestion_logs/${head.cycle_id}.json`);
  assert.equal(sha256Of(bytes), head.sha256);
  return bytes;
}

Deno.test("the manifests of a symbol's days are a chain, and say that they were captured", async () => {
  await using folder = await tempFolder();
  await openFile(folder.path, START_MS, 10);
  const first = await seal(folder.path);
  assert.deepEqual([first.origin, first.previous], ["capture", null]);
  const bytes = await headManifest(folder.path);
  await openFile(folder.path, START_MS + 60_000, 5);
  const second = await seal(folder.path);
  assert.deepEqual(second.previous, {
    cycle_id: first.cycle_id,
    sha256: sha256Of(bytes ?? new Uint8Array()),
  });
});

Deno.test("a manifest from before there were chains reads as one of capture", async () => {
  await using folder = await tempFolder();
  await openFile(folder.path, START_MS, 10);
  const { cycle_id, origin: _, previous: __, ...old } = await seal(folder.path);
  const path = `${folder.path}/metadata/ingestion_logs/${cycle_id}.json`;
  await Deno.writeTextFile(path, JSON.stringify({ cycle_id, ...old }));
  const manifest = await readManifest(folder.path, cycle_id);
  assert.deepEqual([manifest?.origin, manifest?.previous], ["capture", undefined]);
});

Deno.test("a part whose file went elsewhere is not written again", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await openFile(path, START_MS, 10);
  const { cycle_id } = await seal(path);
  const manifest = `${path}/metadata/ingestion_logs/${cycle_id}.json`;
  const before = await Deno.readTextFile(manifest);
  await Deno.remove(`${path}/ticks/fx/EURUSD/2025-12-22.csv`);
  await openFile(path, START_MS + 60_000, 5);
  assert.equal((await seal(path)).files[0]?.path, "ticks/fx/EURUSD/2025-12-22__1.csv");
  assert.equal(await Deno.readTextFile(manifest), before);
});

const SEAL_STEPS = ["sync", "link", "manifest", "folder", "unlink"].map((step) => `seal.${step}`);
const CHAIN_STEPS = ["next", "head", "publish"].map((step) => `chain.${step}`);
for (const step of [...SEAL_STEPS, ...CHAIN_STEPS]) {
  for (const side of ["before", "after"]) {
    Deno.test(`a program that ended at ${step}.${side} left a day that is sealed by the next one`, async () => {
      await using folder = await tempFolder();
      const { path } = folder;
      await openFile(path, START_MS, 10);
      await runUntilItEnds(import.meta.dirname ?? "", "seal", path, `${step}.${side}`);
      const before = await headManifest(path);
      // What is known of the day may have grown since; a chained manifest stays as it is.
      const gap = { fromMs: START_MS + 20_000, toMs: START_MS + 30_000, reason: "down" };
      if (`${step}.${side}` !== "seal.unlink.after") await seal(path, [gap]);
      const after = await headManifest(path);
      if (before !== undefined) assert.deepEqual(after, before);
      assert.equal(JSON.parse(new TextDecoder().decode(after)).previous, null);
      const names = (at: string) => [...Deno.readDirSync(`${path}/${at}`)].map(({ name }) => name);
      assert.deepEqual(names("ticks/fx/EURUSD"), ["2025-12-22.csv"]);
      assert.equal(names("metadata/ingestion_logs").length, 1);
    });
  }
}
