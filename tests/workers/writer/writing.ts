import assert from "node:assert/strict";
import { openDataFolder } from "../../../lib/capture/data_folder.ts";
import { BroadcastTwin } from "../../../lib/log/channel_broadcast.ts";
import { openLog } from "../../../lib/log/open_log.ts";
import { openLogReader } from "../../../lib/log/open_log.ts";
import type { TickLog, TickLogReader } from "../../../lib/log/tick_log.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { Captures } from "../../../workers/writer/captures.ts";
import { writerEvents } from "../../../workers/writer/events.ts";
import { WriterHealth } from "../../../workers/writer/health.ts";
import { Peers } from "../../../workers/writer/peers.ts";
import { writeTicks } from "../../../workers/writer/write.ts";
import type { WriteOptions } from "../../../workers/writer/write_options.ts";

/** Monday 2025-12-22, 08:00 UTC. */
export const MORNING_MS = Date.UTC(2025, 11, 22, 8);
export const DAY_MS = 86_400_000;

/** `count` ticks, one a ms; `bid` tells two runs of the same times apart. */
export function ticksFrom(utcMs: number, count: number, bid = 1.1): Ticks {
  const ticks = Ticks.ofLength(count);
  for (let index = 0; index < count; index++) {
    const serverMs = utcMs + index;
    ticks.set(index, { serverMs, bid, ask: bid + 1, last: NaN, volume: NaN, flags: 6 });
    ticks.setUtcMs(index, serverMs);
  }
  return ticks;
}

/** A real log in a folder of its own, and the collector's part towards it. */
export class FilledLog implements AsyncDisposable {
  readonly log: TickLog;
  readonly dir: string;
  readonly #tails = new Map<string, TickId>();

  private constructor(dir: string, log: TickLog) {
    this.dir = dir;
    this.log = log;
  }

  static async open(dir: string): Promise<FilledLog> {
    return new FilledLog(
      dir,
      await openLog({ backend: "sqlite", dataDir: dir, kind: "simulated" }),
    );
  }

  reader(): Promise<TickLogReader> {
    const place = { backend: "sqlite", dataDir: this.dir, kind: "simulated" } as const;
    return openLogReader({ ...place, readerPositions: true });
  }

  async append(symbol: string, ticks: Ticks): Promise<void> {
    const expectedTail = this.#tails.get(symbol) ?? NO_TICK;
    const [result] = await this.log.append([{ symbol, feed: feedOf(symbol), expectedTail, ticks }]);
    assert.equal(result?.outcome, "appended");
    if (result.outcome === "appended") this.#tails.set(symbol, result.lastId);
  }

  async mark(symbol: string, watermarkMs: number, ended = false): Promise<void> {
    await this.log.mark([{ symbol, feed: feedOf(symbol), watermarkMs, ended }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]();
  }
}

export function feedOf(symbol: string): string {
  return `simulated:test:${symbol}`;
}

/** A writer in this process; `await using` drains it. */
export class Writing implements AsyncDisposable {
  readonly health: WriterHealth;
  readonly captures: Captures;
  /** Settles when the writer has ended; a test that expects a rejection awaits it. */
  readonly done: Promise<void>;
  readonly #stop = new AbortController();
  readonly #closing: () => Promise<void>;

  private constructor(parts: {
    health: WriterHealth;
    captures: Captures;
    run: (signal: AbortSignal) => Promise<void>;
    close: () => Promise<void>;
  }) {
    this.health = parts.health;
    this.captures = parts.captures;
    this.#closing = parts.close;
    this.done = parts.run(this.#stop.signal);
    this.done.catch(() => {});
  }

  static async start(
    log: TickLogReader,
    dataDir: string,
    overrides: Partial<WriteOptions> = {},
  ): Promise<Writing> {
    const folder = await openDataFolder(dataDir, "simulated");
    const channel = new BroadcastTwin({ kind: "simulated", dataDir });
    const peers = new Peers(channel);
    const events = writerEvents(telemetryOf("writer"));
    const captures = new Captures({ dataDir, maxSymbols: 100, peers, events });
    const health = new WriterHealth({
      dataDir,
      minFreeGb: 0,
      maxUsedPercent: 100,
      degradedBacklog: 10_000,
      criticalBacklog: 100_000,
    });
    const run = (signal: AbortSignal) =>
      writeTicks({
        log,
        channel,
        dataDir,
        folderId: folder.id,
        adoptFolder: false,
        captures,
        events,
        health,
        flushIntervalMs: 10,
        flushTicks: 2000,
        readTicks: 20_000,
        acceptGap: false,
        once: false,
        drainMs: 10_000,
        signal,
        ...overrides,
      });
    const close = async () => {
      peers[Symbol.dispose]();
      await channel[Symbol.asyncDispose]();
    };
    return new Writing({ health, captures, run, close });
  }

  reasonOf(symbol: string): string {
    return this.captures.get(symbol)?.reason ?? "";
  }

  /** Drains and ends it; rejects as the writer did. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => {});
    await this.#closing();
  }
}

/** How many rows stand in a file; 0 while there is none. */
export async function rowsIn(path: string): Promise<number> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return Math.max(0, text.split("\n").length - 2);
}

/** The ids of a file's rows, in order. */
export async function idsIn(path: string): Promise<string[]> {
  const lines = (await Deno.readTextFile(path)).split("\n").slice(1, -1);
  return lines.map((line) => line.split(",").at(-1) ?? "");
}

export function openPath(dataDir: string, symbol = "EURUSD", day = "2025-12-22"): string {
  return `${dataDir}/ticks/fx/${symbol}/${day}.csv.open`;
}
