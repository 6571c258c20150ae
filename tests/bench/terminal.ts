import { fileURLToPath } from "node:url";
import { UNIVERSE } from "../../lib/market/universe.ts";
import { Rig } from "../flow/rig.ts";
import { ACCOUNT, FakeTerminal } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { latenciesOf } from "./latency.ts";
import { median, quantile } from "./table.ts";

const TICKS_PER_SECOND = 2_000;
const SECONDS = 60;
const CLOCK_TICKS_PER_SECOND = 100;

/**
 * From the tick's own time in a terminal that is a fake, through the real driver, to a client. The
 * clock is given: at a weekend nothing would be learned. Linux only: /proc tells the driver's CPU.
 */
export async function measureTerminal(runs: number): Promise<{ latency: string; cpu: string }> {
  const python = pythonWithNumpy();
  if (python === undefined) throw new Error("Cannot measure the terminal: no Python has numpy");
  const p50: number[] = [], p99: number[] = [], cpu: number[] = [], own: number[] = [];
  for (let run = 0; run < runs; run++) {
    await using terminal = await FakeTerminal.start({ symbols: {} });
    const share = TICKS_PER_SECOND / UNIVERSE.length;
    await terminal.rewrite({
      report: terminal.path("report.json"),
      symbols: Object.fromEntries(UNIVERSE.map(({ symbol }, seed) => [symbol, {
        generate: { fromUtcMs: Date.now(), seconds: SECONDS, ticksPerSecond: share, seed },
      }])),
    });
    const began = performance.now();
    {
      await using rig = await Rig.open({
        shape: "embedded",
        settings: {
          ...{ SOURCE: "mt5", PYTHON: python, BROKER_TZ: "America/New_York+7h" },
          ...{ MT5_LOGIN: `${ACCOUNT.login}`, MT5_PASSWORD: ACCOUNT.password },
          ...{ MT5_SERVER: ACCOUNT.server, LOG_LEVEL: "warning" },
          FAKE_MT5: terminal.path("script.json"),
          PYTHONPATH: fileURLToPath(new URL("../support/vendors", import.meta.url)),
        },
        interpreters: [python],
        args: [],
      });
      const latencies = await latenciesOf(rig, TICKS_PER_SECOND);
      p50.push(quantile(latencies, 0.5));
      p99.push(quantile(latencies, 0.99));
      cpu.push(
        cpuSecondsOf("mt5.py", rig.pid("start")) / ((performance.now() - began) / 1000) * 100,
      );
      await rig.kill("start", "SIGTERM");
    }
    const report = JSON.parse(await Deno.readTextFile(terminal.path("report.json")));
    own.push(report.seconds / ((performance.now() - began) / 1000) * 100);
  }
  return {
    latency: `p50 ${median(p50).toFixed(0)} ms, p99 ${median(p99).toFixed(0)} ms`,
    cpu: `${median(cpu).toFixed(0)} % of a core, ${median(own).toFixed(0)} of it the fake's own`,
  };
}

/** User and system time of the child of this process that runs the script. */
function cpuSecondsOf(script: string, parent: number): number {
  for (const { name: pid } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      // After the name, which may hold spaces: the parent is the 2nd field, user time the 12th, system
      // time the 13th.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
      if (fields[1] !== parent) continue;
      if (!Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(script)) continue;
      return ((fields[11] ?? NaN) + (fields[12] ?? NaN)) / CLOCK_TICKS_PER_SECOND;
    } catch (cause) {
      // It ended meanwhile.
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
  throw new Error(`Cannot tell the CPU time of ${script}: ${parent} has no such child`);
}
