import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { RedisConnection, redisReason } from "../../../lib/log/redis_connection.ts";
import { LogUnavailable } from "../../../lib/log/tick_log.ts";
import { RedisTickLog } from "../../../lib/log/tick_log_redis.ts";
import { RedisTickLogReader } from "../../../lib/log/tick_log_redis_reader.ts";
import { SpillingTickLog } from "../../../lib/log/tick_log_spilling.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { appendTo, DAY, idsOf, readAll, ticksAt } from "../../contract/tick_log_suite.ts";
import { redisIsInstalled, type RedisServer, startRedis } from "../../support/redis_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";

/** What Redis refuses with, met on the whole way: appender, journal in front of it, readers. */

const ignore = !redisIsInstalled();
const prefix = "simulated:";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

function because(reason: LogUnavailable["reason"], text: RegExp) {
  return (cause: unknown) =>
    cause instanceof LogUnavailable && cause.reason === reason && text.test(cause.message);
}

function operatorOf(redis: RedisServer): Redis & Disposable {
  const operator = new Redis(redis.url);
  return Object.assign(operator, { [Symbol.dispose]: () => operator.disconnect() });
}

/** Answers every command with these texts, in turn; the last one for ever, or no more when empty. */
function answering(...replies: string[]): { url: string } & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (socket: Deno.Conn) => {
    const decoder = new TextDecoder(), encoder = new TextEncoder();
    for await (const bytes of socket.readable) {
      const commands = decoder.decode(bytes).match(/^\*\d+\r$/gm) ?? [];
      for (const _ of commands) {
        const reply = replies.length > 1 ? replies.shift() : replies[0];
        if (reply === "") continue;
        await socket.write(encoder.encode(`${reply}\r\n`));
      }
    }
  };
  const serving = (async () => {
    for await (const socket of listener) serve(socket).catch(() => {});
  })();
  serving.catch(() => {});
  const { port } = listener.addr as Deno.NetAddr; // listen() without a transport is TCP
  return { url: `redis://127.0.0.1:${port}`, [Symbol.dispose]: () => listener.close() };
}

const TROUBLES: readonly {
  readonly name: string;
  readonly begin: (operator: Redis) => Promise<unknown>;
  readonly end: (operator: Redis) => Promise<unknown>;
  readonly cause: RegExp;
}[] = [
  {
    name: "out of memory",
    begin: (operator) => operator.config("SET", "maxmemory", "1"),
    end: (operator) => operator.config("SET", "maxmemory", "0"),
    cause: /OOM command not allowed/,
  },
  {
    name: "a replica",
    begin: (operator) => operator.replicaof("127.0.0.1", 1),
    end: (operator) => operator.replicaof("NO", "ONE"),
    cause: /READONLY You can't write/,
  },
  {
    name: "unable to save its data",
    async begin(operator) {
      const [, dir = ""] = await operator.config("GET", "dir") as string[]; // name and value
      await Deno.mkdir(`${dir}/dump.rdb/in_the_way`, { recursive: true });
      await operator.config("SET", "save", "3600 1");
      await operator.bgsave();
      await until(async () =>
        (await operator.info("persistence")).includes("rdb_last_bgsave_status:err")
      );
    },
    end: (operator) => operator.config("SET", "stop-writes-on-bgsave-error", "no"),
    cause: /MISCONF Redis is configured to save/,
  },
];

for (const { name, begin, end, cause } of TROUBLES) {
  test(`ticks wait in the journal while Redis is ${name}, and follow in order after it`, async () => {
    await using redis = await startRedis();
    await using folder = await tempFolder();
    await using log = await SpillingTickLog.open({
      folder: folder.path,
      kind: "simulated",
      url: redis.url,
      prefix,
    });
    await using reader = new RedisTickLogReader({ url: redis.url, prefix });
    using operator = operatorOf(redis);
    let tail: TickId = NO_TICK;
    for (let ms = 0; ms < 5; ms++) {
      tail = await appendTo(log, { tail, ticks: ticksAt(DAY + ms) });
    }
    await begin(operator);
    for (let ms = 5; ms < 10; ms++) {
      tail = await appendTo(log, { tail, ticks: ticksAt(DAY + ms) });
    }
    assert.match(log.spill?.cause ?? "", cause);
    assert.equal(idsOf(await readAll(reader)).length, 5, "readers go on with what is there");
    await end(operator);
    await until(() => log.spill === undefined);
    await appendTo(log, { tail, ticks: ticksAt(DAY + 10) });
    assert.deepEqual(
      idsOf(await readAll(reader)),
      Array.from({ length: 11 }, (_, ms) => `${DAY + ms}-0`),
    );
  });
}

