import assert from "node:assert/strict";
import { mirrorEvents } from "../../../lib/log/mirror_events.ts";
import { KafkaMirror, type KafkaMirrorOptions } from "../../../lib/log/mirror_kafka.ts";
import { type KafkaMessages, reasonOf } from "../../../lib/log/mirror_kafka_client.ts";
import { MirrorQueue, RUN_BYTES } from "../../../lib/log/mirror_queue.ts";
import { mirrorSettings } from "../../../lib/log/mirror_settings.ts";
import { openMirror, topicOf } from "../../../lib/log/open_mirror.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { configureLog } from "../../../lib/program/log.ts";
import { readSettings, SettingsError, type SettingTexts } from "../../../lib/program/settings.ts";
import { AppendedTicks, idsOf } from "../../support/appended.ts";
import { until } from "../../support/until.ts";

/** Takes what it is sent, fails while `trouble` is set, and answers nothing while it is `stuck`. */
class ScriptedKafka {
  readonly sent: string[] = [];
  connections = 0;
  trouble: string | undefined;
  stuck = false;

  readonly connect = () => {
    this.connections++;
    return { send: (messages: KafkaMessages) => this.#send(messages), close: async () => {} };
  };

  async #send(messages: KafkaMessages): Promise<void> {
    if (this.stuck) await new Promise(() => {});
    if (this.trouble !== undefined) throw new Error(this.trouble);
    this.sent.push(...messages.map(({ value }) => JSON.parse(value.toString()).id));
  }
}

/** A mirror, the log lines it causes, its metrics, and the clock that spaces the lines. */
async function scripted(options: Partial<KafkaMirrorOptions> = {}) {
  const lines: string[] = [];
  await configureLog({ format: "text", level: "info", print: (line) => lines.push(line) });
  const telemetry = telemetryOf("collector");
  const clock = { now: 0 };
  const kafka = new ScriptedKafka();
  const mirror = new KafkaMirror({
    connect: kafka.connect,
    events: mirrorEvents(telemetry, { place: "Kafka", now: () => clock.now }),
    maxTicks: 100,
    maxBytes: 1_000_000,
    batchTicks: 10,
    lingerMs: 0,
    drainMs: 100,
    backOff: { minMs: 1, maxMs: 2 },
    ...options,
  });
  const metric = async (name: string) => {
    const metric = await telemetry.registry.getSingleMetric(name)?.get();
    return metric?.values.map(({ value }) => value).reduce((sum, value) => sum + value, 0);
  };
  return { mirror, kafka, lines, clock, metric };
}

Deno.test("a mirror says once a minute what goes wrong, and counts all of it", async () => {
  const { mirror, kafka, lines, clock, metric } = await scripted();
  kafka.trouble = "nobody listens";
  const eurusd = new AppendedTicks("EURUSD");
  mirror.offer(eurusd.next(5));
  await until(() => mirror.describe().failures >= 5);
  for (let turn = 0; turn < 30; turn++) mirror.offer(eurusd.next(5));
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /warning collector +Cannot mirror all ticks to Kafka: nobody listens/,
  );
  clock.now = 60_000;
  const { failures } = mirror.describe();
  await until(() => mirror.describe().failures > failures);
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? "", /since the last such line: \d+ failures, 55 ticks dropped/);
  kafka.trouble = undefined;
  await until(() => mirror.describe().state === "up");
  assert.match(lines[2] ?? "", /info +collector +mirrors ticks to Kafka again/);
  await mirror[Symbol.asyncDispose]();
  const { mirroredTicks } = mirror.describe();
  assert.equal(lines.length, 3);
  assert.deepEqual(
    [mirroredTicks, await metric("arbitrex_kafka_mirrored_total")],
    [100, 100],
  );
  assert.equal(await metric("arbitrex_kafka_dropped_total"), 55);
  assert.equal(await metric("arbitrex_kafka_failures_total"), mirror.describe().failures);
});

Deno.test("a connection that failed is not used again", async () => {
  const { mirror, kafka } = await scripted();
  await using _ = mirror;
  kafka.trouble = "out of order";
  mirror.offer(new AppendedTicks("EURUSD").next(1));
  await until(() => mirror.describe().failures >= 3);
  assert.ok(kafka.connections >= 3);
});

Deno.test("what is being sent is not dropped; what waits longest is", async () => {
  const { mirror, kafka } = await scripted();
  const eurusd = new AppendedTicks("EURUSD");
  kafka.trouble = "away";
  const first = eurusd.next(10);
  mirror.offer(first);
  await until(() => mirror.describe().failures > 0);
  const dropped = eurusd.next(20), kept = eurusd.next(90);
  mirror.offer(dropped);
  mirror.offer(kept);
  assert.equal(mirror.describe().waitingTicks, 100);
  assert.equal(mirror.describe().droppedTicks, 20);
  kafka.trouble = undefined;
  await mirror[Symbol.asyncDispose]();
  assert.deepEqual(kafka.sent, [...idsOf(first), ...idsOf(kept)]);
});

