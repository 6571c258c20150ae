import { compareIds, NO_TICK, type TickId } from "../market/tick_id.ts";
import { BackOff, pause } from "../program/pause.ts";
import { InTurn } from "./in_turn.ts";
import { JournalKeeping } from "./journal_keeping.ts";
import { PendingMarks } from "./pending_marks.ts";
import { reconcile } from "./reconciling.ts";
import { JOURNAL_TICKS, OpenSpill, type Spill, ticksOf } from "./spill.ts";
import { type KnownAppend, RedisTickLog } from "./tick_log_redis.ts";
import { SqliteTickLog } from "./tick_log_sqlite.ts";
import {
  type Append,
  type AppendResult,
  type Checkpoint,
  LogUnavailable,
  type Mark,
  type ReadOptions,
  type Resume,
  type Segment,
  type TickLog,
  type TrimPolicy,
} from "./tick_log.ts";

export interface SpillingOptions {
  /** `<DATA_DIR>/log/journal`. */
  readonly folder: string;
  readonly kind: string;
  readonly url: string;
  readonly prefix: string;
  /** Ticks that may wait for Redis; then an append is refused as `full`. */
  readonly maxTicks?: number;
  /** How long the journal keeps what Redis acknowledged, ms. */
  readonly keepMs?: number;
}

const DRAIN_TICKS = 20_000;
const SHORTEST_RETRY_MS = 50, LONGEST_RETRY_MS = 2_000;

/**
 * The collector's log in front of Redis. Every append goes to a journal on the collector's own disk
 * first, which assigns the ids, and then with these ids to Redis. While Redis cannot take them they
 * wait in the journal; when it is back they follow in order before live appends go straight through
 * again. A Redis that lost its newest entries gets the very same ones again; where the journal no
 * longer holds them, the journal goes on from Redis' checkpoint, so that the caller meets a conflict
 * and reads its source again.
 */
export class SpillingTickLog implements TickLog {
  readonly #journal: SqliteTickLog;
  readonly #redis: RedisTickLog;
  readonly #keeping: JournalKeeping;
  readonly #maxTicks: number;
  /** Where Redis is, by symbol, as far as it acknowledged. */
  #acknowledged = new Map<string, TickId>();
  readonly #feeds = new Map<string, string>();
  readonly #marks = new PendingMarks();
  #spill: OpenSpill | undefined;
  #recovery: Promise<void> | undefined;
  readonly #turns = new InTurn();
  /** Counts what entered the journal, so that a drain notices what came while it looked. */
  #entered = 0;
  #epoch: string | undefined;
  readonly #stop = new AbortController();

  private constructor(journal: SqliteTickLog, options: SpillingOptions) {
    this.#journal = journal;
    this.#redis = new RedisTickLog(options);
    this.#maxTicks = options.maxTicks ?? JOURNAL_TICKS;
    this.#keeping = new JournalKeeping(journal, options);
  }

  /** Opens the journal and meets Redis; when it is away the log starts by spilling. */
  static async open(options: SpillingOptions): Promise<SpillingTickLog> {
    const log = new SpillingTickLog(await SqliteTickLog.open(options), options);
    for (const [symbol, { feed }] of await log.#journal.checkpoints()) {
      log.#feeds.set(symbol, feed);
    }
    log.#acknowledged = await log.#keeping.acknowledged();
    const ticks = await log.#keeping.waiting();
    log.#spill = new OpenSpill({ ticks, cause: "not connected yet" });
    try {
      await log.#recoverOnce();
    } catch (cause) {
      log.#spillFrom(cause);
    }
    return log;
  }

