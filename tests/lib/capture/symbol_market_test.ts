import assert from "node:assert/strict";
import { discover } from "../../../lib/capture/discover.ts";
import { claimMarket, marketIn } from "../../../lib/capture/symbol_market.ts";
import { EVERYTHING } from "../../../lib/market/universe_filter.ts";
import { tempFolder } from "../../support/temp_folder.ts";

/** A universe in which US30 is what its vendor's folder says. */
async function discoverUs30(dataDir: string, path: string): Promise<void> {
  await discover({
    specs: [{ symbol: "US30", rawName: "US30m", digits: 1, fields: { path } }],
    source: "mt5:Demo",
    dataDir,
    nowUtcMs: 0,
    filter: EVERYTHING,
  });
}

Deno.test("the 41 need no note, and a name decides where nothing was discovered", async () => {
  await using folder = await tempFolder();
  assert.equal(await claimMarket(folder.path, "GDAXIm"), "index");
  assert.equal(await claimMarket(folder.path, "EURUSD@fxcm"), "fx");
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  assert.equal(await marketIn(folder.path, "AAPL"), "stock");
});

Deno.test("a discovered market holds from the first file on, whatever is discovered later", async () => {
  await using folder = await tempFolder();
  await discoverUs30(folder.path, "Indices\\US30m");
  assert.equal(await marketIn(folder.path, "US30"), "index");
  assert.equal(await claimMarket(folder.path, "US30"), "index");
  await discoverUs30(folder.path, "Stocks\\US30m");
  assert.equal(await claimMarket(folder.path, "US30"), "index");
  assert.equal(await marketIn(folder.path, "US30"), "index");
});

Deno.test("files that were there before stay where they are", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/ticks/stock/US30`, { recursive: true });
  await discoverUs30(folder.path, "Indices\\US30m");
  assert.equal(await marketIn(folder.path, "US30"), "stock");
  assert.equal(await claimMarket(folder.path, "US30"), "stock");
});

Deno.test("writers that decide at once decide the same", async () => {
  await using folder = await tempFolder();
  const discovering = discoverUs30(folder.path, "Indices\\US30m");
  const claims = Array.from({ length: 8 }, () => claimMarket(folder.path, "US30"));
  const markets = new Set(await Promise.all(claims));
  await discovering;
  assert.equal(markets.size, 1);
  assert.equal(await marketIn(folder.path, "US30"), [...markets][0]);
});
