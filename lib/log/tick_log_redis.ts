import { createHash } from "node:crypto";
import { formatId, nextId, NO_TICK, type TickId } from "../market/tick_id.ts";
import { failPoint } from "../program/fail_point.ts";
import { foreignMark, marked } from "./marks.ts";
import { randomHex } from "./random_hex.ts";
import { RedisConnection } from "./redis_connection.ts";
import { plainCheckpoint, type RedisCheckpoint, type RedisKeys, redisKeys } from "./redis_keys.ts";
import { runsOf, tickTexts } from "./redis_rows.ts";
import { APPEND, MARK, SET_BACK } from "./redis_scripts.ts";
import { RedisTrimming } from "./redis_trimming.ts";
import { highOf, ticksSince } from "./segments.ts";
import type {
  Append,
  AppendResult,
  Checkpoint,
  Mark,
  ReadOptions,
  Resume,
  Segment,
  TickLog,
  TrimPolicy,
} from "./tick_log.ts";
import { type RedisReaderOptions, RedisTickLogReader } from "./tick_log_redis_reader.ts";

const APPEND_SHA = createHash("sha1").update(APPEND).digest("hex");

/** An append whose ids are given: how a journal hands on what it stored. */
export interface KnownAppend extends Append {
  readonly firstId: TickId;
}

type ScriptReply = [outcome: string, detail?: string];

/** The log in Redis Streams. Each append is one script, so also two collectors cannot interleave. */
export class RedisTickLog implements TickLog {
  readonly #keys: RedisKeys;
  readonly #connection: RedisConnection;
  readonly #reader: RedisTickLogReader;
  readonly #trimming: RedisTrimming;
  /** Floors as last seen; a script refuses an append that was made with another. */
  readonly #floors = new Map<string, number>();
  readonly #listed = new Set<string>();
  #begun = false;

