import assert from "node:assert/strict";
import { journalMaxTicks } from "../../../lib/log/log_settings.ts";
import { type LogPlace, openLog, openLogReader, redisPrefix } from "../../../lib/log/open_log.ts";
import { LogUnavailable } from "../../../lib/log/tick_log.ts";
import { RedisTickLogReader } from "../../../lib/log/tick_log_redis_reader.ts";
import { SpillingTickLog } from "../../../lib/log/tick_log_spilling.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { SqliteTickLogReader } from "../../../lib/log/tick_log_sqlite_reader.ts";
import { readSettings } from "../../../lib/program/settings.ts";
import { appendTo, DAY, ticksAt } from "../../contract/tick_log_suite.ts";
import { redisIsInstalled, startRedis } from "../../support/redis_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const ignore = !redisIsInstalled();
/** Nothing listens there: which twin is chosen does not depend on whether Redis answers. */
const NOBODY = "redis://127.0.0.1:1/0";

const CHOICES = [
  { backend: "auto", redisUrl: undefined, redis: false },
  { backend: "auto", redisUrl: NOBODY, redis: true },
  { backend: "sqlite", redisUrl: undefined, redis: false },
  { backend: "sqlite", redisUrl: NOBODY, redis: false },
  { backend: "redis", redisUrl: NOBODY, redis: true },
] as const;

for (const { backend, redisUrl, redis } of CHOICES) {
  const where = redis ? "Redis" : "a file";
  Deno.test(`TICK_QUEUE_BACKEND=${backend} ${redisUrl ? "with" : "without"} REDIS_URL: ${where}`, async () => {
    await using folder = await tempFolder();
    const place: LogPlace = { backend, redisUrl, dataDir: folder.path, kind: "simulated" };
    await using log = await openLog(place);
    await using reader = await openLogReader({ ...place, readerPositions: false });
    assert.ok(log instanceof (redis ? SpillingTickLog : SqliteTickLog));
    assert.ok(reader instanceof (redis ? RedisTickLogReader : SqliteTickLogReader));
  });
}

Deno.test("TICK_QUEUE_BACKEND=redis without REDIS_URL is refused by the names of both", async () => {
  const place: LogPlace = { backend: "redis", dataDir: "data/none", kind: "raw" };
  const named = /TICK_QUEUE_BACKEND=redis .*: current REDIS_URL is not set/;
  await assert.rejects(openLog(place), named);
  await assert.rejects(openLogReader({ ...place, readerPositions: true }), named);
});

Deno.test("kinds of data never share a name in Redis", () => {
  assert.deepEqual((["raw", "replay", "simulated"] as const).map(redisPrefix), [
    "",
    "replay:",
    "simulated:",
  ]);
});

Deno.test({
  name: "JOURNAL_MAX_TICKS bounds what waits while Redis is away",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    await using redis = await startRedis();
    const settings = readSettings({ journalMaxTicks }, { JOURNAL_MAX_TICKS: "1000" });
    await using log = await openLog({
      backend: "auto",
      redisUrl: redis.url,
      dataDir: folder.path,
      kind: "simulated",
      journalMaxTicks: settings.journalMaxTicks,
    });
    let tail = await appendTo(log, { ticks: ticksAt(DAY) });
    await redis.kill();
    const times = Array.from({ length: 1_000 }, (_, index) => DAY + 1 + index);
    tail = await appendTo(log, { tail, ticks: ticksAt(...times) });
    await assert.rejects(
      appendTo(log, { tail, ticks: ticksAt(DAY + 2_000) }),
      (cause) =>
        cause instanceof LogUnavailable && cause.reason === "full" &&
        cause.message.endsWith("current journal holds 1000 of at most 1000"),
    );
  },
});
