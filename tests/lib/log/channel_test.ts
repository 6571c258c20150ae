import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Beat } from "../../../lib/log/channel.ts";
import { BroadcastTwin } from "../../../lib/log/channel_broadcast.ts";
import { HttpTwin } from "../../../lib/log/channel_http.ts";
import { RedisTwin } from "../../../lib/log/channel_redis.ts";
import { beatSchema } from "../../../lib/log/channel_schema.ts";
import { type ChannelOptions, openChannel } from "../../../lib/log/open_channel.ts";
import { channelSuite, frozenBeat } from "../../contract/channel_suite.ts";
import { until } from "../../support/until.ts";
import { redisIsInstalled, startRedis } from "../../support/redis_server.ts";

const ignore = !redisIsInstalled();

channelSuite("broadcast", () => {
  const dataDir = crypto.randomUUID();
  return Promise.resolve({
    open: () => new BroadcastTwin({ kind: "raw", dataDir }),
    openForeign: () => new BroadcastTwin({ kind: "replay", dataDir }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

channelSuite("redis", async () => {
  const redis = await startRedis();
  return {
    open: () => new RedisTwin({ url: redis.url, prefix: "" }),
    openForeign: () => new RedisTwin({ url: redis.url, prefix: "simulated:" }),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}, { ignore });

Deno.test(
  "redis: beats are dropped while Redis is away and flow again when it is back",
  { ignore },
  async () => {
    await using redis = await startRedis();
    await using sender = new RedisTwin({ url: redis.url, prefix: "" });
    await using receiver = new RedisTwin({ url: redis.url, prefix: "" });
    const heard: Beat[] = [];
    receiver.subscribe("beat", (beat) => heard.push(beat));
    const publish = (atMs: number) => sender.publish("beat", { ...frozenBeat, atMs });
    await until(() => (publish(1), heard.length > 0));
    await redis.kill();
    for (let i = 0; i < 1000; i++) publish(2);
    await redis.restart();
    await until(() => (publish(3), heard.some((beat) => beat.atMs === 3)));
    assert.ok(!heard.some((beat) => beat.atMs === 2));
  },
);

Deno.test(
  "redis: garbage on the topic is left out and the next beat still arrives",
  { ignore },
  async () => {
    await using redis = await startRedis();
    await using sender = new RedisTwin({ url: redis.url, prefix: "" });
    await using receiver = new RedisTwin({ url: redis.url, prefix: "" });
    const heard: Beat[] = [];
    receiver.subscribe("beat", (beat) => heard.push(beat));
    await until(() => (sender.publish("beat", frozenBeat), heard.length > 0));
    heard.length = 0;
    sender.publish("beat", { ...frozenBeat, program: "<script>" });
    await until(() => (sender.publish("beat", frozenBeat), heard.length > 0));
    assert.equal(heard[0]?.program, "writer");
  },
);

Deno.test("redis: a channel that never reached Redis closes", async () => {
  const channel = new RedisTwin({ url: "redis://127.0.0.1:1/0", prefix: "" });
  channel.subscribe("beat", () => {});
  channel.publish("beat", frozenBeat);
  await channel[Symbol.asyncDispose]();
});

Deno.test("broadcast: another thread hears the last beat of a channel that closes at once", async () => {
  const dataDir = crypto.randomUUID();
  const module = new URL("../../../lib/log/channel_broadcast.ts", import.meta.url).href;
  const source = `import { BroadcastTwin } from "${module}";
    const channel = new BroadcastTwin({ kind: "raw", dataDir: "${dataDir}" });
    onmessage = async () => {
      channel.publish("wake", { epoch: "last" });
      await channel[Symbol.asyncDispose]();
      self.close();
    };
    postMessage("ready");`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/typescript" }));
  await using witness = new BroadcastTwin({ kind: "raw", dataDir });
  let heard = false;
  witness.subscribe("wake", () => heard = true);
  const worker = new Worker(url, { type: "module" });
  worker.onmessage = () => worker.postMessage("publish");
  await until(() => heard);
  worker.terminate();
  URL.revokeObjectURL(url);
});

Deno.test("broadcast: a message that cannot be cloned is reported and not thrown", async () => {
  await using channel = new BroadcastTwin({ kind: "raw", dataDir: crypto.randomUUID() });
  channel.publish("beat", { ...frozenBeat, metrics: [() => {}] });
});

Deno.test("http: a beat is posted as it is, and one of a close arrives", async () => {
  await using health = await startReceiver();
  const channel = new HttpTwin({ healthPort: health.port });
  channel.publish("beat", frozenBeat);
  await until(() => health.beats.length === 1);
  channel.publish("beat", { ...frozenBeat, leaving: true });
  await channel[Symbol.asyncDispose]();
  assert.deepEqual(health.beats, [frozenBeat, { ...frozenBeat, leaving: true }]);
  assert.equal(health.connections, 1, "the connection is kept alive");
});

Deno.test("http: while one post is on its way only the newest beat waits", async () => {
  const held = Promise.withResolvers<void>();
  await using health = await startReceiver(held.promise);
  await using channel = new HttpTwin({ healthPort: health.port });
  for (let atMs = 1; atMs <= 100; atMs++) channel.publish("beat", { ...frozenBeat, atMs });
  await until(() => health.beats.length === 1);
  held.resolve();
  await until(() => health.beats.length === 2);
  assert.deepEqual(health.beats.map((beat) => beat.atMs), [1, 100]);
});

Deno.test("http: no health program, one that appears later, and one that never answers", async () => {
  const gone = await startReceiver();
  await gone[Symbol.asyncDispose]();
  await using channel = new HttpTwin({ healthPort: gone.port });
  channel.publish("beat", frozenBeat);
  await using health = await startReceiver(new Promise(() => {}), gone.port);
  await until(() => (channel.publish("beat", frozenBeat), health.beats.length > 1));
});

Deno.test("http: other topics and an unknown port are silent", async () => {
  await using health = await startReceiver();
  const channel = new HttpTwin({ healthPort: health.port });
  channel.publish("wake", { epoch: "a" });
  channel.subscribe("committed", () => {})();
  await channel[Symbol.asyncDispose]();
  await using unknown = new HttpTwin({ healthPort: 0 });
  unknown.publish("beat", frozenBeat);
  assert.equal(health.connections, 0);
});

Deno.test("the channel is chosen by where the log is", async () => {
  const options: ChannelOptions = {
    embedded: true,
    redisUrl: "redis://127.0.0.1:1/0",
    backend: "auto",
    kind: "simulated",
    dataDir: crypto.randomUUID(),
    healthPort: 1,
    role: "program",
  };
  await using redis = openChannel(options);
  await using local = openChannel({ ...options, backend: "sqlite" });
  await using posted = openChannel({ ...options, redisUrl: undefined, embedded: false });
  assert.ok(redis instanceof RedisTwin);
  assert.ok(local instanceof BroadcastTwin);
  assert.ok(posted instanceof HttpTwin);
});

Deno.test("the door refuses a beat with a wrong shape and keeps a right one whole", () => {
  const ticks = { status: "healthy", value: 1, threshold: 60, message: "", market: "closed" };
  const whole = { ...frozenBeat, components: { tick_collection: ticks } };
  for (const beat of [frozenBeat, whole]) assert.deepEqual(beatSchema.parse(beat), beat);
  const wrong = [
    { ...frozenBeat, level: "fine" },
    { ...frozenBeat, atMs: "now" },
    { ...frozenBeat, program: 'a"b' },
    { ...frozenBeat, components: { kitchen: frozenBeat.components.queue } },
    { ...frozenBeat, components: { queue: { status: "healthy" } } },
    null,
  ];
  for (const beat of wrong) assert.equal(beatSchema.safeParse(beat).success, false);
});

interface Receiver extends AsyncDisposable {
  readonly port: number;
  readonly beats: Beat[];
  readonly connections: number;
}

/** A health program's door, whose answers may be held back. */
async function startReceiver(
  answer: Promise<void> = Promise.resolve(),
  port = 0,
): Promise<Receiver> {
  const beats: Beat[] = [];
  let connections = 0;
  const server: Server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    beats.push(JSON.parse(body));
    await answer;
    response.writeHead(204).end();
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    beats,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