  /** What waits for Redis; `undefined` while it takes everything at once. */
  get spill(): Spill | undefined {
    if (this.#spill === undefined) return undefined;
    const { sinceMs, ticks, oldestMs, cause } = this.#spill;
    return { sinceMs, ticks, oldestMs, cause };
  }

  append(appends: readonly Append[]): Promise<AppendResult[]> {
    return this.#turns.run(() => this.#append(appends));
  }

  async resume(symbol: string, overlapMs: number): Promise<Resume | undefined> {
    this.#mustKnow();
    if (overlapMs <= this.#keeping.keepMs && this.#journal.covers(symbol, overlapMs)) {
      return await this.#journal.resume(symbol, overlapMs);
    }
    const checkpoint = await this.#journal.checkpoint(symbol);
    const resume = await this.#redis.resume(symbol, overlapMs);
    if (checkpoint && resume && compareIds(checkpoint.lastId, resume.lastId) === 0) return resume;
    throw new LogUnavailable(
      `Cannot resume ${symbol} as its journal began at Redis' tail: current tails differ`,
      { reason: "down" },
    );
  }

  mark(marks: readonly Mark[]): Promise<void> {
    return this.#turns.run(async () => {
      this.#mustKnow();
      await this.#journal.mark(marks);
      this.#entered++;
      for (const mark of marks) {
        this.#feeds.set(mark.symbol, mark.feed);
        this.#marks.add(mark);
      }
      if (this.#spill) return;
      try {
        await this.#marks.send(this.#redis);
      } catch (cause) {
        this.#spillFrom(cause);
      }
    });
  }

  async trim(policy: TrimPolicy & { readonly overlapMs: number }): Promise<number> {
    return this.#spill ? 0 : await this.#redis.trim(policy);
  }

  /** The one last seen while Redis is away. */
  async epoch(): Promise<string | undefined> {
    if (this.#spill && this.#epoch !== undefined) return this.#epoch;
    return this.#epoch = await this.#redis.epoch();
  }

  resumeKey(): Promise<string | undefined> {
    return this.#redis.resumeKey();
  }

  async symbols(): Promise<string[]> {
    this.#mustKnow();
    return await this.#journal.symbols();
  }

  async checkpoints(): Promise<Map<string, Checkpoint>> {
    this.#mustKnow();
    return await this.#journal.checkpoints();
  }

  async checkpoint(symbol: string): Promise<Checkpoint | undefined> {
    this.#mustKnow();
    return await this.#journal.checkpoint(symbol);
  }

  read(after: ReadonlyMap<string, TickId>, options?: ReadOptions): Promise<Segment[]> {
    return this.#redis.read(after, options);
  }

  newest(symbol: string, count: number): Promise<Segment[]> {
    return this.#redis.newest(symbol, count);
  }

  commit(reader: string, positions: ReadonlyMap<string, TickId>): Promise<void> {
    return this.#redis.commit(reader, positions);
  }

  committed(reader: string): Promise<Map<string, TickId>> {
    return this.#redis.committed(reader);
  }

  backlog(reader: string): Promise<Map<string, number>> {
    return this.#redis.backlog(reader);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#turns.over();
    await this.#redis[Symbol.asyncDispose]();
    await this.#recovery;
    await this.#journal[Symbol.asyncDispose]();
  }

  async #append(appends: readonly Append[]): Promise<AppendResult[]> {
    this.#mustKnow();
    this.#spill?.admit(ticksOf(appends), this.#maxTicks);
    const results = await this.#journal.append(appends);
    this.#entered++;
    const stored: (KnownAppend & { lastId: TickId })[] = [];
    results.forEach((result, index) => {
      const append = appends[index];
      if (append === undefined || result.outcome !== "appended") return;
      this.#feeds.set(append.symbol, append.feed);
      stored.push({ ...append, firstId: result.firstId, lastId: result.lastId });
    });
    if (this.#spill) {
      this.#spill.wait(stored);
      return results;
    }
    try {
      await this.#forward(stored);
      await this.#keeping.keep(this.#acknowledged);
    } catch (cause) {
      this.#spillFrom(cause, stored);
    }
    return results;
  }

