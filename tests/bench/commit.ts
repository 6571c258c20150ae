import { openLog } from "../../lib/log/open_log.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { freePort } from "../flow/rig.ts";
import { until } from "../support/until.ts";
import { median } from "./table.ts";

const TICKS = 10_000;

/**
 * From the append of 10,000 ticks of one symbol to their commit by a writer in a process of its own:
 * the rows are on the disk, and the log has been told.
 */
export async function measureCommit(runs: number): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "arbitrex-bench-" });
  const writer = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "workers/writer/main.ts"],
    cwd: new URL("../../", import.meta.url),
    env: {
      DATA_DIR: folder,
      DATA_KIND: "simulated",
      HEALTH_PORT: `${freePort()}`,
      LOG_LEVEL: "error",
    },
  }).spawn();
  try {
    await using log = await openLog({ backend: "sqlite", dataDir: folder, kind: "simulated" });
    let tail: TickId = NO_TICK;
    const milliseconds: number[] = [];
    // The first rounds warm the writer up: its code is compiled, the file is open.
    for (let round = 0; round < runs + 3; round++) {
      const ticks = made(tail.ms + 1);
      const began = performance.now();
      const [result] = await log.append([{
        symbol: "EURUSD",
        feed: "bench:x:EURUSD",
        expectedTail: tail,
        ticks,
      }]);
      if (result?.outcome !== "appended") throw new Error(`not appended: ${result?.outcome}`);
      tail = result.lastId;
      await until(async () => (await log.committed("writer")).get("EURUSD")?.ms === tail.ms, {
        intervalMs: 0,
      });
      if (round >= 3) milliseconds.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    return `${median(milliseconds).toFixed(1)} ms`;
  } finally {
    writer.kill("SIGKILL");
    await writer.status;
    await Deno.remove(folder, { recursive: true });
  }
}

function made(fromMs: number): Ticks {
  const ticks = Ticks.ofLength(TICKS);
  let id = nextId(NO_TICK, Math.max(fromMs, Date.UTC(2024, 0, 3)));
  for (let index = 0; index < TICKS; index++) {
    const bid = Math.round((1.1 + Math.sin(index / 500) / 100) * 1e5) / 1e5;
    ticks.set(index, { serverMs: id.ms, bid, ask: bid + 0.0001, last: NaN, volume: NaN, flags: 6 });
    ticks.setUtcMs(index, id.ms);
    id = nextId(id, id.ms + 5);
  }
  return ticks;
}