test("a reader that waits while its Redis changes its role goes on waiting", async () => {
  await using redis = await startRedis();
  await using log = new RedisTickLog({ url: redis.url, prefix });
  await using reader = new RedisTickLogReader({ url: redis.url, prefix });
  using operator = operatorOf(redis);
  const tail = await appendTo(log, { ticks: ticksAt(DAY) });
  const waiting = reader.read(new Map([["EURUSD", tail]]), { waitMs: 30_000 });
  await blocked(operator);
  await operator.replicaof("127.0.0.1", 1);
  await operator.replicaof("NO", "ONE");
  await blocked(operator);
  await appendTo(log, { tail, ticks: ticksAt(DAY + 1) });
  assert.deepEqual(idsOf(await waiting), [`${DAY + 1}-0`]);
});

test("a reader that waits while its group and its stream are deleted goes on waiting", async () => {
  await using redis = await startRedis();
  await using log = new RedisTickLog({ url: redis.url, prefix });
  await using reader = new RedisTickLogReader({ url: redis.url, prefix });
  using operator = operatorOf(redis);
  let tail = await appendTo(log, { ticks: ticksAt(DAY) });
  await reader.commit("writer", new Map([["EURUSD", tail]]));
  const waiting = reader.read(new Map([["EURUSD", tail]]), { waitMs: 30_000 });
  await blocked(operator);
  await operator.xgroup("DESTROY", `${prefix}ticks:EURUSD`, "writer");
  await operator.del(`${prefix}ticks:EURUSD`);
  tail = await appendTo(log, { tail, ticks: ticksAt(DAY + 1) });
  assert.deepEqual(idsOf(await waiting), [`${DAY + 1}-0`]);
  await reader.commit("writer", new Map([["EURUSD", tail]]));
  assert.deepEqual((await reader.committed("writer")).get("EURUSD"), tail);
  const groups = JSON.stringify(await operator.xinfo("GROUPS", `${prefix}ticks:EURUSD`));
  assert.match(groups, /"writer"/);
});

test("a Redis that loads its data is down until it has, and then has all of them", async () => {
  await using redis = await startRedis({
    appendonly: "always",
    // A pause of 0.3 ms after each command, and clients are answered after each 1,024 of them.
    args: ["--key-load-delay", "300"],
  });
  await using folder = await tempFolder();
  await using log = await SpillingTickLog.open({
    folder: folder.path,
    kind: "simulated",
    url: redis.url,
    prefix,
  });
  await using direct = new RedisTickLog({ url: redis.url, prefix });
  await using reader = new RedisTickLogReader({ url: redis.url, prefix });
  let tail: TickId = NO_TICK;
  const all = Array.from({ length: 6_000 }, (_, index) => DAY + index);
  for (let from = 0; from < all.length; from += 500) {
    tail = await appendTo(log, { tail, ticks: ticksAt(...all.slice(from, from + 500)) });
  }
  await redis.kill();
  const restarted = redis.restart();
  const loading = because("down", /current state is LOADING Redis is loading/);
  await until(() => direct.checkpoints().then(() => false, loading));
  await until(() => readAll(reader).then(() => false, loading));
  tail = await appendTo(log, { tail, ticks: ticksAt(DAY + 6_000) });
  await restarted;
  await until(() => log.spill === undefined);
  const ids = [...all, DAY + 6_000].map((ms) => `${ms}-0`).join();
  await until(async () => idsOf(await readAll(reader)).join() === ids);
});

Deno.test("a Redis that answers LOADING to a reader's first command is tried again", async () => {
  using server = answering("-LOADING Redis is loading the dataset in memory");
  await using reader = new RedisTickLogReader({ url: server.url, prefix });
  const loading = because("down", /LOADING/);
  await assert.rejects(reader.epoch(), loading);
  await assert.rejects(reader.read(new Map([["EURUSD", NO_TICK]])), loading);
  await assert.rejects(reader.read(new Map([["EURUSD", NO_TICK]]), { waitMs: 50 }), loading);
});