  async #forward(appends: readonly (KnownAppend & { lastId: TickId })[]): Promise<void> {
    if (appends.length === 0) return;
    const results = await this.#redis.appendKnown(appends);
    for (const [index, { symbol, lastId }] of appends.entries()) {
      if (results[index]?.outcome !== "appended") {
        throw new LogUnavailable(`Cannot append to ${symbol} in Redis: current tail is another`, {
          reason: "down",
        });
      }
      this.#acknowledged.set(symbol, lastId);
    }
  }

  /** From here on appends stay in the journal, until a recovery has brought Redis up to it. */
  #spillFrom(cause: unknown, waiting: readonly KnownAppend[] = []): void {
    this.#spill ??= new OpenSpill({ ticks: 0, cause: "" });
    this.#spill.cause = cause instanceof Error ? cause.message : String(cause);
    this.#spill.wait(waiting);
    this.#journal.sync();
    this.#recovery ??= this.#recover().finally(() => this.#recovery = undefined);
  }

  async #recover(): Promise<void> {
    const { signal } = this.#stop;
    const backOff = new BackOff({ minMs: SHORTEST_RETRY_MS, maxMs: LONGEST_RETRY_MS });
    while (!signal.aborted) {
      await pause(backOff.next(), signal);
      if (signal.aborted) return;
      try {
        return await this.#recoverOnce();
      } catch (cause) {
        if (this.#spill && cause instanceof Error) this.#spill.cause = cause.message;
      }
    }
  }

  async #recoverOnce(): Promise<void> {
    await this.#turns.run(() => this.#reconcile());
    while (true) {
      const entered = this.#entered;
      const after = new Map<string, TickId>();
      for (const symbol of this.#feeds.keys()) {
        after.set(symbol, this.#acknowledged.get(symbol) ?? NO_TICK);
      }
      const segments = await this.#journal.read(after, { maxTicks: DRAIN_TICKS });
      for (const segment of segments) await this.#drain(segment);
      if (segments.length > 0) continue;
      await this.#marks.send(this.#redis);
      if (entered !== this.#entered) continue;
      this.#spill = undefined;
      this.#journal.setDurability("normal");
      return;
    }
  }

  async #drain({ symbol, firstId, lastId, ticks }: Segment): Promise<void> {
    const expectedTail = this.#acknowledged.get(symbol) ?? NO_TICK;
    const feed = this.#feeds.get(symbol) ?? "";
    await this.#forward([{ symbol, feed, expectedTail, firstId, lastId, ticks }]);
    this.#spill?.followed({ ticks: ticks.count, lastMs: lastId.ms });
  }

  /** Decides for each symbol from where Redis is filled up. */
  async #reconcile(): Promise<void> {
    const epoch = await this.#redis.epoch();
    const theirs = await this.#redis.redisCheckpoints();
    const lost = new Map<string, TickId>();
    for (const symbol of reconcile(await this.#journal.checkpoints(), theirs)) {
      if (symbol.adopted) this.#journal.adopt(symbol.symbol, symbol.adopted);
      if (symbol.lost) lost.set(symbol.symbol, symbol.tail);
      if (symbol.mark) this.#marks.add(symbol.mark);
      this.#feeds.set(symbol.symbol, symbol.feed);
      this.#acknowledged.set(symbol.symbol, symbol.tail);
    }
    if (lost.size > 0) await this.#redis.renewEpoch(lost);
    this.#epoch = lost.size > 0 ? await this.#redis.epoch() : epoch;
  }

  /** A journal that never met this Redis knows nothing of its ticks, and must not begin anew. */
  #mustKnow(): void {
    if (this.#spill === undefined || this.#epoch !== undefined || this.#feeds.size > 0) return;
    throw new LogUnavailable(
      `Cannot open the log as it is in Redis: current state is ${this.#spill.cause}`,
      { reason: "down" },
    );
  }
}
