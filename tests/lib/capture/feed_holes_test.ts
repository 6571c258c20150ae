import assert from "node:assert/strict";
import { FeedHoles } from "../../../lib/capture/feed_holes.ts";
import { gapsOf } from "../../../lib/capture/gaps.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const DAY = 20_000;
const AT_MS = DAY * 86_400_000 + 3_600_000;

async function holesOf(dataDir: string, symbol: string) {
  return (await gapsOf(dataDir, symbol, DAY)).map(({ fromMs, toMs, reason }) => [
    fromMs - AT_MS,
    toMs - AT_MS,
    reason,
  ]);
}

async function folderWith(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/metadata`);
  return folder;
}

Deno.test("an outage of one session concerns its symbols alone", async () => {
  await using folder = await folderWith();
  const holes = await FeedHoles.open(folder.path, "demo");
  holes.symbols = ["EURUSD"];
  await holes.down(AT_MS);
  await holes.down(AT_MS + 5);
  await holes.up(AT_MS + 10);
  await holes.up(AT_MS + 15);
  assert.deepEqual(await holesOf(folder.path, "EURUSD"), [
    [0, 10, "the vendor's feed was down (demo)"],
  ]);
  assert.deepEqual(await holesOf(folder.path, "GBPUSD"), []);
});

for (const [before, after] of [["the only", "one of several"], ["one of several", "the only"]]) {
  Deno.test(`an outage that began while a session was ${before} ends when it is ${after}`, async () => {
    await using folder = await folderWith();
    const isOnly = before === "the only";
    const killed = await FeedHoles.open(folder.path, "demo", { isOnly });
    await killed.down(AT_MS);
    const holes = await FeedHoles.open(folder.path, "demo", { isOnly: !isOnly });
    assert.equal(holes.downSinceMs, AT_MS);
    await holes.up(AT_MS + 10);
    const reason = `the vendor's feed was down${isOnly ? "" : " (demo)"}`;
    assert.deepEqual(await holesOf(folder.path, "EURUSD"), [[0, 10, reason]]);
    assert.equal((await FeedHoles.open(folder.path, "demo")).downSinceMs, undefined);
  });
}