Deno.test("a Redis that stops answering is down, not waited for without end", async () => {
  for (const waitMs of [undefined, 0, 50]) {
    using server = answering("+OK", "+OK", "");
    await using reader = new RedisTickLogReader({ url: server.url, prefix, answerMs: 100 });
    const call = waitMs === undefined
      ? reader.epoch()
      : reader.read(new Map([["EURUSD", NO_TICK]]), { waitMs });
    await assert.rejects(call, because("down", /current state is/));
  }
});

test("a missing and a wrong password are named, and never shown", async () => {
  await using redis = await startRedis();
  using operator = operatorOf(redis);
  await operator.config("SET", "requirepass", "correct");
  const cases = [
    [redis.url, /NOAUTH Authentication required/],
    [redis.url.replace("//", "//:hunter22@"), /WRONGPASS invalid username-password pair/],
    [redis.url.replace("//", "//:correct@"), undefined],
  ] as const;
  for (const [url, text] of cases) {
    await using reader = new RedisTickLogReader({ url, prefix });
    const calls = [() => reader.epoch(), () => reader.read(new Map([["EURUSD", NO_TICK]]))];
    for (const call of calls) {
      if (text === undefined) await call();
      else {
        await assert.rejects(call(), (cause: Error) => {
          assert.ok(!Deno.inspect(cause, { depth: 20 }).includes("hunter22"));
          return because("down", text)(cause);
        });
      }
    }
  }
});

Deno.test("a server without streams is named with the version that has them", async () => {
  using server = answering("-ERR unknown command `XREAD`, with args beginning with: `COUNT`");
  await using reader = new RedisTickLogReader({ url: server.url, prefix });
  await assert.rejects(
    reader.read(new Map([["EURUSD", NO_TICK]])),
    /Cannot read ticks in redis:\S+ as Redis 6\.2 or newer does: current answer is ERR unknown/,
  );
});

Deno.test("what is no reply to XREAD ends that connection and says so", async () => {
  using server = answering("+OK", "+OK", "*1\r\n:5");
  await using reader = new RedisTickLogReader({ url: server.url, prefix });
  await assert.rejects(reader.read(new Map([["EURUSD", NO_TICK]])), /current type is :/);
});

Deno.test("a script's error is understood with and without its line", () => {
  for (const before of ["", "ERR Error running script (call to f_1): @user_script:7: -"]) {
    assert.equal(redisReason(`${before}OOM command not allowed`), "full");
    assert.equal(redisReason(`${before}MISCONF Redis is configured`), "full");
    assert.equal(redisReason(`${before}READONLY You can't write`), "readonly");
    assert.equal(redisReason(`${before}NOREPLICAS Not enough good replicas`), "readonly");
  }
  assert.equal(redisReason("NOGROUP No such key 'k' or consumer group 'g'"), undefined);
});

test("aborted waits leave no listener on the signal that ends them", async () => {
  await using redis = await startRedis();
  await using reader = new RedisTickLogReader({ url: redis.url, prefix });
  const stop = new AbortController();
  let listeners = 0;
  const { addEventListener: add, removeEventListener: remove } = stop.signal;
  stop.signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add.apply(stop.signal, args);
  };
  stop.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove.apply(stop.signal, args);
  };
  const options = { waitMs: 2, signal: stop.signal };
  for (let turn = 0; turn < 5; turn++) {
    await reader.read(new Map([["EURUSD", NO_TICK]]), options);
    await reader.read(new Map(), options);
  }
  assert.equal(listeners, 0);
});

test("a connection is made when it is needed, and closed with its reader", async () => {
  await using redis = await startRedis();
  using operator = operatorOf(redis);
  const before = (await clients(operator)).length;
  {
    await using reader = new RedisTickLogReader({ url: redis.url, prefix });
    await reader.read(new Map([["EURUSD", NO_TICK]]));
    await reader.read(new Map([["EURUSD", NO_TICK]]), { waitMs: 1 });
    assert.equal((await clients(operator)).length, before + 3);
  }
  await until(async () => (await clients(operator)).length === before);
  using unused = new RedisConnection(redis.url);
  await unused.run("ask", (client) => client.ping());
});

async function clients(operator: Redis): Promise<string[]> {
  return String(await operator.client("LIST")).trim().split("\n");
}

async function blocked(operator: Redis): Promise<void> {
  await until(async () => (await operator.info("clients")).includes("blocked_clients:1"));
}
