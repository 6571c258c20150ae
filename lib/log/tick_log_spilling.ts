import { compareIds, NO_TICK, type TickId } from "../market/tick_id.ts";
import { WakeableWait } from "./wakeable_wait.ts";
import type { RedisCheckpoint } from "./redis_keys.ts";
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

/** For health: what waits for Redis. */
export interface Spill {
  readonly sinceMs: number;
  readonly ticks: number;
  /** UTC ms of the oldest tick that waits, by id; undefined when none does yet. */
  readonly oldestMs: number | undefined;
  /** What the last try met. */
  readonly cause: string;
}

/** 3.5 GB on the disk: half a day of 1,000 ticks a second, and more than a Redis outage should last. */
const MAX_TICKS = 50_000_000;
/** Many times the second that `appendfsync everysec` may lose. */
const KEEP_MS = 120_000;
const DRAIN_TICKS = 20_000;
const HOUSEKEEPING_MS = 10_000;
const SHORTEST_RETRY_MS = 50, LONGEST_RETRY_MS = 2_000;
const ACKNOWLEDGED = "redis";

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
  readonly #maxTicks: number;
  readonly #keepMs: number;
  /** Where Redis is, by symbol, as far as it acknowledged. */
  #acknowledged = new Map<string, TickId>();
  readonly #feeds = new Map<string, string>();
  readonly #marks = new Map<string, Mark>();
  #snapshots: { atMs: number; positions: ReadonlyMap<string, TickId> }[] = [];
  #spill:
    | { sinceMs: number; ticks: number; oldestMs?: number | undefined; cause: string }
    | undefined;
  #recovery: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Counts what entered the journal, so that a drain notices what came while it looked. */
  #entered = 0;
  #epoch: string | undefined;
  #keptAtMs = 0;
  readonly #stop = new AbortController();
  readonly #pause = new WakeableWait();

  private constructor(journal: SqliteTickLog, options: SpillingOptions) {
    this.#journal = journal;
    this.#redis = new RedisTickLog(options);
    this.#maxTicks = options.maxTicks ?? MAX_TICKS;
    this.#keepMs = options.keepMs ?? KEEP_MS;
  }

  /** Opens the journal and meets Redis; when it is away the log starts by spilling. */
  static async open(options: SpillingOptions): Promise<SpillingTickLog> {
    const log = new SpillingTickLog(await SqliteTickLog.open(options), options);
    for (const [symbol, { feed }] of await log.#journal.checkpoints()) {
      log.#feeds.set(symbol, feed);
      const id = (await log.#journal.committed(ACKNOWLEDGED)).get(symbol);
      if (id) log.#acknowledged.set(symbol, id);
    }
    const waiting = [...(await log.#journal.backlog(ACKNOWLEDGED)).values()];
    log.#spill = { sinceMs: Date.now(), ticks: sum(waiting), cause: "not connected yet" };
    try {
      await log.#recoverOnce();
    } catch (cause) {
      log.#spillFrom(cause);
    }
    return log;
  }

  /** What waits for Redis; `undefined` while it takes everything at once. */
  get spill(): Spill | undefined {
    return this.#spill && { ...this.#spill, oldestMs: this.#spill.oldestMs };
  }

  append(appends: readonly Append[]): Promise<AppendResult[]> {
    return this.#inTurn(() => this.#append(appends));
  }

  async resume(symbol: string, overlapMs: number): Promise<Resume | undefined> {
    this.#mustKnow();
    if (overlapMs <= this.#keepMs && this.#journal.covers(symbol, overlapMs)) {
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
    return this.#inTurn(async () => {
      this.#mustKnow();
      await this.#journal.mark(marks);
      this.#entered++;
      for (const mark of marks) {
        this.#feeds.set(mark.symbol, mark.feed);
        this.#marks.set(mark.symbol, mark);
      }
      if (this.#spill) return;
      try {
        await this.#sendMarks();
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
    this.#pause[Symbol.dispose]();
    await this.#turn.catch(() => {});
    await this.#redis[Symbol.asyncDispose]();
    await this.#recovery;
    await this.#journal[Symbol.asyncDispose]();
  }

  async #append(appends: readonly Append[]): Promise<AppendResult[]> {
    this.#mustKnow();
    const count = sum(appends.map(({ ticks }) => ticks.count));
    if (this.#spill && this.#spill.ticks + count > this.#maxTicks) {
      throw new LogUnavailable(
        `Cannot append ${count} ticks while Redis is away: current journal holds ${this.#spill.ticks} of at most ${this.#maxTicks}`,
        { reason: "full", cause: this.#spill.cause },
      );
    }
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
      this.#spill.ticks += sum(stored.map(({ ticks }) => ticks.count));
      this.#spill.oldestMs ??= stored[0]?.firstId.ms;
      return results;
    }
    try {
      await this.#forward(stored);
      await this.#keepHouse();
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

  async #sendMarks(): Promise<void> {
    const marks = [...this.#marks.values()];
    if (marks.length === 0) return;
    await this.#redis.mark(marks);
    for (const mark of marks) {
      if (this.#marks.get(mark.symbol) === mark) this.#marks.delete(mark.symbol);
    }
  }

  /** From here on appends stay in the journal, until a recovery has brought Redis up to it. */
  #spillFrom(cause: unknown, waiting: readonly KnownAppend[] = []): void {
    const ticks = sum(waiting.map((append) => append.ticks.count));
    const message = cause instanceof Error ? cause.message : String(cause);
    const oldestMs = waiting[0]?.firstId.ms;
    const before = this.#spill ?? { sinceMs: Date.now(), ticks: 0 };
    this.#spill = {
      ...before,
      ...(oldestMs !== undefined && { oldestMs }),
      ticks: before.ticks + ticks,
      cause: message,
    };
    this.#journal.sync();
    this.#recovery ??= this.#recover().finally(() => this.#recovery = undefined);
  }

  async #recover(): Promise<void> {
    for (let delayMs = SHORTEST_RETRY_MS; !this.#stop.signal.aborted;) {
      await this.#pause.wait(this.#pause.wakes, delayMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        return await this.#recoverOnce();
      } catch (cause) {
        if (this.#spill && cause instanceof Error) this.#spill.cause = cause.message;
        delayMs = Math.min(LONGEST_RETRY_MS, delayMs * 2);
      }
    }
  }

  async #recoverOnce(): Promise<void> {
    await this.#inTurn(() => this.#reconcile());
    while (true) {
      const entered = this.#entered;
      const after = new Map(
        [...this.#feeds.keys()].map((
          symbol,
        ) => [symbol, this.#acknowledged.get(symbol) ?? NO_TICK]),
      );
      const segments = await this.#journal.read(after, { maxTicks: DRAIN_TICKS });
      for (const segment of segments) await this.#drain(segment);
      if (segments.length > 0) continue;
      await this.#sendMarks();
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
    if (this.#spill === undefined) return;
    this.#spill.ticks = Math.max(0, this.#spill.ticks - ticks.count);
    this.#spill.oldestMs = lastId.ms;
  }

  /** Compares each symbol's tail here and in Redis, and decides from where Redis is filled up. */
  async #reconcile(): Promise<void> {
    const epoch = await this.#redis.epoch();
    const theirs = await this.#redis.redisCheckpoints();
    const ours = await this.#journal.checkpoints();
    const lost = new Map<string, TickId>();
    for (const symbol of new Set([...ours.keys(), ...theirs.keys()])) {
      const here = ours.get(symbol), there = theirs.get(symbol) ?? nothingOf(here?.feed ?? "");
      const order = here ? compareIds(there.lastId, here.lastId) : 1;
      const held = here && here.feed === there.feed &&
        compareIds(there.lastId, here.trimmedId) >= 0;
      if (here === undefined || order > 0 || !held) {
        this.#journal.adopt(symbol, there);
        if (order < 0) lost.set(symbol, there.lastId);
      } else if (here.watermarkMs > there.watermarkMs || here.ended !== there.ended) {
        const { feed, watermarkMs, ended } = here;
        this.#marks.set(symbol, { symbol, feed, watermarkMs, ended });
      }
      this.#feeds.set(symbol, there.feed);
      this.#acknowledged.set(symbol, there.lastId);
    }
    if (lost.size > 0) await this.#redis.renewEpoch(lost);
    this.#epoch = lost.size > 0 ? await this.#redis.epoch() : epoch;
  }

  /** Frees what Redis has acknowledged long enough ago to be sure that it kept it. */
  async #keepHouse(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#keptAtMs < Math.min(HOUSEKEEPING_MS, this.#keepMs)) return;
    this.#keptAtMs = nowMs;
    this.#snapshots.push({ atMs: nowMs, positions: new Map(this.#acknowledged) });
    const old = this.#snapshots.filter(({ atMs }) => nowMs - atMs >= this.#keepMs);
    const newest = old.at(-1);
    if (newest === undefined) return;
    this.#snapshots = this.#snapshots.slice(old.length);
    await this.#journal.commit(ACKNOWLEDGED, newest.positions);
    const policy = { maxAgeMs: 0, maxCount: 0, nowMs: Date.now(), overlapMs: this.#keepMs };
    await this.#journal.trim({ ...policy, readers: [ACKNOWLEDGED] });
  }

  /** A journal that never met this Redis knows nothing of its ticks, and must not begin anew. */
  #mustKnow(): void {
    if (this.#spill === undefined || this.#epoch !== undefined || this.#feeds.size > 0) return;
    throw new LogUnavailable(
      `Cannot open the log as it is in Redis: current state is ${this.#spill.cause}`,
      { reason: "down" },
    );
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(step, step);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function nothingOf(feed: string): RedisCheckpoint {
  return {
    feed,
    lastId: NO_TICK,
    highServerMs: 0,
    highUtcMs: 0,
    floorMs: 0,
    watermarkMs: 0,
    ended: false,
    trimmedId: NO_TICK,
    appended: 0,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
