import assert from "node:assert/strict";
import { WsClient } from "../../support/ws_client.ts";
import { Rig, START_MS, untilReady } from "./rig.ts";

Deno.test("a subscriber gets the answer, the snapshot and every tick after it", async () => {
  await using rig = await Rig.open();
  const before = await rig.append("EURUSD", 3);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ action: "subscribe", symbols: ["EURUSD"] });
  await client.until(({ messages }) => messages.length === 2, "answer and snapshot");
  const after = await rig.append("EURUSD", 5);
  await client.until((it) => it.ids().length === 5, "five ticks");

  const epoch = await rig.log.epoch();
  assert.deepEqual(client.messages[0], { subscribed: ["EURUSD"], epoch });
  assert.deepEqual(client.messages[1], {
    type: "snapshot",
    symbol: "EURUSD",
    id: before[2],
    ts: (START_MS + 2) / 1000,
    ts_broker: (START_MS + 2 + 7_200_000) / 1000,
    bid: 3,
    ask: 3.5,
    last: null,
    volume: 0,
  });
  assert.deepEqual(client.ids(), after);
});

Deno.test("snapshot and stream have no seam and no repetition while ticks are appended", async () => {
  await using rig = await Rig.open();
  const all = await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const appending = (async () => {
    for (let round = 0; round < 200; round++) all.push(...await rig.append("EURUSD", 3));
  })();
  const clients = [];
  for (let index = 0; index < 10; index++) {
    const client = await WsClient.open(gateway.wsUrl);
    client.send({ subscribe: ["EURUSD"] });
    await client.until((it) => it.ofType("snapshot").length > 0, "snapshot");
    clients.push(client);
  }
  await appending;
  for (const client of clients) {
    await client.until((it) => it.ids().at(-1) === all.at(-1) || it.ids().length === 0, "the end");
    const from = all.indexOf(String(client.ofType("snapshot")[0]?.id));
    assert.deepEqual(client.ids(), all.slice(from + 1));
    await client[Symbol.asyncDispose]();
  }
});
