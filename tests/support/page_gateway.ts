import { join } from "node:path";
import { logFolder, openLog } from "../../lib/log/open_log.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import { formatId, nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import { type Tick, Ticks } from "../../lib/market/tick.ts";
import { UNIVERSE } from "../../lib/market/universe.ts";

/**
 * The real gateway as a child process over an SQLite log that goes on being appended, so that a test
 * may kill the gateway and start it again on its port while the market moves on.
 */

const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const MAIN = join(ROOT, "workers", "gateway", "main.ts");
const CONFIG = join(ROOT, "deno.json");
const APPEND_EVERY_MS = 40;
const HISTORY_MS = 240_000;
const HISTORY_STEP_MS = 250;
/** Turns between two ticks of a symbol, about: nine of the symbols move a turn. */
const STEPS_PER_TICK = 4;
/** Only these move: the others have a quote and grow old. */
const MOVING = UNIVERSE.length - 4;

export class PageGateway implements AsyncDisposable {
  readonly url: string;
  readonly #port: number;
  readonly #dataDir: string;
  readonly #log: TickLog;
  readonly #ids = new Map<string, string[]>();
  readonly #tails = new Map<string, TickId>();
  #child: Deno.ChildProcess | undefined;
  #stopped = false;
  #step = 0;
  #feeding: Promise<void> = Promise.resolve();

  private constructor({ port, dataDir, log }: { port: number; dataDir: string; log: TickLog }) {
    this.url = `http://127.0.0.1:${port}/`;
    this.#port = port;
    this.#dataDir = dataDir;
    this.#log = log;
  }

  static async start(): Promise<PageGateway> {
    const dataDir = await Deno.makeTempDir({ prefix: "arbitrex-page-" });
    await Deno.mkdir(logFolder(dataDir), { recursive: true });
    const log = await openLog({ backend: "sqlite", dataDir, kind: "simulated" });
    const gateway = new PageGateway({ port: freePort(), dataDir, log });
    await gateway.#appendHistory();
    gateway.#feeding = gateway.#feed();
    await gateway.startProcess();
    return gateway;
  }

  /** Every id that the log has of a symbol, in order. */
  ids(symbol: string): readonly string[] {
    return this.#ids.get(symbol) ?? [];
  }

  /** Resolves when the gateway serves the log. */
  async startProcess(): Promise<void> {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", CONFIG, MAIN],
      cwd: this.#dataDir,
      env: {
        DATA_DIR: this.#dataDir,
        DATA_KIND: "simulated",
        GATEWAY_PORT: String(this.#port),
        HEALTH_PORT: "1",
        TICK_QUEUE_BACKEND: "sqlite",
      },
      stdout: "null",
      stderr: "null",
    }).spawn();
    let ended = false;
    void this.#child.status.then(() => ended = true);
    while (!await isReady(this.url)) {
      if (ended) throw new Error("Cannot start the gateway: the process has ended");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** SIGKILL: no farewell reaches the page. */
  async killProcess(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#feeding;
    await this.killProcess();
    await this.#log[Symbol.asyncDispose]();
    await Deno.remove(this.#dataDir, { recursive: true });
  }

  async #appendHistory(): Promise<void> {
    const untilMs = Date.now(), fromMs = untilMs - HISTORY_MS;
    for (const [index, { symbol }] of UNIVERSE.entries()) {
      const ticks: Tick[] = [];
      for (let at = fromMs + index; at < untilMs; at += HISTORY_STEP_MS) {
        ticks.push(this.#tickAt(at, { index, step: (at - fromMs) / HISTORY_STEP_MS }));
      }
      await this.#append(symbol, ticks);
    }
    this.#step = HISTORY_MS / HISTORY_STEP_MS * STEPS_PER_TICK;
  }

  async #feed(): Promise<void> {
    for (; !this.#stopped; this.#step++) {
      for (let count = 0; count < 9; count++) {
        const index = (this.#step * 9 + count) % MOVING, symbol = UNIVERSE[index]?.symbol ?? "";
        // Two ticks of one millisecond: their ids differ in the count alone.
        const first = this.#tickAt(Date.now(), { index, step: this.#step / STEPS_PER_TICK });
        const twin = { ...first, ask: first.ask + 10 ** -(UNIVERSE[index]?.digits ?? 5) };
        await this.#append(symbol, this.#step % 5 === 0 ? [first, twin] : [first]);
      }
      await new Promise((resolve) => setTimeout(resolve, APPEND_EVERY_MS));
    }
  }

  async #append(symbol: string, ticks: readonly Tick[]): Promise<void> {
    const packed = Ticks.from(ticks);
    ticks.forEach(({ serverMs }, index) => packed.setUtcMs(index, serverMs));
    const expectedTail = this.#tails.get(symbol) ?? NO_TICK;
    const feed = `simulated:seed-1:${symbol}`;
    const [result] = await this.#log.append([{ symbol, feed, expectedTail, ticks: packed }]);
    if (result?.outcome !== "appended") throw new Error(`Cannot append ${symbol}: conflict`);
    const ids = this.#ids.get(symbol) ?? [];
    this.#ids.set(symbol, ids);
    let id = result.firstId;
    for (const [index, { serverMs }] of ticks.entries()) {
      if (index > 0) id = nextId(id, serverMs);
      ids.push(formatId(id));
    }
    this.#tails.set(symbol, result.lastId);
  }

  #tickAt(serverMs: number, { index, step }: { index: number; step: number }): Tick {
    const digits = UNIVERSE[index]?.digits ?? 5;
    const base = digits === 5
      ? 0.65 + (index * 7 % 11) * 0.09
      : digits === 3
      ? 31 + index * 4
      : 1900;
    const wave = Math.sin(step / 121 + index) * 0.0009 + Math.sin(step / 27 + index * 2) * 0.0003 +
      Math.sin(step * 12.9898 + index) * 0.00008;
    const bid = Number((base * (1 + wave)).toFixed(digits));
    const spread = (5 + (Math.floor(step) * 7 + index) % 5) * 10 ** -digits;
    const ask = Number((bid + spread).toFixed(digits));
    return { serverMs, bid, ask, last: NaN, volume: NaN, flags: 6 };
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
