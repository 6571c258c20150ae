import assert from "node:assert/strict";
import { LogUnavailable } from "../../../lib/log/tick_log.ts";
import { RedisTickLogReader } from "../../../lib/log/tick_log_redis_reader.ts";
import { SpillingTickLog } from "../../../lib/log/tick_log_spilling.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import {
  appendTo,
  DAY,
  FEED,
  idsOf,
  readAll,
  tickLogSuite,
  ticksAt,
} from "../../contract/tick_log_suite.ts";
import { redisIsInstalled, type RedisServer, startRedis } from "../../support/redis_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";

const ignore = !redisIsInstalled();
const prefix = "simulated:";

async function twinsOn(
  redis: RedisServer,
  folder: string,
  more: { keepMs?: number; maxTicks?: number } = {},
) {
  const options = { url: redis.url, prefix };
  const log = await SpillingTickLog.open({ ...options, ...more, folder, kind: "simulated" });
  const reader = new RedisTickLogReader(options);
  return {
    log,
    reader,
    async [Symbol.asyncDispose]() {
      await reader[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}

/** Reads all ids, trying again while the reader's own connection is not back yet. */
async function idsIn(reader: RedisTickLogReader): Promise<string[]> {
  while (true) {
    try {
      return idsOf(await readAll(reader));
    } catch (cause) {
      if (!(cause instanceof LogUnavailable)) throw cause;
    }
  }
}

if (!ignore) {
  tickLogSuite("the spilling log", async () => {
    const redis = await startRedis(), folder = await tempFolder();
    const twins = await twinsOn(redis, folder.path);
    return {
      ...twins,
      async [Symbol.asyncDispose]() {
        await twins[Symbol.asyncDispose]();
        await redis[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}

for (const appendonly of ["everysec", "always"] as const) {
  Deno.test({
    name: `ticks of a Redis outage follow in order when it is back (appendfsync ${appendonly})`,
    ignore,
    async fn() {
      await using folder = await tempFolder();
      await using redis = await startRedis({ appendonly });
      await using twins = await twinsOn(redis, folder.path);
      const ids: string[] = [];
      let tail: TickId = NO_TICK;
      const add = async (ms: number) => {
        tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + ms, DAY + ms) });
        ids.push(`${DAY + ms}-0`, `${DAY + ms}-1`);
      };
      for (let ms = 0; ms < 20; ms++) await add(ms);
      assert.ok(twins.log.spill === undefined);
      await redis.kill();
      for (let ms = 20; ms < 40; ms++) await add(ms);
      const spill = (twins.log as SpillingTickLog).spill;
      assert.equal(spill?.ticks, 40);
      assert.equal(spill?.oldestMs, DAY + 20);
      await redis.restart();
      await add(40);
      await until(() => twins.log.spill === undefined);
      await add(41);
      assert.deepEqual(await idsIn(twins.reader), ids);
    },
  });
}

Deno.test({
  name: "a Redis that lost everything gets the very same ticks again",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    await using redis = await startRedis();
    await using twins = await twinsOn(redis, folder.path);
    let tail = await appendTo(twins.log, { ticks: ticksAt(DAY, DAY, DAY + 5) });
    const before = await readAll(twins.reader);
    await redis.kill();
    await redis.restart();
    tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 6) });
    await until(() => twins.log.spill === undefined);
    const ids = await idsIn(twins.reader);
    assert.deepEqual(ids, [...idsOf(before), `${DAY + 6}-0`]);
  },
});

Deno.test({
  name: "what the journal no longer holds is asked of the source again under a new epoch",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    await using redis = await startRedis();
    await using twins = await twinsOn(redis, folder.path, { keepMs: 0 });
    const epoch = await twins.log.epoch();
    let tail = NO_TICK;
    for (let ms = 0; ms < 5; ms++) {
      tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + ms) });
    }
    assert.notDeepEqual((await twins.log.checkpoint("EURUSD"))?.trimmedId, NO_TICK);
    await redis.kill();
    await redis.restart();
    tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 9) });
    await until(() => twins.log.spill === undefined);
    const append = { symbol: "EURUSD", feed: FEED, expectedTail: tail, ticks: ticksAt(DAY + 10) };
    const [result] = await twins.log.append([append]);
    assert.equal(result?.outcome, "conflict");
    assert.deepEqual(result.outcome === "conflict" && result.checkpoint?.lastId, NO_TICK);
    assert.notEqual(await twins.log.epoch(), epoch);
  },
});

