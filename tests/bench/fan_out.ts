import type { Channel } from "../../lib/log/channel.ts";
import type { Checkpoint, ReadOptions, Segment, TickLogReader } from "../../lib/log/tick_log.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { readSettings } from "../../lib/program/settings.ts";
import { gatewaySettings } from "../../workers/gateway/config.ts";
import { gatewayEvents } from "../../workers/gateway/events.ts";
import { runGateway } from "../../workers/gateway/gateway.ts";
import { LineChild } from "../support/line_child.ts";

/**
 * The gateway's fan-out alone: the log is a list in memory, everything after it is the real thing.
 * Clients are a process of their own. Prints what 1,000 ticks/s to 100 clients cost in time, and how
 * many ticks a second arrive when the log never runs out, one a frame and in batches.
 *
 * `deno run -A tests/bench/fan_out.ts [seconds] [clients]`
 */
const SECONDS = Number(Deno.args[0] ?? 5);
const CLIENTS = Number(Deno.args[1] ?? 100);
const SYMBOL = "EURUSD";

/** A log that hands out what the benchmark puts in. */
class HandedIn implements TickLogReader {
  lastId: TickId = NO_TICK;
  #waiting: Segment[] = [];
  #count = 0;
  #wake: (() => void) | undefined;
  /** When set, each read brings so many ticks, as soon as `mayRead` allows it. */
  endless = 0;
  taken = 0;
  mayRead: () => boolean = () => true;

  put(count: number): void {
    const segment = this.#make(count);
    this.#waiting.push(segment);
    this.#count += count;
    this.#wake?.();
  }

  async read(_after: ReadonlyMap<string, TickId>, options: ReadOptions = {}): Promise<Segment[]> {
    // A turn of the event loop, as any log that does its work elsewhere gives one.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.endless > 0) {
      while (!this.mayRead() && !options.signal?.aborted) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.taken += this.endless;
      return [this.#make(this.endless)];
    }
    if (this.#waiting.length === 0) await this.#wait(options.waitMs ?? 0);
    this.taken += this.#count;
    this.#count = 0;
    return this.#waiting.splice(0);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }

  #make(count: number): Segment {
    const ticks = Ticks.ofLength(count), nowMs = performance.timeOrigin + performance.now();
    const utcMs = Math.floor(nowMs);
    const firstId = nextId(this.lastId, utcMs);
    for (let index = 0; index < count; index++) {
      const tick = { serverMs: utcMs, ask: 1.1235, last: NaN, volume: 0, flags: 6 };
      ticks.set(index, { ...tick, bid: Math.round(nowMs * 1000) / 1000 });
      ticks.setUtcMs(index, utcMs);
      this.lastId = nextId(this.lastId, utcMs);
    }
    return { symbol: SYMBOL, firstId, lastId: this.lastId, ticks };
  }

  checkpoint(): Promise<Checkpoint> {
    return Promise.resolve({
      feed: "bench:memory:EURUSD",
      lastId: this.lastId,
      highServerMs: 0,
      floorMs: 0,
      watermarkMs: 0,
      ended: false,
      trimmedId: NO_TICK,
    });
  }

  async checkpoints(): Promise<Map<string, Checkpoint>> {
    return new Map([[SYMBOL, await this.checkpoint()]]);
  }

  epoch = () => Promise.resolve("bench");
  resumeKey = () => Promise.resolve("key");
  symbols = () => Promise.resolve([SYMBOL]);
  newest = () => Promise.resolve([]);
  commit = () => Promise.resolve();
  committed = () => Promise.resolve(new Map<string, TickId>());
  backlog = () => Promise.resolve(new Map<string, number>());
  [Symbol.asyncDispose] = () => Promise.resolve();
}

const silence: Channel = {
  publish: () => {},
  subscribe: () => () => {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

interface Report {
  readonly ticks: number;
  readonly latencies: number[];
}

/** What came to the clients since the last time. */
async function report(clients: LineChild): Promise<Report> {
  await clients.write("report\n");
  return JSON.parse(await clients.line());
}

/** All that was on its way, once nothing more comes. */
async function settled(clients: LineChild): Promise<Report> {
  let ticks = 0;
  const latencies: number[] = [];
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const more = await report(clients);
    ticks += more.ticks;
    for (const latency of more.latencies) latencies.push(latency);
    if (more.ticks === 0) return { ticks, latencies };
  }
}

function percentile(sorted: readonly number[], part: number): string {
  return (sorted[Math.floor(sorted.length * part)] ?? NaN).toFixed(2);
}

async function measure(kind: "paced" | "single" | "batch"): Promise<string> {
  const log = new HandedIn(), stop = new AbortController(), events = gatewayEvents();
  const up = Promise.withResolvers<string>();
  const done = runGateway({
    reader: log,
    channel: silence,
    events,
    settings: readSettings(gatewaySettings, { GATEWAY_PORT: "0" }),
    dataDir: "data/none",
    dataKind: "simulated",
    assets: new Map(),
    signal: stop.signal,
    ready: ({ url }) => up.resolve(url),
    onStream: (stream) => {
      log.mayRead = () => {
        for (const { wire } of stream.subscribers) if (wire.bufferedBytes > 262_144) return false;
        return true;
      };
    },
  });
  const port = new URL(await up.promise).port;
  try {
    const script = new URL("fan_out_clients.ts", import.meta.url).pathname;
    const batch = kind === "batch" ? "1" : "0";
    await using clients = LineChild.start(Deno.execPath(), [
      ...["run", "-A", "--no-check", script],
      ...[port, `${CLIENTS}`, batch],
    ]);
    await clients.line();
    await report(clients);
    const begunMs = performance.now(), takenBefore = log.taken;
    if (kind === "paced") await pace(log);
    else {
      log.endless = kind === "single" ? 20 : 200;
      log.put(1);
      await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
      log.endless = 0;
    }
    const seconds = (performance.now() - begunMs) / 1000;
    const { ticks, latencies } = await settled(clients);
    const part = 100 * ticks / ((log.taken - takenBefore) * CLIENTS);
    latencies.sort((a, b) => a - b);
    const memory = Math.round(Deno.memoryUsage().rss / 1e6);
    return `${kind.padEnd(7)} ${Math.round(ticks / seconds).toLocaleString("en")} ticks/s to ` +
      `${CLIENTS} clients, ${part.toFixed(2)} % delivered, ` +
      `p50 ${percentile(latencies, 0.5)} ms, p99 ${percentile(latencies, 0.99)} ms, ${memory} MB`;
  } finally {
    stop.abort();
    await done;
  }
}

/** 1,000 ticks a second, in the steps that a timer can make. */
async function pace(log: HandedIn): Promise<void> {
  const begunMs = performance.now();
  let put = 0;
  while (performance.now() - begunMs < SECONDS * 1000) {
    const due = Math.floor(performance.now() - begunMs);
    if (due > put) log.put(due - put);
    put = Math.max(put, due);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const kind of ["paced", "single", "batch"] as const) console.log(await measure(kind));
