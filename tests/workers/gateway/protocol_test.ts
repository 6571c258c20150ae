import assert from "node:assert/strict";
import { WsClient } from "../../support/ws_client.ts";
import { Rig, untilReady } from "./rig.ts";

Deno.test("every form of subscribe and unsubscribe is taken, and a wrong one leaves the connection open", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await rig.append("GBPUSD", 1);
  await using gateway = await rig.gateway({ GATEWAY_MAX_SYMBOLS: "3" });
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  const answers = async (message: object | string, count: number) => {
    const from = client.messages.length;
    client.send(message);
    await client.until(({ messages }) => messages.length >= from + count);
    return client.messages.slice(from);
  };

  const [subscribed, snapshot] = await answers({ subscribe: ["EURUSD"] }, 2);
  assert.deepEqual(subscribed?.subscribed, ["EURUSD"]);
  assert.equal(snapshot?.type, "snapshot");
  const [second] = await answers({ action: "subscribe", symbols: "GBPUSD", snapshot: false }, 1);
  assert.deepEqual(second?.subscribed, ["GBPUSD"]);
  assert.deepEqual(await answers({ action: "ping" }, 1), [{ type: "pong" }]);
  assert.deepEqual(await answers({ unsubscribe: ["EURUSD"] }, 1), [{ unsubscribed: ["EURUSD"] }]);
  assert.deepEqual(await answers({ unsubscribe: true }, 1), [{ unsubscribed: ["GBPUSD"] }]);

  const codes = [];
  for (
    const wrong of [
      "{",
      "[1]",
      { action: "buy" },
      { subscribe: ["NOSUCH"] },
      { subscribe: ["EURUSD", "GBPUSD", "USDJPY", "AUDUSD"] },
      { subscribe: ["EURUSD"], conflate_ms: -1 },
      { subscribe: ["EURUSD"], channels: ["bars:1m"] },
      { subscribe: ["EURUSD"], after: { EURUSD: "nonsense" } },
    ]
  ) {
    const [answer] = await answers(wrong, 1);
    codes.push(answer?.code);
  }
  assert.deepEqual(codes, [
    "invalid_json",
    "unknown_command",
    "unknown_command",
    "unknown_symbol",
    "too_many_symbols",
    "unknown_command",
    "unknown_command",
    "unknown_command",
  ]);
  assert.deepEqual(await answers({ action: "ping" }, 1), [{ type: "pong" }]);
});

Deno.test("a star subscribes to all symbols, also to one that comes later", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["*"] });
  await client.until((it) => it.ofType("snapshot").length === 1, "the snapshot");
  const ids = await rig.append("XAUUSD", 4);
  await client.until((it) => it.ids("XAUUSD").length === 4, "the new symbol's ticks");
  assert.deepEqual(client.ids("XAUUSD"), ids);
  client.send({ unsubscribe: ["XAUUSD"] });
  await client.until(({ messages }) => messages.some((it) => "unsubscribed" in it));
  await rig.append("XAUUSD", 1);
  await rig.append("GBPUSD", 1);
  await client.until((it) => it.ids("GBPUSD").length === 1, "another new symbol's tick");
  assert.deepEqual(client.ids("XAUUSD"), ids);
});

Deno.test("the path /ws/<symbol> subscribes at once", async () => {
  await using rig = await Rig.open();
  const [id] = await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(`${gateway.wsUrl}/EURUSD`);
  await client.until((it) => it.ofType("snapshot").length === 1, "the snapshot");
  assert.equal(client.ofType("snapshot")[0]?.id, id);
});

Deno.test("batch frames are arrays with every tick, conflation sends the newest", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using batch = await WsClient.open(gateway.wsUrl);
  const frames: unknown[] = [];
  batch.socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  batch.send({ subscribe: ["EURUSD"], batch: true, snapshot: false });
  await using conflated = await WsClient.open(gateway.wsUrl);
  conflated.send({ subscribe: ["EURUSD"], conflate_ms: 50, snapshot: false });
  await using quotes = await WsClient.open(gateway.wsUrl);
  quotes.send({ subscribe: ["EURUSD"], channels: ["quotes"], snapshot: false });
  for (const client of [batch, conflated, quotes]) {
    await client.until(({ messages }) => messages.length === 1, "the answer");
  }
  const ids = await rig.append("EURUSD", 700);
  await batch.until((it) => it.ids().length === 700, "700 ticks");
  await conflated.until((it) => it.ids().at(-1) === ids.at(-1), "the newest tick");
  await quotes.until((it) => it.ofType("quote").at(-1)?.id === ids.at(-1), "the newest quote");
  assert.ok(frames.every((frame) => Array.isArray(frame)));
  assert.deepEqual(batch.ids(), ids);
  assert.ok(conflated.ids().length < 100);
  assert.deepEqual(quotes.ids(), []);
});

Deno.test("the feed's absence is a gap for its symbols and a status for who asked", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  await using client = await WsClient.open(gateway.wsUrl);
  client.send({ subscribe: ["EURUSD"], channels: ["ticks", "status"] });
  await client.until((it) => it.ofType("snapshot").length === 1, "the snapshot");
  rig.channel.publish("feed", { state: "down", symbols: [], atMs: 1000 });
  rig.channel.publish("feed", { state: "up", symbols: ["EURUSD"], fromMs: 1000, atMs: 2500 });
  const gap = await client.untilMessage(({ type }) => type === "gap", "the gap");
  assert.deepEqual(gap, {
    type: "gap",
    symbol: "EURUSD",
    from: "1000-0",
    to: "2500-0",
    reason: "feed_down",
  });
  assert.deepEqual(client.ofType("status").map(({ state }) => state), ["down", "up"]);
});

Deno.test("a draining gateway tells its clients to come back and frees its port", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  let closed;
  {
    await using gateway = await rig.gateway();
    await untilReady(gateway);
    const client = await WsClient.open(gateway.wsUrl);
    closed = client.closed;
  }
  const { code, reason } = await closed;
  assert.equal(code, 1001);
  assert.match(reason, /reconnect/);
});

Deno.test("a client over the limit is closed with 4029, and a foreign page gets 403", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway({ GATEWAY_MAX_CLIENTS: "1" });
  await untilReady(gateway);
  await assert.rejects(WsClient.open(gateway.wsUrl, { origin: "https://evil.example" }), /403/);
  await assert.rejects(WsClient.open(gateway.wsUrl, { host: "evil.example" }), /403/);
  await using _first = await WsClient.open(gateway.wsUrl, { origin: new URL(gateway.url).origin });
  await using second = await WsClient.open(gateway.wsUrl);
  assert.equal((await second.closed).code, 4029);
});

Deno.test("a silent client is closed, one that answers pings stays", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway({ GATEWAY_PING_MS: "100", GATEWAY_SILENT_MS: "300" });
  await untilReady(gateway);
  await using silent = await WsClient.open(gateway.wsUrl);
  await using awake = await WsClient.open(gateway.wsUrl);
  silent.socket.pause();
  let pings = 0;
  awake.socket.on("ping", () => pings++);
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (pings < 6) return;
      clearInterval(look);
      resolve();
    }, 20);
  });
  silent.socket.resume();
  assert.equal((await silent.closed).code, 1006);
  assert.equal(awake.socket.readyState, awake.socket.OPEN);
});

Deno.test("a taken port is named with its setting", async () => {
  await using rig = await Rig.open();
  await using gateway = await rig.gateway();
  const port = new URL(gateway.url).port;
  await assert.rejects(rig.gateway({ GATEWAY_PORT: port }), new RegExp(`${port}.*GATEWAY_PORT`));
});
