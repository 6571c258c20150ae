import type { ChainableCommander } from "ioredis";
import { compareIds, formatId, NO_TICK, parseId, type TickId } from "../market/tick_id.ts";
import { pause } from "../program/pause.ts";
import { InTurn } from "./in_turn.ts";
import { RedisConnection } from "./redis_connection.ts";
import {
  plainCheckpoint,
  type RedisCheckpoint,
  redisCheckpoint,
  type RedisKeys,
  redisKeys,
} from "./redis_keys.ts";
import { nthOf, runsOf, type StreamEntry } from "./redis_rows.ts";
import { COMMIT } from "./redis_scripts.ts";
import { RedisTickReads } from "./redis_tick_reads.ts";
import { segmentsOf } from "./segments.ts";
import type { Checkpoint, ReadOptions, Segment, TickLogReader } from "./tick_log.ts";

const MAX_TICKS = 10_000;
/** How far a backlog looks for an entry that knows its number; also the longest step of a count. */
const COUNT_STEP = 512;

export interface RedisReaderOptions {
  readonly url: string;
  /** Of the kind of data; see `redisKeys`. */
  readonly prefix: string;
  /** How long an answer may take before the connection counts as lost, ms. */
  readonly answerMs?: number;
}

/** Reads the log in Redis Streams: plain XREAD, one connection for what waits, one for the rest. */
export class RedisTickLogReader implements TickLogReader {
  readonly #keys: RedisKeys;
  readonly #commands: RedisConnection;
  readonly #options: RedisReaderOptions;
  /** A blocked connection does nothing else, so reads that do not wait have one of their own. */
  #waiting: RedisTickReads | undefined;
  #immediate: RedisTickReads | undefined;
  /** Reads that wait go one after another. */
  readonly #turns = new InTurn();
  /** Streams that filled their share last time: what a read may ask of each. */
  #filled = 1;

  constructor(options: RedisReaderOptions) {
    this.#options = options;
    this.#keys = redisKeys(options.prefix);
    this.#commands = new RedisConnection(options.url, options);
  }

  async epoch(): Promise<string | undefined> {
    const epoch = await this.#commands.run(
      "read the epoch",
      (redis) => redis.get(this.#keys.epoch),
    );
    return epoch ?? undefined;
  }

  async resumeKey(): Promise<string | undefined> {
    const key = await this.#commands.run(
      "read the resume key",
      (redis) => redis.get(this.#keys.resumeKey),
    );
    return key ?? undefined;
  }

  async symbols(): Promise<string[]> {
    return [...(await this.redisCheckpoints()).keys()];
  }

  async checkpoints(): Promise<Map<string, Checkpoint>> {
    const rows = await this.redisCheckpoints();
    return new Map([...rows].map(([symbol, row]) => [symbol, plainCheckpoint(row)]));
  }

  async checkpoint(symbol: string): Promise<Checkpoint | undefined> {
    const row = (await this.redisCheckpoints([symbol])).get(symbol);
    return row && plainCheckpoint(row);
  }