  constructor(options: RedisReaderOptions) {
    this.#keys = redisKeys(options.prefix);
    this.#connection = new RedisConnection(options.url, options);
    this.#reader = new RedisTickLogReader(options);
    this.#trimming = new RedisTrimming({
      keys: this.#keys,
      connection: this.#connection,
      reader: this.#reader,
    });
  }

  async append(appends: readonly Append[]): Promise<AppendResult[]> {
    failPoint("append.before");
    for (const { symbol, ticks } of appends) {
      if (ticks.count > 0) continue;
      throw new RangeError(`Cannot append to ${symbol} as one or more ticks: current count is 0`);
    }
    const results = await this.#send(appends.map((append) => {
      const floorMs = this.#floors.get(append.symbol) ?? 0;
      const firstId = nextId(append.expectedTail, append.ticks.utcMs(0), floorMs);
      return { ...append, firstId };
    }));
    const again = appends.filter((_, index) => results[index] === undefined);
    if (again.length > 0) {
      const rows = await this.#reader.redisCheckpoints(again.map(({ symbol }) => symbol));
      for (const [symbol, row] of rows) this.#floors.set(symbol, row.floorMs);
      const rest = await this.append(again);
      for (const [index, result] of results.entries()) results[index] = result ?? rest.shift();
    }
    failPoint("append.after");
    return results.filter((result) => result !== undefined);
  }

  /** Appends ticks with the ids that another log gave them; only the tail and the feed are checked. */
  async appendKnown(appends: readonly KnownAppend[]): Promise<AppendResult[]> {
    const results = await this.#send(appends);
    const stale = appends.filter((_, index) => results[index] === undefined);
    if (stale.length > 0) {
      const rows = await this.#reader.redisCheckpoints(stale.map(({ symbol }) => symbol));
      for (const [symbol, row] of rows) this.#floors.set(symbol, row.floorMs);
      const rest = await this.appendKnown(stale);
      for (const [index, result] of results.entries()) results[index] = result ?? rest.shift();
    }
    return results.filter((result) => result !== undefined);
  }

  async resume(symbol: string, overlapMs: number): Promise<Resume | undefined> {
    const row = (await this.#reader.redisCheckpoints([symbol])).get(symbol);
    if (row === undefined) return undefined;
    const entries = row.appended === 0 ? [] : await this.#reader.range(
      symbol,
      String(await this.#trimming.overlapStart(symbol, row, overlapMs)),
    );
    const ticks = runsOf(entries).map((run) => run.ticks);
    return { ...plainCheckpoint(row), recent: ticksSince(row.highServerMs - overlapMs, ticks) };
  }

  async mark(marks: readonly Mark[]): Promise<void> {
    await this.#begin(marks.map(({ symbol }) => symbol));
    for (const mark of marks) {
      while (true) {
        const row = (await this.#reader.redisCheckpoints([mark.symbol])).get(mark.symbol);
        const before = row ?? { lastId: NO_TICK, floorMs: 0, watermarkMs: 0, ended: false };
        const next = marked(before, mark);
        const [outcome, feed] = await this.#connection.run(
          "store marks",
          (redis) =>
            redis.eval(
              MARK,
              1,
              this.#keys.checkpoint(mark.symbol),
              mark.feed,
              formatId(before.lastId),
              next.floorMs,
              next.watermarkMs,
              Number(next.ended),
            ),
        ) as ScriptReply; // what the script returns
        if (outcome === "foreign_feed") throw foreignMark(mark, feed ?? "unknown");
        this.#floors.set(mark.symbol, next.floorMs);
        if (outcome === "marked") break;
      }
    }
  }

  async trim(policy: TrimPolicy & { readonly overlapMs: number }): Promise<number> {
    const committed = await Promise.all(policy.readers.map((reader) => this.committed(reader)));
    return await this.#trimming.trim(policy, committed);
  }

  epoch(): Promise<string | undefined> {
    return this.#begin([]).then(() => this.#reader.epoch());
  }

  resumeKey(): Promise<string | undefined> {
    return this.#begin([]).then(() => this.#reader.resumeKey());
  }

  /**
   * After a loss that could not be made good: ids of before mean nothing any more, and readers that
   * stand past a symbol's tail are set back to it.
   */
  async renewEpoch(tails: ReadonlyMap<string, TickId>): Promise<void> {
    for (const [symbol, tail] of tails) {
      await this.#connection.run(
        "set readers back",
        (redis) => redis.eval(SET_BACK, 1, this.#keys.readers(symbol), formatId(tail)),
      );
    }
    await this.#connection.run(
      "renew the epoch",
      (redis) => redis.mset(this.#keys.epoch, randomHex(8), this.#keys.resumeKey, randomHex(32)),
    );
  }

  /** Checkpoints with what a journal needs to go on from them. */
  redisCheckpoints(): Promise<Map<string, RedisCheckpoint>> {
    return this.#reader.redisCheckpoints();
  }

  symbols(): Promise<string[]> {
    return this.#reader.symbols();
  }

  checkpoints(): Promise<Map<string, Checkpoint>> {
    return this.#reader.checkpoints();
  }

  checkpoint(symbol: string): Promise<Checkpoint | undefined> {
    return this.#reader.checkpoint(symbol);
  }

  read(after: ReadonlyMap<string, TickId>, options?: ReadOptions): Promise<Segment[]> {
    return this.#reader.read(after, options);
  }

  newest(symbol: string, count: number): Promise<Segment[]> {
    return this.#reader.newest(symbol, count);
  }

  commit(reader: string, positions: ReadonlyMap<string, TickId>): Promise<void> {
    return this.#reader.commit(reader, positions);
  }

  committed(reader: string): Promise<Map<string, TickId>> {
    return this.#reader.committed(reader);
  }

  backlog(reader: string): Promise<Map<string, number>> {
    return this.#reader.backlog(reader);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
    this.#connection[Symbol.dispose]();
  }

  /** One script call an entry, in one round trip; `undefined` where the floor was another. */
  async #send(appends: readonly KnownAppend[]): Promise<(AppendResult | undefined)[]> {
    await this.#begin(appends.map(({ symbol }) => symbol));
    const sent = appends.map((append) => ({ append, ...tickTexts(append.ticks, append.firstId) }));
    const replies = await Promise.allSettled(
      sent.map(({ append, texts, lastId }) => {
        const { symbol, feed, expectedTail, ticks } = append;
        const high = highOf(ticks);
        const args = [
          this.#keys.stream(symbol),
          this.#keys.checkpoint(symbol),
          feed,
          formatId(expectedTail),
          this.#floors.get(symbol) ?? 0,
          formatId(lastId),
          high.serverMs,
          high.utcMs,
          ...texts,
        ];
        return this.#evalAppend(args);
      }),
    );
    const results: (AppendResult | undefined)[] = [];
    for (const [index, reply] of replies.entries()) {
      const entry = sent[index];
      if (reply.status === "rejected") throw reply.reason;
      if (entry === undefined) continue;
      const { append: { symbol, firstId }, lastId } = entry;
      results.push(await this.#resultOf(symbol, reply.value, { firstId, lastId }));
    }
    return results;
  }

  #evalAppend(args: (string | number)[]): Promise<ScriptReply> {
    return this.#connection.run("append ticks", async (redis) => {
      try {
        return await redis.evalsha(APPEND_SHA, 2, ...args) as ScriptReply; // what it returns
      } catch (cause) {
        // A restarted Redis has forgotten its scripts; nothing was stored.
        if (!(cause instanceof Error) || !cause.message.startsWith("NOSCRIPT")) throw cause;
        return await redis.eval(APPEND, 2, ...args) as ScriptReply;
      }
    });
  }

  async #resultOf(
    symbol: string,
    [outcome, detail]: ScriptReply,
    ids: { firstId: TickId; lastId: TickId },
  ): Promise<AppendResult | undefined> {
    if (outcome === "appended") return { outcome, ...ids };
    if (outcome === "foreign_feed") return { outcome, feed: detail ?? "" };
    if (outcome === "floor") return undefined;
    const checkpoint = await this.checkpoint(symbol);
    return { outcome: "conflict", ...(checkpoint && { checkpoint }) };
  }

  /** Names the log if it has no name yet, and lists the symbols before their first tick. */
  async #begin(symbols: readonly string[]): Promise<void> {
    if (!this.#begun) {
      await this.#connection.run("begin the log", async (redis) => {
        await redis.setnx(this.#keys.epoch, randomHex(8));
        await redis.setnx(this.#keys.resumeKey, randomHex(32));
        redis.once("close", () => {
          // A Redis that comes back may have lost everything.
          this.#begun = false;
          this.#listed.clear();
          this.#floors.clear();
        });
      });
      this.#begun = true;
    }
    const unlisted = symbols.filter((symbol) => !this.#listed.has(symbol));
    if (unlisted.length === 0) return;
    await this.#connection.run(
      "list symbols",
      (redis) => redis.sadd(this.#keys.symbols, ...unlisted),
    );
    for (const symbol of unlisted) this.#listed.add(symbol);
  }
}
