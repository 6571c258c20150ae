import assert from "node:assert/strict";
import { discover, type DiscoverOptions } from "../../../lib/capture/discover.ts";
import { readUniverse } from "../../../lib/capture/universe_file.ts";
import { specAt } from "../../../lib/capture/spec_versions.ts";
import { EVERYTHING } from "../../../lib/market/universe_filter.ts";
import { readSymbolList } from "../../../lib/market/symbol_list.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const NOW = Date.parse("2025-12-22T09:45:32.250Z");
const euro = {
  symbol: "EURUSD",
  rawName: "EURUSDm",
  digits: 5,
  fields: {
    ...{ trade_mode: 4, trade_contract_size: 100_000, swap_long: -7.5, point: 0.00001 },
    ...{ bid: 1.1, ask: 1.2, spread: 10, spread_float: true, path: "Forex\\EURUSDm" },
  },
};
const share = {
  symbol: "AAPL",
  rawName: '#AAPL,"A"',
  digits: 2,
  fields: { trade_mode: 0, path: "Stocks\\#AAPL" },
};

function optionsOf(dataDir: string, more: Partial<DiscoverOptions> = {}): DiscoverOptions {
  return { specs: [euro, share], source: "mt5:Demo", dataDir, nowUtcMs: NOW, ...more };
}

const registryOf = (dataDir: string) => `${dataDir}/metadata/source_registry`;
const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("what a source offers becomes the universe, its snapshots and its table", async () => {
  await using folder = await tempFolder();
  const found = await discover(optionsOf(folder.path, { filter: EVERYTHING }));
  assert.deepEqual(found.files, [
    "mt5_symbols_20251222T094532Z.json",
    "universe_20251222T094532Z.json",
    "universe.csv",
    "universe_latest.json",
  ]);
  const registry = registryOf(folder.path);
  assert.deepEqual(
    namesIn(registry),
    [...found.files, "registry.lock", "specs"].sort(),
  );
  const universe = await readUniverse(folder.path);
  assert.deepEqual(universe, found.universe);
  assert.equal(universe?.generated_at_utc, "2025-12-22T09:45:32.250Z");
  assert.equal(universe?.source, "mt5:Demo");
  assert.deepEqual(
    universe?.symbols.map(({ symbol, market, tradeable }) => [symbol, market, tradeable]),
    [["AAPL", "stock", false], ["EURUSD", "fx", true]],
  );
  assert.equal(
    await Deno.readTextFile(`${registry}/universe.csv`),
    'symbol,source,raw\nAAPL,mt5:Demo,"#AAPL,""A"""\nEURUSD,mt5:Demo,EURUSDm\n',
  );
  const snapshot = JSON.parse(
    await Deno.readTextFile(`${registry}/mt5_symbols_20251222T094532Z.json`),
  );
  const list = readSymbolList(snapshot);
  assert.equal(list.source, "mt5:Demo");
  assert.deepEqual(list.symbols.map(({ rawName, symbol }) => [rawName, symbol]), [
    ["EURUSDm", "EURUSD"],
    ['#AAPL,"A"', "AAPL"],
  ]);
});

Deno.test("by default what cannot be traded and shares stay out, but not of the raw snapshot", async () => {
  await using folder = await tempFolder();
  const found = await discover(optionsOf(folder.path));
  assert.deepEqual(found.found.map(({ symbol }) => symbol), ["EURUSD"]);
  assert.equal(found.offered, 2);
  const raw = await Deno.readTextFile(`${registryOf(folder.path)}/${found.files[0]}`);
  assert.equal(JSON.parse(raw).symbols.length, 2);
});

