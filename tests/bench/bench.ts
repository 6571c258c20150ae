import { parseArgs } from "node:util";
import { Rig } from "../flow/rig.ts";
import { machineLine, median, printTable, type Row } from "./table.ts";
import { until } from "../support/until.ts";
import { capturedSince, memoryMb } from "./watch.ts";
import { measureLatency } from "./latency.ts";
import { measureFanOut } from "./fan_out_rows.ts";
import { measureTerminal } from "./terminal.ts";
import { measureCommit } from "./commit.ts";
import { measureIngest } from "./ingest.ts";

/**
 * The speed table: `deno task bench [--runs 5] [--only throughput,latency,terminal,fanout,commit,ingest,memory]`.
 * Each figure is the median of the runs, measured on the whole system in child processes.
 */
const { values } = parseArgs({
  args: Deno.args,
  options: { runs: { type: "string", default: "5" }, only: { type: "string" } },
});
const runs = Number(values.runs);
const wanted = values.only?.split(",");
const rows: Row[] = [];

async function measure(group: string, work: () => Promise<Row[]>): Promise<void> {
  if (wanted !== undefined && !wanted.includes(group)) return;
  const measured = await work();
  for (const row of measured) console.log(`${row.measure}: ${row.here}`);
  rows.push(...measured);
}

await measure("throughput", async () => [
  {
    measure: "ticks/s, bridge → log → committed CSV, 41 symbols, embedded (SQLite)",
    alternative: "1,190 (19,064 tuned)",
    target: "150,000",
    here: await throughput("embedded", 2_000_000),
  },
  {
    measure: "the same through Redis (AOF everysec)",
    alternative: "7,579 (19,405 tuned)",
    target: "80,000",
    here: await throughput("redis_everysec", 500_000),
  },
]);
await measure("latency", async () => [
  {
    measure: "tick at the source → WebSocket client, 1,000 ticks/s",
    alternative: "p50 360 ms, p99 774 ms",
    target: "p50 2 ms, p99 10 ms",
    here: await measureLatency(1_000, runs),
  },
  {
    measure: "the same at 10,000 ticks/s",
    alternative: "saturated at 4,000",
    target: "p50 3 ms, p99 15 ms",
    here: await measureLatency(10_000, runs),
  },
]);
await measure("terminal", async () => {
  const { latency, cpu } = await measureTerminal(runs);
  const measure = "tick in the terminal → MT5 driver → WebSocket client, 41 symbols, 2,000 ticks/s";
  const alternative = "polls each 0.5 s";
  return [
    { measure, alternative, target: "p50 60 ms, p99 150 ms", here: latency },
    { measure: "CPU of that driver", alternative: "", target: "25 % of a core", here: cpu },
  ];
});
await measure("fanout", () => measureFanOut(runs));
await measure("commit", async () => [{
  measure: "10,000 ticks of one symbol to a committed file",
  alternative: "241 ms (Redis), 50 ms (SQLite)",
  target: "15 ms",
  here: await measureCommit(runs),
}]);
await measure("ingest", () => measureIngest(runs));
await measure("memory", async () => [{
  measure: "memory, steady, all programs in one process",
  alternative: "50 → 384 MB within 10 s of overload",
  target: "under 350 MB, flat",
  here: await memory(),
}]);

console.log(`\n${machineLine()}, median of ${runs}\n`);
printTable(rows);

/** Invented history, delivered as fast as it is taken, until it is over and sealed. */
async function throughput(shape: "embedded" | "redis_everysec", ticks: number): Promise<string> {
  const perSecond: number[] = [];
  const hour = 3_600;
  for (let run = 0; run < runs; run++) {
    const from = Date.UTC(2024, 0, 3, 8);
    await using rig = await Rig.open({
      shape,
      settings: {
        CAPTURE_FROM: "start",
        ONCE: "1",
        SIMULATED_FROM: new Date(from).toISOString(),
        SIMULATED_UNTIL: new Date(from + hour * 1000).toISOString(),
        SIMULATED_ONCE: "1",
        SIMULATED_TICKS_PER_SECOND: `${Math.round(ticks / hour)}`,
        LOG_LEVEL: "warning",
      },
      args: [],
    });
    rig.startAll();
    const { seconds, count } = await capturedSince(rig);
    perSecond.push(count / seconds);
  }
  return Math.round(median(perSecond)).toLocaleString("en");
}

/** Steady at 1,000 ticks/s, then ten seconds at as many as the source makes. */
async function memory(): Promise<string> {
  const figures: string[] = [];
  for (const rate of [1_000, 60_000]) {
    await using rig = await Rig.open({
      shape: "embedded",
      settings: {
        CAPTURE_FROM: "now",
        SIMULATED_TICKS_PER_SECOND: `${rate}`,
        LOG_LEVEL: "warning",
      },
      args: [],
    });
    rig.startAll();
    await until(async () => (await fetch(`http://127.0.0.1:${rig.ports.gateway}/livez`)).ok);
    const samples: number[] = [];
    for (let second = 0; second < 20; second++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      samples.push(memoryMb(rig.pid("start")));
    }
    const tail = samples.slice(-5);
    figures.push(
      `${Math.round(median(tail))} MB at ${rate.toLocaleString("en")}/s (most ${
        Math.round(Math.max(...samples))
      })`,
    );
  }
  return figures.join(", ");
}
