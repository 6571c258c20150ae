import assert from "node:assert/strict";
import {
  chainManifest,
  CycleTaken,
  listChains,
  readHead,
  sha256Of,
} from "../../../lib/capture/chain.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { runChild, runUntilItEnds } from "./ending_child.ts";

const CHAIN = { symbol: "EURUSD", timeframe: "1H" };
const HERE = import.meta.dirname ?? "";

const add = (dataDir: string, cycle_id: string, facts = `of ${cycle_id}`, chain = CHAIN) =>
  chainManifest(dataDir, chain, (previous) => ({
    cycle_id,
    facts,
    written_at: new Date().toISOString(),
    previous,
  }));

const pathOf = (dataDir: string, cycle: string) =>
  `${dataDir}/metadata/ingestion_logs/${cycle}.json`;

/** The ids from the first to the head, each link's hash checked. */
async function walk(dataDir: string, chain = CHAIN): Promise<string[]> {
  const ids: string[] = [];
  let link = await readHead(dataDir, chain) ?? null;
  while (link !== null) {
    const bytes = await Deno.readFile(pathOf(dataDir, link.cycle_id));
    assert.equal(sha256Of(bytes), link.sha256, link.cycle_id);
    ids.unshift(link.cycle_id);
    link = JSON.parse(new TextDecoder().decode(bytes)).previous;
  }
  return ids;
}

const manifestsIn = (dataDir: string) =>
  [...Deno.readDirSync(`${dataDir}/metadata/ingestion_logs`)].map(({ name }) => name.slice(0, -5))
    .sort();

Deno.test("each manifest holds the hash of the one before it, and the head that of the newest", async () => {
  await using folder = await tempFolder();
  assert.equal(await readHead(folder.path, CHAIN), undefined);
  const first = await add(folder.path, "a");
  const second = await add(folder.path, "b");
  assert.equal(first.previous, null);
  const bytes = await Deno.readFile(pathOf(folder.path, "a"));
  assert.deepEqual(second.previous, { cycle_id: "a", sha256: sha256Of(bytes) });
  assert.deepEqual(await walk(folder.path), ["a", "b"]);
});

Deno.test("chains of other symbols and timeframes are apart, and each is listed", async () => {
  await using folder = await tempFolder();
  const chains = [
    { symbol: "EURUSD", timeframe: "1H" },
    { symbol: "EURUSD", timeframe: "TICK" },
    { symbol: "GER40.cash", timeframe: "1M" },
  ];
  for (const [index, chain] of chains.entries()) {
    await add(folder.path, `${index}a`, "x", chain);
    await add(folder.path, `${index}b`, "x", chain);
    assert.deepEqual(await walk(folder.path, chain), [`${index}a`, `${index}b`]);
  }
  assert.deepEqual(await listChains(folder.path), chains);
});

Deno.test("what is chained stays byte for byte when the same is said again at another time", async () => {
  await using folder = await tempFolder();
  await add(folder.path, "a");
  await add(folder.path, "b");
  const before = await Deno.readTextFile(pathOf(folder.path, "a"));
  const again = await add(folder.path, "a");
  assert.equal(await Deno.readTextFile(pathOf(folder.path, "a")), before);
  assert.deepEqual(again, JSON.parse(before));
  assert.deepEqual(await walk(folder.path), ["a", "b"]);
});

Deno.test("a chained manifest is not replaced by another one of its id", async () => {
  await using folder = await tempFolder();
  await add(folder.path, "a");
  await assert.rejects(add(folder.path, "a", "something else"), CycleTaken);
  assert.deepEqual(await walk(folder.path), ["a"]);
});

Deno.test("a manifest from before there were chains is chained when it is made again", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/metadata/ingestion_logs`, { recursive: true });
  await Deno.writeTextFile(pathOf(folder.path, "old"), `{"cycle_id":"old","facts":"of old"}\n`);
  await add(folder.path, "a");
  await add(folder.path, "old");
  assert.deepEqual(await walk(folder.path), ["a", "old"]);
});

Deno.test("a head that cannot be read, or of a symbol with the same file, is named", async () => {
  await using folder = await tempFolder();
  const head = `${folder.path}/metadata/chains/EURUSD_1H.json`;
  await add(folder.path, "a");
  const text = await Deno.readTextFile(head);
  await Deno.writeTextFile(head, text.replace("EURUSD", "eurusd"));
  await assert.rejects(add(folder.path, "b"), /EURUSD_1H\.json as the chain of EURUSD.*eurusd/);
  await Deno.writeTextFile(head, text.slice(0, 40));
  await assert.rejects(add(folder.path, "b"), /EURUSD_1H\.json as the head of a chain/);
});

const STEPS = ["next", "head", "publish"].flatMap((step) => [`${step}.before`, `${step}.after`]);
for (const step of STEPS) {
  const isInChain = !["next.before", "next.after", "head.before"].includes(step);
  Deno.test(`a program that ended at chain.${step} is followed without a fork`, async () => {
    await using folder = await tempFolder();
    const { path } = folder;
    await runUntilItEnds(HERE, "chain", path, `chain.${step}:2`, "a", "b");
    await using other = await tempFolder();
    await runUntilItEnds(HERE, "chain", other.path, `chain.${step}:2`, "a", "b");

    assert.deepEqual(await walk(path), step === "publish.after" ? ["a", "b"] : ["a"]);
    await add(path, "b");
    await add(path, "c");
    assert.deepEqual(await walk(path), ["a", "b", "c"]);

    await add(other.path, "c");
    assert.deepEqual(await walk(other.path), isInChain ? ["a", "b", "c"] : ["a", "c"]);
    assert.deepEqual(manifestsIn(other.path), isInChain ? ["a", "b", "c"] : ["a", "c"]);
  });
}

Deno.test("processes that chain at once make one chain", async () => {
  await using folder = await tempFolder();
  const names = ["a", "b", "c"].map((process) =>
    Array.from({ length: 15 }, (_, index) => `${process}${index}`)
  );
  await Promise.all([
    ...names.slice(1).map((own) => runChild(HERE, "chain", folder.path, "", ...own)),
    ...(names[0] ?? []).map((name) => add(folder.path, name)),
  ]);
  assert.deepEqual((await walk(folder.path)).sort(), names.flat().sort());
});
