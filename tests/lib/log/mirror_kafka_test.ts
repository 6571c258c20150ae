import assert from "node:assert/strict";
import { join } from "node:path";
import type { TickMirror } from "../../../lib/log/mirror.ts";
import { mirrorSettings } from "../../../lib/log/mirror_settings.ts";
import { openMirror } from "../../../lib/log/open_mirror.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { nextTurn } from "../../../lib/program/pause.ts";
import { readSettings, type SettingTexts } from "../../../lib/program/settings.ts";
import type { DataKind } from "../../../lib/program/shared_settings.ts";
import { AppendedTicks, idsOf } from "../../support/appended.ts";
import { selfSigned } from "../../support/certificate.ts";
import { type KafkaBroker, kafkaIsInstalled, startKafka } from "../../support/kafka_broker.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";

const ignore = !kafkaIsInstalled();

async function mirrorTo(
  broker: Pick<KafkaBroker, "server">,
  { texts = {}, kind = "raw" }: { texts?: SettingTexts; kind?: DataKind } = {},
): Promise<TickMirror> {
  const settings = readSettings(mirrorSettings, {
    KAFKA_BOOTSTRAP_SERVERS: broker.server,
    ...texts,
  });
  const mirror = await openMirror({ settings, kind, telemetry: telemetryOf("collector") });
  assert.ok(mirror !== undefined);
  return mirror;
}

interface Message {
  readonly symbol: string;
  readonly id: string;
}

/** What the topic holds, by symbol, in the order of each symbol's partition. */
async function bySymbol(
  broker: KafkaBroker,
  topic: string,
  count: number,
): Promise<Map<string, Message[]>> {
  const messages = new Map<string, Message[]>();
  const partitions = new Map<string, number>();
  for (const { key, value, partition } of await broker.read(topic, count)) {
    const message: Message = JSON.parse(value);
    assert.equal(message.symbol, key);
    assert.equal(partitions.get(key) ?? partition, partition);
    partitions.set(key, partition);
    messages.set(key, [...(messages.get(key) ?? []), message]);
  }
  return messages;
}