Deno.test("quotes make no snapshot, a changed specification does, and no file is replaced", async () => {
  await using folder = await tempFolder();
  await discover(optionsOf(folder.path));
  const moved = { ...euro, fields: { ...euro.fields, bid: 1.3, spread: 99 } };
  const quiet = await discover(
    optionsOf(folder.path, { specs: [moved], nowUtcMs: NOW + 60_000 }),
  );
  assert.deepEqual(quiet.files, ["universe.csv", "universe_latest.json"]);
  assert.deepEqual(quiet.changedSpecs, []);
  assert.equal((await readUniverse(folder.path))?.symbols[0]?.spread, 99);
  const swapped = { ...euro, fields: { ...euro.fields, swap_long: -8 } };
  const changed = await discover(optionsOf(folder.path, { specs: [swapped] }));
  assert.deepEqual(changed.files.slice(0, 2), [
    "mt5_symbols_20251222T094532Z__1.json",
    "universe_20251222T094532Z__1.json",
  ]);
  assert.deepEqual(changed.changedSpecs.map((version) => version.changed), [
    { swap_long: { old: -7.5, new: -8 } },
  ]);
});

Deno.test("a second source adds to the universe, and takes over the symbols that it has too", async () => {
  await using folder = await tempFolder();
  await discover(optionsOf(folder.path, { filter: EVERYTHING }));
  const other = { ...euro, rawName: "EUR/USD" };
  const { universe } = await discover(
    optionsOf(folder.path, { specs: [other], source: "fxcm:Real" }),
  );
  assert.equal(universe.source, "fxcm:Real, mt5:Demo");
  assert.deepEqual(universe.symbols.map(({ symbol, source }) => [symbol, source]), [
    ["AAPL", "mt5:Demo"],
    ["EURUSD", "fxcm:Real"],
  ]);
});

Deno.test("an empty answer leaves the universe as it is", async () => {
  await using folder = await tempFolder();
  const { universe } = await discover(optionsOf(folder.path));
  await assert.rejects(
    discover(optionsOf(folder.path, { specs: [share] })),
    /universe of mt5:Demo as filtered: of 1 symbols none is left/,
  );
  assert.deepEqual(await readUniverse(folder.path), universe);
});

Deno.test("a dry run says what it would write and leaves no file", async () => {
  await using folder = await tempFolder();
  const found = await discover(optionsOf(folder.path, { dryRun: true }));
  assert.equal(found.changedSpecs.length, 1);
  assert.deepEqual(found.files, []);
  assert.deepEqual(namesIn(folder.path), []);
});

Deno.test("a raw name whose plain name another one got is told", async () => {
  await using folder = await tempFolder();
  const loser = { ...euro, symbol: "EURUSD.r@b", rawName: "EURUSD.r" };
  const specs = [{ ...euro, symbol: "EURUSD@b" }, loser];
  const { contested } = await discover(optionsOf(folder.path, { specs }));
  assert.deepEqual(contested, [
    { rawName: "EURUSD.r", symbol: "EURUSD.r@b", contested: "EURUSD@b" },
  ]);
});

Deno.test("discoveries at once lose no symbol and no version", async () => {
  await using folder = await tempFolder();
  await Promise.all(Array.from({ length: 6 }, (_, index) => {
    const fields = { ...euro.fields, swap_long: index };
    const specs = [{ ...euro, symbol: `EURUSD@s${index}`, fields }, { ...euro, fields }];
    return discover(optionsOf(folder.path, { specs, source: `mt5:S${index}` }));
  }));
  const symbols = (await readUniverse(folder.path))?.symbols.map(({ symbol }) => symbol);
  assert.deepEqual(symbols, ["EURUSD", ...[0, 1, 2, 3, 4, 5].map((n) => `EURUSD@s${n}`)]);
  const lines = await Deno.readTextFile(`${registryOf(folder.path)}/specs/EURUSD.jsonl`);
  assert.equal(lines.trimEnd().split("\n").length, 6);
  assert.ok(await specAt(folder.path, { symbol: "EURUSD", utcMs: NOW }));
});

Deno.test("a universe that is none is named with what is wrong in it", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(registryOf(folder.path), { recursive: true });
  const path = `${registryOf(folder.path)}/universe_latest.json`;
  await Deno.writeTextFile(path, "{");
  await assert.rejects(
    readUniverse(folder.path),
    /universe_latest.json as a universe: it is no JSON/,
  );
  await Deno.writeTextFile(
    path,
    JSON.stringify({ generated_at_utc: "2025-12-22T09:45:32Z", source: "x", symbols: [{}] }),
  );
  await assert.rejects(readUniverse(folder.path), /symbols\.0\.symbol_raw/);
});
