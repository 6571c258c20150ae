import WebSocket from "ws";
import { Rig } from "../flow/rig.ts";
import { median, quantile } from "./table.ts";
import { until } from "../support/until.ts";

const SECONDS = 10;

/**
 * From the tick's own time at the invented source to the receipt in a client of another process; the
 * two share one clock, which counts in ms, so a figure is good to about one.
 */
export async function measureLatency(ticksPerSecond: number, runs: number): Promise<string> {
  const p50: number[] = [], p99: number[] = [];
  for (let run = 0; run < runs; run++) {
    await using rig = await Rig.open({
      shape: "embedded",
      settings: {
        CAPTURE_FROM: "now",
        SIMULATED_TICKS_PER_SECOND: `${ticksPerSecond}`,
        LOG_LEVEL: "warning",
      },
      args: [],
    });
    const latencies = await latenciesOf(rig, ticksPerSecond);
    p50.push(quantile(latencies, 0.5));
    p99.push(quantile(latencies, 0.99));
  }
  return `p50 ${median(p50).toFixed(1)} ms, p99 ${median(p99).toFixed(1)} ms`;
}

/** Starts what the rig has, and says how late a client got each tick, ms. */
export async function latenciesOf(rig: Rig, ticksPerSecond: number): Promise<number[]> {
  rig.startAll();
  await until(async () => (await fetch(`http://127.0.0.1:${rig.ports.gateway}/livez`)).ok);
  const latencies = await receive(`ws://127.0.0.1:${rig.ports.gateway}/ws`);
  if (latencies.length < ticksPerSecond * SECONDS / 2) {
    throw new Error(`only ${latencies.length} ticks came at ${ticksPerSecond}/s\n${rig.output}`);
  }
  return latencies;
}

function receive(url: string): Promise<number[]> {
  const latencies: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const socket = new WebSocket(url);
  const warmUntil = performance.now() + 3_000;
  socket.on("open", () => socket.send('{"action":"subscribe","symbols":["*"]}'));
  socket.on("error", reject);
  socket.on("message", (data) => {
    const now = performance.timeOrigin + performance.now();
    if (performance.now() < warmUntil) return;
    const message = JSON.parse(String(data));
    if (message.type === "tick") latencies.push(now - message.ts * 1000);
  });
  setTimeout(() => {
    socket.terminate();
    resolve(latencies);
  }, 3_000 + SECONDS * 1_000);
  return promise;
}
