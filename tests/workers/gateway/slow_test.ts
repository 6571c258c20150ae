import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { clientFrame, upgradeRequest } from "../../support/bare_web_socket.ts";
import { WsClient } from "../../support/ws_client.ts";
import { Rig, type RunningGateway, untilReady } from "./rig.ts";

/** Subscribes over bare TCP and never reads again. */
async function stuckReader(gateway: RunningGateway, subscribe: object): Promise<Socket> {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.on("error", () => {});
  socket.write(upgradeRequest());
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  socket.write(clientFrame("text", JSON.stringify(subscribe)));
  return socket;
}

async function metric(gateway: RunningGateway, name: string): Promise<number> {
  const values = (await gateway.events.telemetry.registry.getSingleMetric(name)?.get())?.values;
  return (values ?? []).reduce((sum, { value }) => sum + value, 0);
}

Deno.test("five clients that never read delay nobody and are ended when they asked for it", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway({ GATEWAY_SLOW_BYTES: "65536" });
  await untilReady(gateway);
  await using healthy = await WsClient.open(gateway.wsUrl);
  healthy.send({ subscribe: ["EURUSD"], batch: true, snapshot: false });
  await healthy.until(({ messages }) => messages.length === 1, "the answer");
  const stuck = [];
  for (let index = 0; index < 5; index++) {
    const onSlow = index < 3 ? "disconnect" : "conflate";
    stuck.push(await stuckReader(gateway, { subscribe: ["EURUSD"], on_slow: onSlow }));
  }
  const all: string[] = [];
  for (let round = 0; await metric(gateway, "arbitrex_gateway_slow_clients_total") < 5; round++) {
    all.push(...await rig.append("EURUSD", 2000));
    await healthy.until((it) => it.ids().at(-1) === all.at(-1), "a tick that is not delayed");
    assert.ok(round < 100, "the stuck clients are noticed");
  }
  assert.deepEqual(healthy.ids(), all);
  // Three are gone after their farewell, two are conflated until they are silent for too long.
  for (;;) {
    if (await metric(gateway, "arbitrex_gateway_clients") === 3) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const socket of stuck) socket.destroy();
});

Deno.test("a slow client is told its gap, gets the newest tick, and is live again once it reads", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway({ GATEWAY_SLOW_BYTES: "65536" });
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"], snapshot: false });
  await client.until(({ messages }) => messages.length === 1, "the answer");
  client.socket.pause();
  const all: string[] = [];
  while (await metric(gateway, "arbitrex_gateway_slow_clients_total") === 0) {
    all.push(...await rig.append("EURUSD", 2000));
  }
  all.push(...await rig.append("EURUSD", 2000));
  client.socket.resume();
  const gap = await client.untilMessage(({ type }) => type === "gap", "the gap");
  const live = await rig.append("EURUSD", 3);
  all.push(...live);
  await client.until((it) => it.ids().at(-1) === all.at(-1), "the newest tick");
  assert.equal(gap.reason, "slow_client");
  const from = all.indexOf(String(gap.from)), to = all.indexOf(String(gap.to));
  assert.ok(from > 0 && to > from);
  assert.deepEqual(client.ids(), [...all.slice(0, from), ...all.slice(to)]);
});
