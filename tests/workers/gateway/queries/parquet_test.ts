import assert from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { readParquet } from "parquet-wasm/bundler";
import { Rig, START_MS, untilReady } from "../rig.ts";

Deno.test("Parquet holds the ticks that JSON shows, with or without a limit", async () => {
  await using rig = await Rig.open();
  const ids = await rig.append("EURUSD", 25_000);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  for (
    const [query, first, count] of [["", 0, 25_000], [`&after=${ids[99]}&limit=7`, 100, 7]] as const
  ) {
    const response = await fetch(`${gateway.url}ticks/EURUSD?format=parquet${query}`);
    assert.equal(response.status, 200);
    const table = tableFromIPC(readParquet(await response.bytes()).intoIPCStream());
    assert.equal(table.numRows, count);
    const row = table.get(count - 1)?.toJSON();
    assert.equal(Number(row?.timestamp_utc), START_MS + first + count - 1);
    assert.deepEqual([row?.bid, row?.last, row?.flags], [first + count, null, 6]);
  }
});

Deno.test("a range without ticks is a Parquet file of columns, and a CSV of its header", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const range = "from=2001-01-01&to=2001-01-02";
  const parquet = await fetch(`${gateway.url}ticks/EURUSD?${range}&format=parquet`);
  assert.equal(tableFromIPC(readParquet(await parquet.bytes()).intoIPCStream()).numRows, 0);
  const csv = await (await fetch(`${gateway.url}ticks/EURUSD?${range}&format=csv`)).text();
  assert.equal(csv, "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id\n");
  const json = await (await fetch(`${gateway.url}ticks/EURUSD?${range}`)).json();
  assert.deepEqual(json, { symbol: "EURUSD", ticks: [], count: 0, next_after: null });
});