  /** Checkpoints with what only this store needs; of all symbols when none are named. */
  async redisCheckpoints(symbols?: readonly string[]): Promise<Map<string, RedisCheckpoint>> {
    const names = symbols ??
      await this.#commands.run("list symbols", (redis) => redis.smembers(this.#keys.symbols));
    const hashes = await this.#pipeline<Record<string, string>>("read checkpoints", (pipeline) => {
      for (const symbol of names) pipeline.hgetall(this.#keys.checkpoint(symbol));
    });
    const rows = new Map<string, RedisCheckpoint>();
    names.forEach((symbol, index) => {
      const row = redisCheckpoint(hashes[index] ?? {});
      if (row) rows.set(symbol, row);
    });
    return rows;
  }

  async read(after: ReadonlyMap<string, TickId>, options: ReadOptions = {}): Promise<Segment[]> {
    const { waitMs = 0, signal } = options;
    if (waitMs <= 0) {
      return await this.#xread(
        this.#immediate ??= new RedisTickReads(this.#options.url, this.#options),
        after,
        options,
      );
    }
    if (after.size === 0) return await pause(waitMs, signal).then(() => []);
    const turn = this.#turns.run(() => this.#waitingRead(after, options));
    // What a read that was given up would have brought stays in the stream: nothing is lost.
    return await unlessAborted(turn, signal);
  }

  async newest(symbol: string, count: number): Promise<Segment[]> {
    if (count <= 0) return [];
    const entries = await this.#commands.run(
      `read ${symbol}`,
      (redis) => redis.xrevrange(this.#keys.stream(symbol), "+", "-", "COUNT", count),
    );
    return segmentsOf(symbol, runsOf(entries.reverse()));
  }

  /** Entries of a symbol in a range of ids, both inclusive. */
  async range(symbol: string, from: string, count?: number): Promise<StreamEntry[]> {
    const key = this.#keys.stream(symbol);
    return await this.#commands.run(
      `read ${symbol}`,
      (redis) =>
        count === undefined
          ? redis.xrange(key, from, "+")
          : redis.xrange(key, from, "+", "COUNT", count),
    );
  }

  async commit(reader: string, positions: ReadonlyMap<string, TickId>): Promise<void> {
    await this.#pipeline(`commit positions of ${reader}`, (pipeline) => {
      for (const [symbol, id] of positions) {
        const keys = [this.#keys.stream(symbol), this.#keys.readers(symbol)] as const;
        pipeline.eval(COMMIT, 2, ...keys, reader, formatId(id));
      }
    });
  }

  async committed(reader: string): Promise<Map<string, TickId>> {
    const symbols = await this.#commands.run(
      "list symbols",
      (redis) => redis.smembers(this.#keys.symbols),
    );
    const ids = await this.#pipeline<string | null>(`read positions of ${reader}`, (pipeline) => {
      for (const symbol of symbols) pipeline.hget(this.#keys.readers(symbol), reader);
    });
    const positions = new Map<string, TickId>();
    symbols.forEach((symbol, index) => {
      const id = ids[index];
      if (id) positions.set(symbol, parseId(id));
    });
    return positions;
  }

  async backlog(reader: string): Promise<Map<string, number>> {
    const [rows, positions] = [await this.redisCheckpoints(), await this.committed(reader)];
    const backlog = new Map<string, number>();
    for (const [symbol, row] of rows) {
      const position = positions.get(symbol);
      if (position && compareIds(position, row.lastId) >= 0) continue;
      const count = position ? await this.#countAfter(symbol, position, row) : row.appended;
      if (count > 0) backlog.set(symbol, count);
    }
    return backlog;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#commands[Symbol.dispose]();
    this.#waiting?.[Symbol.dispose]();
    this.#immediate?.[Symbol.dispose]();
    return Promise.resolve();
  }

  /** From the first later entry that knows its number; near the end of a stream there may be none. */
  async #countAfter(symbol: string, position: TickId, row: RedisCheckpoint): Promise<number> {
    let from = position, passed = 0;
    while (true) {
      const entries = await this.range(symbol, `(${formatId(from)}`, COUNT_STEP);
      for (const entry of entries) {
        const nth = nthOf(entry);
        if (nth !== undefined) return row.appended - (nth - 1) + passed;
        passed++;
      }
      const last = entries.at(-1);
      if (last === undefined || entries.length < COUNT_STEP) return passed;
      from = parseId(last[0]);
    }
  }

  async #waitingRead(
    after: ReadonlyMap<string, TickId>,
    options: ReadOptions,
  ): Promise<Segment[]> {
    const { waitMs = 0, signal } = options;
    const reads = this.#waiting ??= new RedisTickReads(this.#options.url, this.#options);
    const until = performance.now() + waitMs;
    while (signal?.aborted !== true) {
      const leftMs = Math.ceil(until - performance.now());
      if (leftMs <= 0) break;
      const blockMs = Math.min(leftMs, LONGEST_BLOCK_MS);
      const segments = await this.#xread(reads, after, options, blockMs);
      if (segments.length > 0) return segments;
    }
    return [];
  }

  async #xread(
    reads: RedisTickReads,
    after: ReadonlyMap<string, TickId>,
    { maxTicks = MAX_TICKS }: ReadOptions,
    blockMs?: number,
  ): Promise<Segment[]> {
    const symbols = [...after.keys()];
    if (symbols.length === 0) return [];
    const count = Math.max(1, Math.ceil(maxTicks / Math.min(symbols.length, this.#filled)));
    const streams = symbols.map((symbol) => this.#keys.stream(symbol));
    const ids = symbols.map((symbol) => formatId(after.get(symbol) ?? NO_TICK));
    const block = blockMs === undefined ? [] : ["BLOCK", blockMs];
    const args = ["COUNT", count, ...block, "STREAMS", ...streams, ...ids];
    const reply = await reads.read(args, blockMs === undefined ? {} : { blockMs });
    const bySymbol = new Map(streams.map((stream, index) => [stream, symbols[index] ?? ""]));
    const segments: Segment[] = [];
    let filled = 0;
    for (const { stream, count: entries, runs } of reply) {
      if (entries >= count) filled++;
      segments.push(...segmentsOf(bySymbol.get(stream) ?? "", runs));
    }
    this.#filled = Math.max(1, filled);
    return segments;
  }

  async #pipeline<T>(act: string, fill: (pipeline: ChainableCommander) => void): Promise<T[]> {
    const replies = await this.#commands.run(act, async (redis) => {
      const pipeline = redis.pipeline();
      fill(pipeline);
      return pipeline.length === 0 ? [] : await pipeline.exec() ?? [];
    });
    return replies.map(([error, reply]) => {
      if (error) throw this.#commands.unavailable(act, error);
      return reply as T; // the caller knows what its commands answer
    });
  }
}

/** An aborted read frees its connection after at most this long. */
const LONGEST_BLOCK_MS = 1_000;

/** The segments, or none as soon as the signal aborts. */
async function unlessAborted(
  segments: Promise<Segment[]>,
  signal: AbortSignal | undefined,
): Promise<Segment[]> {
  if (signal === undefined) return await segments;
  const { promise: aborted, resolve } = Promise.withResolvers<Segment[]>();
  const onAbort = () => resolve([]);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([segments, aborted]);
  } finally {
    // A signal that lives as long as the program would otherwise collect a listener a read.
    signal.removeEventListener("abort", onAbort);
  }
}