Deno.test("a mirror that ends sends what waits, however long it would linger", async () => {
  const { mirror, kafka, lines } = await scripted({ lingerMs: 600_000 });
  const appended = new AppendedTicks("EURUSD").next(7);
  mirror.offer(appended);
  await mirror[Symbol.asyncDispose]();
  assert.deepEqual(kafka.sent, idsOf(appended));
  assert.equal(lines.length, 1);
});

Deno.test("a Kafka that answers nothing holds up nobody, and what it did not take is counted", async () => {
  const { mirror, kafka, lines, metric } = await scripted();
  kafka.stuck = true;
  const eurusd = new AppendedTicks("EURUSD");
  for (let turn = 0; turn < 5; turn++) mirror.offer(eurusd.next(5));
  await mirror[Symbol.asyncDispose]();
  mirror.offer(eurusd.next(2));
  assert.equal(mirror.describe().droppedTicks, 27);
  assert.equal(await metric("arbitrex_kafka_dropped_total"), 27);
  assert.match(lines[0] ?? "", /the program ends before all were sent .*25 ticks dropped/);
});

Deno.test("ticks whose append was not confirmed are missed aloud", async () => {
  const { mirror, lines, metric } = await scripted();
  await using _ = mirror;
  const eurusd = new AppendedTicks("EURUSD");
  mirror.offer(eurusd.next(2));
  eurusd.next(3);
  mirror.offer(eurusd.next(1));
  assert.equal(await metric("arbitrex_kafka_missed_total"), 1);
  assert.match(lines[0] ?? "", /the answer to an append of EURUSD was lost/);
});

Deno.test("the queue is bounded by memory as by ticks", () => {
  const queue = new MirrorQueue({
    maxTicks: 1_000,
    maxBytes: 10 * (RUN_BYTES + 60),
    batchTicks: 4,
  });
  const eurusd = new AppendedTicks("EURUSD");
  const dropped = Array.from({ length: 12 }, () => queue.add(eurusd.next(1)));
  assert.deepEqual(dropped, [...Array(10).fill(0), 1, 1]);
  assert.equal(queue.ticks, 10);
  const batch = queue.take();
  assert.equal(batch.length, 4);
  assert.equal(queue.ticks, 10);
  queue.release(batch);
  assert.equal(queue.ticks, 6);
});

Deno.test("the queue keeps a copy of the ticks, cut to batches with the ids that follow", () => {
  const queue = new MirrorQueue({ maxTicks: 1_000, maxBytes: 1_000_000, batchTicks: 4 });
  const eurusd = new AppendedTicks("EURUSD");
  eurusd.next(1);
  const appended = eurusd.next(9);
  queue.add(appended);
  const bid = appended.ticks.bid(0);
  appended.ticks.bytes.fill(0);
  const taken = [queue.take(), queue.take(), queue.take(), queue.take()].flat();
  assert.deepEqual(taken.map(({ ticks }) => ticks.count), [4, 4, 1]);
  assert.equal(taken[0]?.ticks.bid(0), bid);
  assert.deepEqual(taken[0]?.firstId, appended.firstId);
  assert.deepEqual(taken.at(-1)?.lastId, appended.lastId);
});

async function opened(texts: SettingTexts) {
  const settings = readSettings(mirrorSettings, texts);
  return await openMirror({ settings, kind: "raw", telemetry: telemetryOf("collector") });
}

Deno.test("there is no mirror unless brokers are named, and none with DISABLE_KAFKA=1", async () => {
  assert.equal(await opened({}), undefined);
  const named = { KAFKA_BOOTSTRAP_SERVERS: "localhost:9092, [::1]:9093" };
  assert.equal(await opened({ ...named, DISABLE_KAFKA: "1" }), undefined);
  const mirror = await opened(named);
  assert.equal(mirror?.describe().state, "connecting");
  await mirror?.[Symbol.asyncDispose]();
});

Deno.test("settings of a mirror that cannot be are refused by name, without the password", async () => {
  const named = { KAFKA_BOOTSTRAP_SERVERS: "localhost:9092" };
  await assert.rejects(opened({ KAFKA_BOOTSTRAP_SERVERS: "localhost" }), (cause) => {
    return cause instanceof SettingsError && /expected host:port/.test(cause.message);
  });
  await assert.rejects(
    opened({ ...named, KAFKA_SASL_USERNAME: "me" }),
    /current KAFKA_SASL_PASSWORD is not set/,
  );
  await assert.rejects(opened({ ...named, KAFKA_CA_FILE: "no/such/file.pem" }));
});

Deno.test("each kind of data has a topic of its own", () => {
  assert.deepEqual(
    (["raw", "replay", "simulated"] as const).map((kind) => topicOf(kind, "ticks")),
    ["ticks", "replay.ticks", "simulated.ticks"],
  );
});

Deno.test("the reason of a failure is at the bottom of what Kafka's library throws", () => {
  const bottom = new Error("Connection failed.", { cause: new Error("refused") });
  const nested = new AggregateError([new Error("first"), new AggregateError([bottom], "b")], "a");
  assert.equal(reasonOf(nested), "Connection failed: refused");
});
