/** `deno bench tests/lib/log/redis_tick_replies_bench.ts`: an XREAD of 10,000 ticks, both ways. */
import { Redis } from "ioredis";
import { RedisTickLog } from "../../../lib/log/tick_log_redis.ts";
import { RedisTickLogReader } from "../../../lib/log/tick_log_redis_reader.ts";
import { runsOf } from "../../../lib/log/redis_rows.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import { appendTo, DAY, ticksAt } from "../../contract/tick_log_suite.ts";
import { startRedis } from "../../support/redis_server.ts";

const dir = await Deno.makeTempDir();
const redis = await startRedis({ dir });
const options = { url: redis.url, prefix: "" };
const reader = new RedisTickLogReader(options), client = new Redis(redis.url);
const log = new RedisTickLog(options);
const times = Array.from({ length: 10_000 }, (_, index) => DAY + index);
await appendTo(log, { ticks: ticksAt(...times) });
await log[Symbol.asyncDispose]();

Deno.bench("straight into packed ticks", { baseline: true }, async () => {
  await reader.read(new Map([["EURUSD", NO_TICK]]), { maxTicks: 10_000 });
});

Deno.bench("by way of ioredis", async () => {
  const reply = await client.xread("COUNT", 10_000, "STREAMS", "ticks:EURUSD", "0-0");
  for (const [, entries] of reply ?? []) runsOf(entries);
});

globalThis.addEventListener("unload", () => {
  client.disconnect();
  redis.kill();
  Deno.removeSync(dir, { recursive: true });
});
