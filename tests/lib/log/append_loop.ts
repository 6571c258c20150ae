/** Appends 100 ticks at a time until it is killed and prints each acknowledged id. */
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { formatId, NO_TICK } from "../../../lib/market/tick_id.ts";
import { appendTo, DAY, ticksAt } from "../../contract/tick_log_suite.ts";

const log = await SqliteTickLog.open({ folder: Deno.args[0] ?? "", kind: "simulated" });
let tail = NO_TICK;
for (let at = DAY;; at += 50) {
  const times = Array.from({ length: 100 }, (_, index) => at + Math.floor(index / 2));
  tail = await appendTo(log, { tail, ticks: ticksAt(...times) });
  console.log(`${formatId(tail)}!`);
}
