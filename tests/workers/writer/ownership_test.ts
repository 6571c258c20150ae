import assert from "node:assert/strict";
import { openLog } from "../../../lib/log/open_log.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { Ticks } from "../../../lib/market/tick.ts";

const MAIN = new URL("../../../workers/writer/main.ts", import.meta.url).pathname;
const DAY_MS = Date.UTC(2025, 11, 22, 8);

function startWriter(dataDir: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN],
    env: { DATA_DIR: dataDir, DATA_KIND: "simulated" },
    stdout: "null",
    stderr: "null",
  }).spawn();
}

function ticksFrom(utcMs: number, count: number): Ticks {
  const ticks = Ticks.ofLength(count);
  for (let index = 0; index < count; index++) {
    const serverMs = utcMs + index;
    ticks.set(index, { serverMs, bid: 1.1, ask: 1.2, last: NaN, volume: NaN, flags: 6 });
    ticks.setUtcMs(index, serverMs);
  }
  return ticks;
}

async function waitForRows(path: string, rows: number): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (performance.now() < deadlineMs) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text.split("\n").length - 2 === rows) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot see ${rows} rows in ${path}`);
}

Deno.test("a second writer takes the symbols of one that was killed, and drains on SIGTERM", async () => {
  const dataDir = await Deno.makeTempDir();
  const feed = "simulated:test:EURUSD", symbol = "EURUSD";
  const path = `${dataDir}/ticks/fx/EURUSD/2025-12-22.csv.open`;
  const writers: Deno.ChildProcess[] = [];
  try {
    await using log = await openLog({ backend: "sqlite", dataDir, kind: "simulated" });
    const append = async (expectedTail: TickId, ticks: Ticks) => {
      const [result] = await log.append([{ symbol, feed, expectedTail, ticks }]);
      assert.equal(result?.outcome, "appended");
      return result.outcome === "appended" ? result.lastId : NO_TICK;
    };
    const tail = await append(NO_TICK, ticksFrom(DAY_MS, 100));
    const first = startWriter(dataDir);
    writers.push(first);
    await waitForRows(path, 100);
    const second = startWriter(dataDir);
    writers.push(second);
    first.kill("SIGKILL");
    await first.status;
    await append(tail, ticksFrom(DAY_MS + 1000, 100));
    await waitForRows(path, 200);
    second.kill("SIGTERM");
    assert.equal((await second.status).code, 0);
    assert.equal((await log.backlog("writer")).size, 0);
  } finally {
    for (const writer of writers) {
      try {
        writer.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await writer.status;
    }
    await Deno.remove(dataDir, { recursive: true });
  }
});
