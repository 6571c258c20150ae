import assert from "node:assert/strict";
import { redisIsInstalled, startRedis } from "../../support/redis_server.ts";
import { WsClient } from "../../support/ws_client.ts";
import { Rig, untilReady } from "./rig.ts";

Deno.test({
  name: "over Redis a client is live, and resumes after a restart with every tick exactly once",
  ignore: !redisIsInstalled(),
}, async () => {
  await using redis = await startRedis();
  await using rig = await Rig.open(redis.url);
  const all = await rig.append("EURUSD", 5);
  const epoch = await rig.log.epoch();
  let lastId = "";
  {
    await using gateway = await rig.gateway();
    await untilReady(gateway);
    await using client = await WsClient.open(gateway.wsUrl);
    client.send({ subscribe: "*" });
    await client.until((it) => it.ofType("snapshot").length === 1, "the snapshot");
    assert.equal(client.messages[0]?.epoch, epoch);
    assert.equal(client.ofType("snapshot")[0]?.id, all.at(-1));
    const live = await rig.append("EURUSD", 20);
    const other = await rig.append("GBPUSD", 3);
    await client.until((it) => it.ids().length === 23, "live ticks, of a new symbol too");
    assert.deepEqual(client.ids("EURUSD"), live);
    assert.deepEqual(client.ids("GBPUSD"), other);
    lastId = live.at(-1) ?? "";
  }
  const missed = await rig.append("EURUSD", 4000);
  await using gateway = await rig.gateway();
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"], after: { EURUSD: `${epoch}:${lastId}` } });
  await client.until((it) => it.ids().length === 4000, "the missed ticks");
  const live = await rig.append("EURUSD", 3);
  await client.until((it) => it.ids().at(-1) === live.at(-1), "the newest tick");
  assert.deepEqual(client.ids(), [...missed, ...live]);
  assert.equal(client.ofType("recovered")[0]?.recovered, true);
});

Deno.test({
  name: "while the log cannot be reached a query is answered by 503, not by half of it",
  ignore: !redisIsInstalled(),
}, async () => {
  await using redis = await startRedis();
  await using rig = await Rig.open(redis.url);
  const ids = await rig.append("EURUSD", 50);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const { ticks } = await (await fetch(`${gateway.url}ticks/EURUSD`)).json();
  assert.deepEqual(ticks.map(({ id }: { id: string }) => id), ids);
  await redis.stop();
  for (const path of ["ticks/EURUSD", "ticks/EURUSD?format=csv", "bars/EURUSD?tf=1MIN"]) {
    const response = await fetch(gateway.url + path);
    const { status, title } = await response.json();
    assert.deepEqual([response.status, status], [503, 503], path);
    assert.match(title, /tick log cannot be reached/);
  }
});
