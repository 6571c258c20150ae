import assert from "node:assert/strict";
import { dayOf } from "../../../lib/capture/day_path.ts";
import { FeedHoles } from "../../../lib/capture/feed_holes.ts";
import { gapsOf, recordHole } from "../../../lib/capture/gaps.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2025, 11, 22);
const DAY = dayOf(START_MS);
const at = (hours: number) => START_MS + hours * 3_600_000;

async function dataFolder(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/metadata`);
  return folder;
}

Deno.test("a day names the holes that touch it, cut to it, and of all symbols or its own", async () => {
  await using folder = await dataFolder();
  const { path } = folder;
  assert.deepEqual(await gapsOf(path, "EURUSD", DAY), []);
  await recordHole(path, { symbols: [], fromMs: at(23), toMs: at(25), reason: "down" });
  await recordHole(path, { symbols: ["GBPUSD"], fromMs: at(1), toMs: at(2), reason: "lost" });
  await recordHole(path, { symbols: [], fromMs: at(3), toMs: at(3), reason: "of no length" });
  const down = { fromMs: at(23), toMs: at(24), reason: "down" };
  assert.deepEqual(await gapsOf(path, "EURUSD", DAY), [down]);
  assert.deepEqual(await gapsOf(path, "GBPUSD", DAY), [
    { fromMs: at(1), toMs: at(2), reason: "lost" },
    down,
  ]);
  assert.deepEqual(await gapsOf(path, "EURUSD", DAY + 1), [
    { fromMs: START_MS + DAY_MS, toMs: at(25), reason: "down" },
  ]);
});

Deno.test("a hole that two programs noted, or that overlaps another, is told once", async () => {
  await using folder = await dataFolder();
  const { path } = folder;
  for (const [from, to] of [[1, 2], [1, 2], [1.5, 3], [3, 4], [6, 7]] as const) {
    await recordHole(path, { symbols: [], fromMs: at(from), toMs: at(to), reason: "down" });
  }
  assert.deepEqual(await gapsOf(path, "EURUSD", DAY), [
    { fromMs: at(1), toMs: at(4), reason: "down" },
    { fromMs: at(6), toMs: at(7), reason: "down" },
  ]);
});

Deno.test("a note torn by a kill costs no other note", async () => {
  await using folder = await dataFolder();
  const { path } = folder;
  await recordHole(path, { symbols: [], fromMs: at(1), toMs: at(2), reason: "down" });
  await Deno.writeTextFile(`${path}/metadata/gaps.jsonl`, '{"symbols":[],"fromM', { append: true });
  await recordHole(path, { symbols: [], fromMs: at(5), toMs: at(6), reason: "down" });
  assert.equal((await gapsOf(path, "EURUSD", DAY)).length, 2);
});

Deno.test("an outage lasts to the day's end until its end is noted, also by another process", async () => {
  await using folder = await dataFolder();
  const { path } = folder;
  const killed = await FeedHoles.open(path);
  await killed.down(at(10));
  assert.deepEqual((await gapsOf(path, "EURUSD", DAY)).map(({ toMs }) => toMs), [at(24)]);
  const next = await FeedHoles.open(path);
  assert.equal(next.downSinceMs, at(10));
  await next.down(at(11));
  await next.up(at(12));
  assert.equal(next.downSinceMs, undefined);
  const reason = "the vendor's feed was down";
  assert.deepEqual(await gapsOf(path, "EURUSD", DAY), [{ fromMs: at(10), toMs: at(12), reason }]);
  assert.equal((await FeedHoles.open(path)).downSinceMs, undefined);
});

Deno.test("what the channel tells of an outage is the same hole as the collector's own", async () => {
  await using folder = await dataFolder();
  const { path } = folder;
  const holes = await FeedHoles.open(path);
  await holes.down(at(1));
  await FeedHoles.note(path, { state: "down", symbols: [], atMs: at(1) });
  await holes.up(at(2));
  await FeedHoles.note(path, { state: "up", symbols: [], atMs: at(2), fromMs: at(1) });
  await FeedHoles.note(path, { state: "up", symbols: [], atMs: at(2) });
  assert.equal((await gapsOf(path, "EURUSD", DAY)).length, 1);
});
