/**
 * Appends 100 ticks at a time until it is killed, or meets its fail point, and prints each
 * acknowledged id. Arguments: twin, folder, the URL of Redis, the fail point.
 */
import { RedisTickLog } from "../../../lib/log/tick_log_redis.ts";
import { SpillingTickLog } from "../../../lib/log/tick_log_spilling.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { formatId, NO_TICK } from "../../../lib/market/tick_id.ts";
import { armFailPoint } from "../../../lib/program/fail_point.ts";
import { appendTo, DAY, ticksAt } from "../../contract/tick_log_suite.ts";

const [twin, folder = "", url = "", failPoint] = Deno.args;
const kind = "simulated", prefix = "simulated:";
const log = twin === "sqlite"
  ? await SqliteTickLog.open({ folder, kind })
  : twin === "redis"
  ? new RedisTickLog({ url, prefix })
  : await SpillingTickLog.open({ folder, kind, url, prefix });
armFailPoint(failPoint);
let tail = NO_TICK;
for (let at = DAY;; at += 50) {
  const times = Array.from({ length: 100 }, (_, index) => at + Math.floor(index / 2));
  tail = await appendTo(log, { tail, ticks: ticksAt(...times) });
  console.log(`${formatId(tail)}!`);
}
