import type { DatabaseSync } from "node:sqlite";
import { compareIds, NO_TICK, type TickId } from "../market/tick_id.ts";
import { failPoint } from "../program/fail_point.ts";
import { FolderLock } from "../program/folder_lock.ts";
import { foreignMark, marked } from "./marks.ts";
import { assignIds, ticksSince } from "./segments.ts";
import { guarded, openDatabase, TICKS_FILE, transaction } from "./sqlite_schema.ts";
import { prepareTickFile, type TickFileOptions } from "./sqlite_tick_file.ts";
import { TickWrites } from "./sqlite_tick_writes.ts";
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
import { checkpointOf, type SymbolRow, TickQueries } from "./tick_log_sqlite_file.ts";
import { SqliteTickLogReader } from "./tick_log_sqlite_reader.ts";

/** Runs are cut here, so that a reader's share of a read stays small. */
const RUN_TICKS = 2_000;
/** The longest shift of a server's clock: a re-read across one looks this much further back. */
const CLOCK_SHIFT_MS = 3 * 3_600_000;
/** Between two batches of a trim other work has its turn. */
const TRIM_RUNS = 2_000;
/**
 * The log in a SQLite file, of which there is one appender: WAL, and with `full` durability every
 * append is on the disk when it resolves.
 */
export class SqliteTickLog implements TickLog {
  readonly #db: DatabaseSync;
  readonly #lock: FolderLock;
  readonly #queries: TickQueries;
  readonly #writes: TickWrites;
  readonly #reader: SqliteTickLogReader;
  /** What the file holds; changed only after a commit, as nobody else writes. */
  readonly #symbols = new Map<string, SymbolRow>();
  readonly #listeners = new Set<() => void>();
  #seq: number;

