import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { RedisTickLog } from "../../../lib/log/tick_log_redis.ts";
import { RedisTickLogReader } from "../../../lib/log/tick_log_redis_reader.ts";
import { LogUnavailable } from "../../../lib/log/tick_log.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import {
  appendTo,
  DAY,
  idsOf,
  readAll,
  tickLogSuite,
  ticksAt,
} from "../../contract/tick_log_suite.ts";
import { redisIsInstalled, type RedisServer, startRedis } from "../../support/redis_server.ts";

const ignore = !redisIsInstalled();

function twinsOn(redis: RedisServer, own = false) {
  const options = { url: redis.url, prefix: "simulated:" };
  const log = new RedisTickLog(options), reader = new RedisTickLogReader(options);
  return {
    log,
    reader,
    async [Symbol.asyncDispose]() {
      await reader[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
      if (own) await redis[Symbol.asyncDispose]();
    },
  };
}

function because(reason: LogUnavailable["reason"]) {
  return (cause: unknown) => cause instanceof LogUnavailable && cause.reason === reason;
}

if (!ignore) tickLogSuite("the Redis log", async () => twinsOn(await startRedis(), true));

Deno.test({
  name: "Redis out of memory refuses an append whole",
  ignore,
  async fn() {
    await using redis = await startRedis({ args: ["--maxmemory", "3mb"] });
    await using twins = twinsOn(redis);
    let tail = NO_TICK, appended = 0;
    const fill = async () => {
      while (true) {
        const times = Array.from({ length: 1_000 }, (_, index) => DAY + appended + index);
        tail = await appendTo(twins.log, { tail, ticks: ticksAt(...times) });
        appended += 1_000;
      }
    };
    await assert.rejects(fill(), because("full"));
    assert.equal(idsOf(await readAll(twins.reader)).length, appended);
    assert.deepEqual((await twins.reader.checkpoint("EURUSD"))?.lastId, tail);
  },
});

Deno.test({
  name: "a Redis that became a replica is reported as read-only",
  ignore,
  async fn() {
    await using redis = await startRedis();
    await using twins = twinsOn(redis);
    const tail = await appendTo(twins.log, { ticks: ticksAt(DAY) });
    const operator = new Redis(redis.url);
    await operator.replicaof("127.0.0.1", 1);
    const append = appendTo(twins.log, { tail, ticks: ticksAt(DAY + 1) });
    await assert.rejects(append, because("readonly"));
    const commit = twins.reader.commit("writer", new Map([["EURUSD", tail]]));
    await assert.rejects(commit, because("readonly"));
    assert.equal(idsOf(await readAll(twins.reader)).length, 1);
    await operator.replicaof("NO", "ONE");
    await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 1) });
    operator.disconnect();
  },
});

Deno.test({
  name: "a Redis that was killed is down, and is used again once it is back",
  ignore,
  async fn() {
    await using redis = await startRedis({ appendonly: "always" });
    await using twins = twinsOn(redis);
    const tail = await appendTo(twins.log, { ticks: ticksAt(DAY) });
    const waiting = twins.reader.read(new Map([["EURUSD", tail]]), { waitMs: 60_000 });
    const lost = assert.rejects(waiting, because("down"));
    await redis.kill();
    await lost;
    await assert.rejects(appendTo(twins.log, { tail, ticks: ticksAt(DAY + 1) }), because("down"));
    await redis.restart();
    const retried = async () => {
      while (true) {
        try {
          return await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 1) });
        } catch (cause) {
          if (!because("down")(cause)) throw cause;
        }
      }
    };
    assert.deepEqual(await retried(), { ms: DAY + 1, n: 0 });
  },
});

Deno.test({
  name: "a forgotten script and a destroyed consumer group are made anew",
  ignore,
  async fn() {
    await using redis = await startRedis();
    await using twins = twinsOn(redis);
    const operator = new Redis(redis.url);
    let tail = await appendTo(twins.log, { ticks: ticksAt(DAY) });
    await twins.reader.commit("writer", new Map([["EURUSD", tail]]));
    await operator.script("FLUSH");
    await operator.xgroup("DESTROY", "simulated:ticks:EURUSD", "writer");
    tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 1) });
    await twins.reader.commit("writer", new Map([["EURUSD", tail]]));
    const groups = JSON.stringify(await operator.xinfo("GROUPS", "simulated:ticks:EURUSD"));
    assert.match(groups, new RegExp(`"writer".*"${tail.ms}-${tail.n}"`));
    operator.disconnect();
  },
});

Deno.test({
  name: "a password never shows in what a lost Redis is reported with",
  ignore,
  async fn() {
    await using log = new RedisTickLog({ url: "redis://:hunter22@127.0.0.1:1/0", prefix: "" });
    await assert.rejects(
      log.epoch(),
      (cause: Error) => because("down")(cause) && !Deno.inspect(cause).includes("hunter22"),
    );
  },
});