Deno.test({
  name: "the mirror in Kafka",
  ignore,
  async fn(t) {
    await using broker = await startKafka({ down: true });

    await t.step("takes ticks while Kafka is not there, and delivers them when it is", async () => {
      const mirror = await mirrorTo(broker);
      const eurusd = new AppendedTicks("EURUSD");
      mirror.offer(eurusd.next(3));
      await until(() => mirror.describe().failures > 0);
      assert.match(mirror.describe().cause ?? "", /^Cannot send ticks to Kafka: .*refused/i);
      assert.equal(mirror.describe().state, "down");
      mirror.offer(eurusd.next(2));
      assert.equal(mirror.describe().waitingTicks, 5);
      await broker.restart();
      await until(() => mirror.describe().mirroredTicks === 5);
      assert.equal(mirror.describe().state, "up");
      await mirror[Symbol.asyncDispose]();
      const [first, ...rest] = await broker.read("ticks", 5);
      assert.equal(first?.key, "EURUSD");
      assert.equal(
        first?.value,
        '{"type":"tick","symbol":"EURUSD","id":"1766390400000-0","ts":1766390400,' +
          '"ts_broker":1766397600,"bid":1.1,"ask":1.1001,"last":null,"volume":0,"flags":6,' +
          '"feed":"test:Demo:EURUSD"}',
      );
      assert.deepEqual(
        rest.map(({ value }) => JSON.parse(value).id),
        ["1766390400000-1", "1766390400010-0", "1766390400010-1", "1766390400020-0"],
      );
    });

    await t.step("brings each tick once and in order, whatever the sizes", async () => {
      const mirror = await mirrorTo(broker, { texts: { KAFKA_TOPIC: "ordered" } });
      const symbols = ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "US30"];
      const sources = symbols.map((symbol) => new AppendedTicks(symbol));
      const expected = new Map(symbols.map((symbol): [string, string[]] => [symbol, []]));
      for (let turn = 0; turn < 40; turn++) {
        for (const [index, source] of sources.entries()) {
          const appended = source.next(1 + (turn * 37 * (index + 1)) % 700);
          mirror.offer(appended);
          expected.get(source.symbol)?.push(...idsOf(appended));
        }
        await nextTurn();
      }
      const offered = [...expected.values()].flat().length;
      await until(() => mirror.describe().mirroredTicks === offered);
      await mirror[Symbol.asyncDispose]();
      assert.equal(mirror.describe().droppedTicks, 0);
      assert.equal(await broker.count("ordered"), offered);
      const read = await bySymbol(broker, "ordered", offered);
      assert.equal(read.size, symbols.length);
      for (const [symbol, messages] of read) {
        assert.deepEqual(messages.map(({ id }) => id), expected.get(symbol));
      }
    });

    await t.step("goes on after a crash of Kafka, without a hole and in order", async () => {
      const mirror = await mirrorTo(broker, { texts: { KAFKA_TOPIC: "crashed" } });
      const eurusd = new AppendedTicks("EURUSD");
      const expected: string[] = [];
      const offering = setInterval(() => {
        const appended = eurusd.next(10);
        mirror.offer(appended);
        expected.push(...idsOf(appended));
      }, 5);
      await until(() => mirror.describe().mirroredTicks > 200);
      await broker.kill();
      await until(() => mirror.describe().state === "down");
      const before = expected.length;
      await until(() => expected.length > before + 500);
      await broker.restart();
      const { mirroredTicks } = mirror.describe();
      await until(() => mirror.describe().mirroredTicks > mirroredTicks + 500);
      clearInterval(offering);
      await until(() => mirror.describe().waitingTicks === 0);
      await mirror[Symbol.asyncDispose]();
      // A batch whose confirmation the crash swallowed may be there twice, each tick by its id.
      const stored = await broker.count("crashed");
      const messages = (await bySymbol(broker, "crashed", stored)).get("EURUSD") ?? [];
      assert.deepEqual([...new Set(messages.map(({ id }) => id))], expected);
    });

    await t.step("keeps replayed ticks out of the topic of captured ones", async () => {
      const mirror = await mirrorTo(broker, { kind: "replay", texts: { KAFKA_TOPIC: "kinds" } });
      mirror.offer(new AppendedTicks("EURUSD").next(1));
      await mirror[Symbol.asyncDispose]();
      assert.equal(await broker.count("replay.kinds"), 1);
      await assert.rejects(broker.count("kinds"));
    });

    await t.step("drops the oldest when the queue is full, and counts them", async () => {
      await broker.kill();
      const mirror = await mirrorTo(broker, {
        texts: { KAFKA_TOPIC: "full", KAFKA_QUEUE_TICKS: "5000" },
      });
      const eurusd = new AppendedTicks("EURUSD");
      const ids: string[] = [];
      for (let turn = 0; turn < 100; turn++) {
        const appended = eurusd.next(100);
        mirror.offer(appended);
        ids.push(...idsOf(appended));
      }
      const { waitingTicks, droppedTicks } = mirror.describe();
      assert.deepEqual([waitingTicks, droppedTicks], [5_000, 5_000]);
      await broker.restart();
      await until(() => mirror.describe().mirroredTicks === 5_000);
      await mirror[Symbol.asyncDispose]();
      const messages = (await bySymbol(broker, "full", 5_000)).get("EURUSD") ?? [];
      assert.deepEqual(messages.map(({ id }) => id), ids.slice(-5_000));
    });

    await t.step({
      name: "ends in time when Kafka has frozen",
      ignore: Deno.build.os === "windows",
      async fn() {
        const mirror = await mirrorTo(broker, { texts: { KAFKA_TOPIC: "frozen" } });
        const eurusd = new AppendedTicks("EURUSD");
        mirror.offer(eurusd.next(3));
        await until(() => mirror.describe().mirroredTicks === 3);
        broker.freeze();
        mirror.offer(eurusd.next(4));
        const began = performance.now();
        await mirror[Symbol.asyncDispose]();
        assert.ok(performance.now() - began < 3_000);
        assert.equal(mirror.describe().droppedTicks, 4);
      },
    });

    await t.step("gives up at the end when Kafka is away, by name", async () => {
      await broker.kill();
      const mirror = await mirrorTo(broker);
      mirror.offer(new AppendedTicks("EURUSD").next(7));
      const began = performance.now();
      await mirror[Symbol.asyncDispose]();
      assert.ok(performance.now() - began < 3_000);
      assert.equal(mirror.describe().droppedTicks, 7);
    });
  },
});

Deno.test({
  name: "the mirror logs in to Kafka over TLS, and says why it cannot",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    const pem = await selfSigned("DNS:localhost");
    assert.ok(pem !== undefined, "openssl is missing; apt-get install openssl");
    await Deno.writeTextFile(join(folder.path, "cert.pem"), pem.cert);
    const password = "correct horse";
    const login = { username: "arbitrex", password };
    await using broker = await startKafka({ secure: { ...pem, ...login } });
    const texts = {
      KAFKA_BOOTSTRAP_SERVERS: broker.secureServer,
      KAFKA_CA_FILE: join(folder.path, "cert.pem"),
      KAFKA_SASL_USERNAME: login.username,
      KAFKA_SASL_PASSWORD: password,
    };
    for (const mechanism of ["PLAIN", "SCRAM-SHA-512"]) {
      const topic = mechanism.toLowerCase();
      const mirror = await mirrorTo(broker, {
        texts: { ...texts, KAFKA_SASL_MECHANISM: mechanism, KAFKA_TOPIC: topic },
      });
      mirror.offer(new AppendedTicks("EURUSD").next(3));
      await until(() => mirror.describe().state !== "connecting");
      assert.equal(mirror.describe().cause, undefined);
      await mirror[Symbol.asyncDispose]();
      assert.equal(await broker.count(topic), 3);
    }
    const wrong: [SettingTexts, RegExp][] = [
      [{ KAFKA_SASL_PASSWORD: "wrong" }, /SASL|authentication/i],
      [{ KAFKA_CA_FILE: "", KAFKA_TLS: "1" }, /certificate|UnknownIssuer/i],
    ];
    for (const [other, expected] of wrong) {
      const mirror = await mirrorTo(broker, { texts: { ...texts, ...other } });
      mirror.offer(new AppendedTicks("EURUSD").next(1));
      await until(() => mirror.describe().state === "down");
      const { cause = "" } = mirror.describe();
      assert.match(cause, expected);
      assert.ok(!cause.includes(password));
      await mirror[Symbol.asyncDispose]();
    }
  },
});