  private constructor(db: DatabaseSync, lock: FolderLock, { folder }: TickFileOptions) {
    this.#db = db;
    this.#lock = lock;
    this.#queries = new TickQueries(db);
    this.#writes = new TickWrites(db);
    for (const row of this.#queries.changedSince(-1)) this.#symbols.set(row.symbol, row);
    this.#seq = Math.max(0, ...[...this.#symbols.values()].map((row) => row.seq));
    this.#reader = new SqliteTickLogReader({
      folder,
      readerPositions: true,
      wake: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    });
  }

  /**
   * Opens the log for appending and makes it when there is none.
   * @throws Error when another process appends to it, or it holds ticks of another kind.
   */
  static async open(options: TickFileOptions): Promise<SqliteTickLog> {
    const { folder } = options;
    const lock = await FolderLock.tryTake(folder, "ticks");
    if (lock === undefined) {
      const owner = await FolderLock.ownerOf(folder, "ticks");
      throw new Error(`Cannot append to ${folder} as its only collector: current one is ${owner}`);
    }
    let db: DatabaseSync | undefined;
    try {
      db = openDatabase(`${folder}/${TICKS_FILE}`, { readOnly: false });
      prepareTickFile(db, options);
      return new SqliteTickLog(db, lock, options);
    } catch (cause) {
      db?.close();
      lock[Symbol.dispose]();
      throw cause;
    }
  }

  /** `full` waits for the disk on each append; `normal` leaves a power cut the last moments. */
  setDurability(durability: "full" | "normal"): void {
    guarded("set the durability", () => this.#db.exec(`PRAGMA synchronous = ${durability}`));
  }

  /** Waits until everything appended so far is on the disk, whatever the durability was. */
  sync(): void {
    this.setDurability("full");
    transaction(this.#db, "sync the log", () => {
      this.#writes.touch();
    });
  }

  /** Forgets a symbol's ticks and goes on from what another log knows of it. */
  adopt(symbol: string, other: Checkpoint & { readonly highUtcMs: number }): void {
    const row = transaction(this.#db, `adopt ${symbol}`, () => {
      const known = this.#symbols.get(symbol) ?? this.#writes.insertSymbol(symbol, other.feed);
      this.#writes.forget(known.no, other.feed);
      const seq = ++this.#seq;
      const adopted = {
        ...known,
        ...other,
        trimmedId: other.lastId,
        seq,
        appended: known.appended,
      };
      this.#writes.updateSymbol(adopted);
      this.#writes.setMeta(adoptedAt(symbol), String(other.highServerMs));
      return adopted;
    });
    this.#keep([row]);
  }

  // deno-lint-ignore require-await -- what SQLite throws must reach the caller as a rejection
  async append(appends: readonly Append[]): Promise<AppendResult[]> {
    failPoint("append.before");
    const rows: SymbolRow[] = [];
    const results = transaction(this.#db, "append ticks", () => {
      const results = appends.map((append) => this.#appendOne(append, rows));
      failPoint("append.inside");
      return results;
    });
    failPoint("append.after");
    this.#keep(rows);
    return results;
  }

  /** Whether `resume` finds all it should here: ticks from before an adoption are in another log. */
  covers(symbol: string, overlapMs: number): boolean {
    const adopted = this.#queries.meta(adoptedAt(symbol));
    const high = this.#symbols.get(symbol)?.highServerMs ?? 0;
    return adopted === undefined || high - overlapMs > Number(adopted);
  }

  async resume(symbol: string, overlapMs: number): Promise<Resume | undefined> {
    const row = this.#symbols.get(symbol);
    if (row === undefined) return undefined;
    const serverMs = row.highServerMs - overlapMs;
    const idMs = row.highUtcMs - overlapMs - CLOCK_SHIFT_MS;
    const runs = guarded(
      "read recent ticks",
      () => this.#queries.since(row.no, { idMs, serverMs }),
    );
    const recent = ticksSince(serverMs, runs.map((run) => run.ticks));
    return await Promise.resolve({ ...checkpointOf(row), recent });
  }

  // deno-lint-ignore require-await -- what SQLite throws must reach the caller as a rejection
  async mark(marks: readonly Mark[]): Promise<void> {
    const rows = new Map<string, SymbolRow>();
    transaction(this.#db, "store marks", () => {
      for (const mark of marks) {
        const before = rows.get(mark.symbol) ?? this.#symbols.get(mark.symbol) ??
          this.#writes.insertSymbol(mark.symbol, mark.feed);
        if (before.feed !== mark.feed) throw foreignMark(mark, before.feed);
        const row = { ...before, ...marked(before, mark), seq: ++this.#seq };
        this.#writes.updateSymbol(row);
        rows.set(mark.symbol, row);
      }
    });
    this.#keep([...rows.values()]);
  }

  async trim(policy: TrimPolicy & { readonly overlapMs: number }): Promise<number> {
    const committed = await Promise.all(policy.readers.map((reader) => this.committed(reader)));
    let trimmed = 0;
    for (const symbol of [...this.#symbols.keys()]) {
      const positions = committed.map((of) => of.get(symbol) ?? NO_TICK).sort(compareIds);
      while (true) {
        const count = this.#trimSome(symbol, positions[0], policy);
        if (count === 0) break;
        trimmed += count;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
    return trimmed;
  }

  epoch(): Promise<string | undefined> {
    return this.#reader.epoch();
  }

  resumeKey(): Promise<string | undefined> {
    return this.#reader.resumeKey();
  }

  symbols(): Promise<string[]> {
    return Promise.resolve([...this.#symbols.keys()]);
  }

  checkpoints(): Promise<Map<string, Checkpoint>> {
    return this.#reader.checkpoints();
  }

  checkpoint(symbol: string): Promise<Checkpoint | undefined> {
    const row = this.#symbols.get(symbol);
    return Promise.resolve(row && checkpointOf(row));
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
    this.#db.close();
    this.#lock[Symbol.dispose]();
  }

  #appendOne(append: Append, rows: SymbolRow[]): AppendResult {
    const { symbol, feed, expectedTail, ticks } = append;
    if (ticks.count === 0) {
      throw new RangeError(`Cannot append to ${symbol} as one or more ticks: current count is 0`);
    }
    const known = this.#symbols.get(symbol);
    if (known !== undefined && known.feed !== feed) {
      return { outcome: "foreign_feed", feed: known.feed };
    }
    if (compareIds(known?.lastId ?? NO_TICK, expectedTail) !== 0) {
      return known === undefined
        ? { outcome: "conflict" }
        : { outcome: "conflict", checkpoint: checkpointOf(known) };
    }
    let row = known ?? this.#writes.insertSymbol(symbol, feed);
    const runs = assignIds(row.lastId, ticks, { floorMs: row.floorMs, maxTicks: RUN_TICKS });
    for (const run of runs) row = this.#writes.insertRun(row, run, ++this.#seq);
    this.#writes.updateSymbol(row);
    rows.push(row);
    const firstId = runs[0]?.firstId ?? row.lastId;
    return { outcome: "appended", firstId, lastId: row.lastId };
  }

  /** Frees the oldest runs of a symbol that nothing needs; returns how many ticks went. */
  #trimSome(
    symbol: string,
    committed: TickId | undefined,
    policy: TrimPolicy & { readonly overlapMs: number },
  ): number {
    const row = this.#symbols.get(symbol);
    if (row === undefined) return 0;
    let count = 0, trimmedId = row.trimmedId;
    const oldest = guarded("read old ticks", () => this.#writes.oldest(row.no, TRIM_RUNS));
    for (const run of oldest) {
      const lastId = { ms: Number(run.last_ms), n: Number(run.last_n) };
      const newer = row.appended - Number(run.before) - Number(run.count);
      const past = lastId.ms < policy.nowMs - policy.maxAgeMs || newer >= policy.maxCount;
      const needed = Number(run.max_server_ms) >= row.highServerMs - policy.overlapMs ||
        (committed !== undefined && compareIds(lastId, committed) > 0);
      if (!past || needed) break;
      count += Number(run.count);
      trimmedId = lastId;
    }
    if (count === 0) return 0;
    const changed = { ...row, trimmedId, seq: ++this.#seq };
    transaction(this.#db, "trim ticks", () => {
      this.#writes.deleteUpTo(row.no, trimmedId);
      this.#writes.updateSymbol(changed);
    });
    this.#symbols.set(symbol, changed);
    return count;
  }

  #keep(rows: readonly SymbolRow[]): void {
    for (const row of rows) this.#symbols.set(row.symbol, row);
    if (rows.length > 0) { for (const listener of this.#listeners) listener(); }
  }
}

/** The meta entry that holds a symbol's greatest server stamp when it was adopted. */
function adoptedAt(symbol: string): string {
  return `adopted:${symbol}`;
}