Deno.test({
  name:
    "a collector without its journal goes on from Redis, and waits for it rather than begin anew",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    await using redis = await startRedis({ appendonly: "always" });
    let tail = NO_TICK;
    {
      await using twins = await twinsOn(redis, `${folder.path}/one`);
      tail = await appendTo(twins.log, { ticks: ticksAt(DAY, DAY + 9_000) });
    }
    await redis.kill();
    await using twins = await twinsOn(redis, `${folder.path}/two`);
    await assert.rejects(twins.log.checkpoint("EURUSD"), LogUnavailable);
    await redis.restart();
    await until(() => twins.log.spill === undefined);
    assert.deepEqual((await twins.log.checkpoint("EURUSD"))?.lastId, tail);
    assert.equal((await twins.log.resume("EURUSD", 5_000))?.recent.count, 1);
    await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 9_001) });
    assert.equal((await idsIn(twins.reader)).length, 3);
  },
});

Deno.test({
  name: "a journal that is full refuses more, and a restart in an outage loses nothing",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    await using redis = await startRedis({ appendonly: "always" });
    let tail = NO_TICK;
    {
      await using twins = await twinsOn(redis, folder.path, { maxTicks: 3 });
      tail = await appendTo(twins.log, { ticks: ticksAt(DAY) });
      await redis.kill();
      tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 1, DAY + 2) });
      const full = (cause: unknown) => cause instanceof LogUnavailable && cause.reason === "full";
      await assert.rejects(appendTo(twins.log, { tail, ticks: ticksAt(DAY + 3, DAY + 4) }), full);
    }
    await using twins = await twinsOn(redis, folder.path);
    assert.deepEqual((await twins.log.checkpoint("EURUSD"))?.lastId, tail);
    await redis.restart();
    await until(() => twins.log.spill === undefined);
    assert.deepEqual(await idsIn(twins.reader), [`${DAY}-0`, `${DAY + 1}-0`, `${DAY + 2}-0`]);
  },
});

Deno.test({
  name: "a reader that stands past the tail of a Redis that lost its end is set back to it",
  ignore,
  async fn() {
    await using folder = await tempFolder();
    const dir = `${folder.path}/redis`, saved = `${folder.path}/saved`;
    await using redis = await startRedis({ appendonly: "always", dir });
    await using twins = await twinsOn(redis, `${folder.path}/journal`, { keepMs: 0 });
    let tail: TickId = NO_TICK;
    for (let ms = 0; ms < 3; ms++) {
      tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + ms) });
    }
    const kept = tail, epoch = await twins.log.epoch();
    await copyFolder(`${dir}/appendonlydir`, saved);
    for (let ms = 3; ms < 6; ms++) {
      tail = await appendTo(twins.log, { tail, ticks: ticksAt(DAY + ms) });
    }
    await redis.kill();
    await Deno.remove(`${dir}/appendonlydir`, { recursive: true });
    await copyFolder(saved, `${dir}/appendonlydir`);
    await redis.restart();
    const committed = () => twins.reader.commit("writer", new Map([["EURUSD", tail]]));
    await until(() => committed().then(() => true, () => false));
    assert.deepEqual((await twins.reader.committed("writer")).get("EURUSD"), tail);

    await appendTo(twins.log, { tail, ticks: ticksAt(DAY + 6) });
    await until(() => (twins.log as SpillingTickLog).spill === undefined);
    assert.deepEqual((await twins.log.checkpoint("EURUSD"))?.lastId, kept);
    assert.deepEqual((await twins.reader.committed("writer")).get("EURUSD"), kept);
    assert.notEqual(await twins.reader.epoch(), epoch);
    const again = ticksAt(DAY + 3, DAY + 4, DAY + 5, DAY + 6);
    await appendTo(twins.log, { tail: kept, ticks: again });
    assert.equal((await twins.reader.backlog("writer")).get("EURUSD"), 4);
    assert.deepEqual(
      idsOf(await readAll(twins.reader, "EURUSD", kept)),
      [3, 4, 5, 6].map((ms) => `${DAY + ms}-0`),
    );
  },
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
