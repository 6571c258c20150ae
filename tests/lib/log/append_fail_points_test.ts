import assert from "node:assert/strict";
import { RedisTickLog } from "../../../lib/log/tick_log_redis.ts";
import { SpillingTickLog } from "../../../lib/log/tick_log_spilling.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import type { TickLog } from "../../../lib/log/tick_log.ts";
import { formatId, NO_TICK } from "../../../lib/market/tick_id.ts";
import { FAIL_POINT_EXIT_CODE } from "../../../lib/program/fail_point.ts";
import { appendTo, DAY, idsOf, readAll, ticksAt } from "../../contract/tick_log_suite.ts";
import { redisIsInstalled, startRedis } from "../../support/redis_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";

/** A program that ends in the third append of 100 ticks, at each step, and what the next one finds. */

const STEPS: Record<string, Record<string, number>> = {
  sqlite: { "append.before": 200, "append.inside": 200, "append.after": 300 },
  redis: { "append.before": 200, "append.after": 300 },
  spilling: { "append.before": 200, "append.inside": 200, "append.after": 300 },
};

for (const [twin, steps] of Object.entries(STEPS)) {
  for (const [step, stored] of Object.entries(steps)) {
    Deno.test({
      name: `the ${twin} log of a program that ended at ${step} holds ${stored} ticks and goes on`,
      ignore: twin !== "sqlite" && !redisIsInstalled(),
      async fn() {
        await using folder = await tempFolder();
        await using redis = twin === "sqlite" ? undefined : await startRedis();
        const url = redis?.url ?? "";
        const acknowledged = await appendUntilItEnds([twin, folder.path, url, `${step}:3`]);
        assert.equal(acknowledged, 2);
        await using log = await open(twin, folder.path, url);
        if (log instanceof SpillingTickLog) await until(() => log.spill === undefined);
        const ids = idsOf(await readAll(log));
        assert.equal(ids.length, stored);
        const tail = (await log.checkpoint("EURUSD"))?.lastId ?? NO_TICK;
        assert.equal(ids.at(-1), formatId(tail));
        const again = { symbol: "EURUSD", feed: "simulated:test:EURUSD", ticks: ticksAt(DAY) };
        const [result] = await log.append([{ ...again, expectedTail: { ms: DAY, n: 7 } }]);
        assert.equal(result?.outcome, "conflict");
        await appendTo(log, { tail, ticks: ticksAt(DAY + 1_000) });
        assert.equal(idsOf(await readAll(log)).at(-1), `${DAY + 1_000}-0`);
        assert.equal((await log.backlog("writer")).get("EURUSD"), stored + 1);
      },
    });
  }
}

/** How many appends were acknowledged before the program met its fail point. */
async function appendUntilItEnds(args: readonly string[]): Promise<number> {
  const script = new URL("append_loop.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
  }).output();
  assert.equal(code, FAIL_POINT_EXIT_CODE, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}

async function open(twin: string, folder: string, url: string): Promise<TickLog> {
  const kind = "simulated", prefix = "simulated:";
  if (twin === "sqlite") return await SqliteTickLog.open({ folder, kind });
  if (twin === "redis") return new RedisTickLog({ url, prefix });
  return await SpillingTickLog.open({ folder, kind, url, prefix });
}
