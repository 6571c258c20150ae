import assert from "node:assert/strict";
import { WsClient } from "../../support/ws_client.ts";
import { Rig, untilReady } from "./rig.ts";

Deno.test("a client that resumes after a restart of the gateway gets every tick exactly once", async () => {
  await using rig = await Rig.open();
  const all = await rig.append("EURUSD", 5);
  const epoch = await rig.log.epoch();
  let lastId = "";
  {
    await using gateway = await rig.gateway();
    await untilReady(gateway);
    await using client = await WsClient.open(gateway.wsUrl);
    client.send({ subscribe: ["EURUSD"], after: { EURUSD: `${epoch}:0-0` } });
    await client.until((it) => it.ids().length === 5, "all there was");
    assert.deepEqual(client.ids(), all);
    lastId = all[4] ?? "";
  }
  const missed = await rig.append("EURUSD", 4000);
  await using gateway = await rig.gateway();
  // The client does not wait until the gateway has found its log.
  let appending = true;
  const live: string[] = [];
  const appends = (async () => {
    while (appending) live.push(...await rig.append("EURUSD", 7));
  })();
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"], after: { EURUSD: `${epoch}:${lastId}` } });
  await client.until((it) => it.ids().length > 5000, "the missed ticks and live ones");
  appending = false;
  await appends;
  const expected = [...missed, ...live];
  await client.until((it) => it.ids().at(-1) === expected.at(-1), "the newest tick");
  assert.deepEqual(client.ids(), expected);
  const [recovered] = client.ofType("recovered");
  assert.equal(recovered?.recovered, true);
  assert.ok(Number(recovered?.count) >= 4000);
  assert.equal(client.ofType("snapshot").length, 0);
});

Deno.test("a short resume comes from memory with its exact count", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using watcher = await WsClient.open(gateway.wsUrl);
  watcher.send({ subscribe: ["EURUSD"], snapshot: false });
  await watcher.until(({ messages }) => messages.length === 1, "the answer");
  const ids = await rig.append("EURUSD", 10);
  await watcher.until((it) => it.ids().length === 10, "ten ticks");
  await using client = await WsClient.open(gateway.wsUrl);
  const epoch = await rig.log.epoch();
  client.send({ subscribe: ["EURUSD"], after: { EURUSD: `${epoch}:${ids[3]}` } });
  await client.until((it) => it.ids().length === 6, "six ticks");
  assert.deepEqual(client.ofType("recovered"), [
    { type: "recovered", symbol: "EURUSD", recovered: true, count: 6 },
  ]);
  assert.deepEqual(client.ids(), ids.slice(4));
});

Deno.test("what cannot be recovered whole is refused with its reason and followed by a snapshot", async () => {
  await using rig = await Rig.open();
  const ids = await rig.append("EURUSD", 1000);
  for (let round = 0; round < 10; round++) await rig.append("GBPUSD", 1);
  const epoch = await rig.log.epoch();
  await rig.log.commit("writer", new Map([["GBPUSD", { ms: Date.now(), n: 0 }]]));
  await rig.log.trim({
    maxAgeMs: 0,
    maxCount: 2,
    nowMs: Date.now(),
    readers: ["writer"],
    overlapMs: 0,
  });
  const trimmed = (await rig.log.checkpoint("GBPUSD"))?.trimmedId;
  assert.ok(trimmed !== undefined && trimmed.ms > 0, "the log has trimmed something");
  await using gateway = await rig.gateway({ GATEWAY_MAX_RECOVER_TICKS: "100" });
  await untilReady(gateway);
  for (
    const [symbol, after, reason] of [
      ["EURUSD", `${epoch}:${ids[10]}`, "too_many"],
      ["EURUSD", `another:${ids[10]}`, "epoch"],
      ["EURUSD", `${epoch}:9999999999999-0`, "epoch"],
      ["GBPUSD", `${epoch}:0-0`, "trimmed"],
    ] as const
  ) {
    await using client = await WsClient.open(gateway.wsUrl);
    client.send({ subscribe: [symbol], after: { [symbol]: after } });
    await client.until((it) => it.ofType("snapshot").length === 1, reason);
    assert.deepEqual(client.ofType("recovered"), [
      { type: "recovered", symbol, recovered: false, reason },
    ]);
    assert.deepEqual(client.ids(), []);
  }
});

Deno.test("a log that is begun anew is told, and never mixed with the old one", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 3);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"] });
  await client.until((it) => it.ofType("snapshot").length === 1, "the first snapshot");
  await rig.beginAnew();
  const [id] = await rig.append("EURUSD", 1, 500);
  await client.until((it) => it.ofType("snapshot").length === 2 || it.ids().length === 1, "news");
  const epoch = await rig.log.epoch();
  const status = client.ofType("status")[0];
  assert.deepEqual(status, { type: "status", state: "epoch", epoch });
  const again = client.messages.slice(client.messages.indexOf(status ?? {}) + 1);
  assert.equal(again[0]?.epoch, epoch);
  assert.equal(again[1]?.id, id);
});
