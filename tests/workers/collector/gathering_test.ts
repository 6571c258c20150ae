import assert from "node:assert/strict";
import { Ticks } from "../../../lib/market/tick.ts";
import { Gathering } from "../../../workers/collector/gathering.ts";

Deno.test("a gathering hands out all that has come, by symbol, in order of arrival", async () => {
  const gathering = new Gathering(10);
  await gathering.addTicks("EURUSD", Ticks.ofLength(2));
  await gathering.addTicks("USDJPY", Ticks.ofLength(1));
  await gathering.addTicks("EURUSD", Ticks.ofLength(3));
  gathering.addPresent({ nowUtcMs: 2, watermarkUtcMs: 1 });
  const group = await gathering.take();
  assert.equal(group?.count, 6);
  assert.equal(group.ticks.get("EURUSD")?.count, 5);
  assert.deepEqual(group.present, { nowUtcMs: 2, watermarkUtcMs: 1 });
});

Deno.test("whoever adds to a full gathering waits until it is taken", async () => {
  const gathering = new Gathering(2);
  let added = false;
  const adding = gathering.addTicks("EURUSD", Ticks.ofLength(2)).then(() => added = true);
  await Promise.resolve();
  assert.equal(added, false);
  assert.equal((await gathering.take())?.count, 2);
  await adding;
  assert.equal(added, true);
});

Deno.test("a closed gathering hands out the rest, then its cause", async () => {
  const gathering = new Gathering(10);
  await gathering.addTicks("EURUSD", Ticks.ofLength(1));
  gathering.close(new Error("socket gone"));
  assert.equal((await gathering.take())?.count, 1);
  await assert.rejects(gathering.take(), /socket gone/);

  const done = new Gathering(10);
  done.close();
  assert.equal(await done.take(), undefined);
});
