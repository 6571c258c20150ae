import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { compareIds, NO_TICK, type TickId } from "../market/tick_id.ts";
import { failPoint } from "../program/fail_point.ts";
import { FolderLock } from "../program/folder_lock.ts";
import { foreignMark, marked } from "./marks.ts";
import { assignIds, highOf, type Run, ticksSince } from "./segments.ts";
import {
  guarded,
  openDatabase,
  SCHEMA_VERSION,
  TICKS_FILE,
  TICKS_SCHEMA,
  transaction,
} from "./sqlite_schema.ts";
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
import { checkpointOf, type SymbolRow, TickQueries, tickQueries } from "./tick_log_sqlite_file.ts";
import { SqliteTickLogReader } from "./tick_log_sqlite_reader.ts";

export interface SqliteLogOptions {
  /** `<DATA_DIR>/log`; made when missing. */
  readonly folder: string;
  /** What the ticks are (raw, replay, simulated): a log keeps its kind and refuses another. */
  readonly kind: string;
  /** The file may not grow past this; then `LogUnavailable` with reason `full`. */
  readonly maxBytes?: number;
}

/** Runs are cut here, so that a reader's share of a read stays small. */
const RUN_TICKS = 2_000;
/** The longest shift of a server's clock: a re-read across one looks this much further back. */
const CLOCK_SHIFT_MS = 3 * 3_600_000;
/** Between two batches of a trim other work has its turn. */
const TRIM_RUNS = 2_000;
/** Half the WAL that a burst of full groups leaves; what is above it is given back. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * The log in a SQLite file, of which there is one appender: WAL, and with `full` durability every
 * append is on the disk when it resolves.
 */
export class SqliteTickLog implements TickLog {
  readonly #db: DatabaseSync;
  readonly #lock: FolderLock;
  readonly #queries: TickQueries;
  readonly #reader: SqliteTickLogReader;
  /** What the file holds; changed only after a commit, as nobody else writes. */
  readonly #symbols = new Map<string, SymbolRow>();
  readonly #listeners = new Set<() => void>();
  #seq: number;

  private constructor(db: DatabaseSync, lock: FolderLock, { folder }: SqliteLogOptions) {
    this.#db = db;
    this.#lock = lock;
    this.#queries = new TickQueries(db);
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
  static async open(options: SqliteLogOptions): Promise<SqliteTickLog> {
    const { folder } = options;
    const lock = await FolderLock.tryTake(folder, "ticks");
    if (lock === undefined) {
      const owner = await FolderLock.ownerOf(folder, "ticks");
      throw new Error(`Cannot append to ${folder} as its only collector: current one is ${owner}`);
    }
    let db: DatabaseSync | undefined;
    try {
      db = openDatabase(`${folder}/${TICKS_FILE}`, { readOnly: false });
      prepare(db, options);
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
      this.#run("UPDATE meta SET value = value WHERE name = 'kind'");
    });
  }

  /** Forgets a symbol's ticks and goes on from what another log knows of it. */
  adopt(symbol: string, other: Checkpoint & { readonly highUtcMs: number }): void {
    const row = transaction(this.#db, `adopt ${symbol}`, () => {
      const known = this.#symbols.get(symbol) ?? this.#insertSymbol(symbol, other.feed);
      this.#run("DELETE FROM ticks WHERE symbol_no = ?", [known.no]);
      this.#run("UPDATE symbols SET feed = ? WHERE no = ?", [other.feed, known.no]);
      const seq = ++this.#seq;
      const adopted = {
        ...known,
        ...other,
        trimmedId: other.lastId,
        seq,
        appended: known.appended,
      };
      this.#updateSymbol(adopted);
      const upsert = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)";
      this.#run(upsert, [adoptedAt(symbol), String(other.highServerMs)]);
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
          this.#insertSymbol(mark.symbol, mark.feed);
        if (before.feed !== mark.feed) throw foreignMark(mark, before.feed);
        const row = { ...before, ...marked(before, mark), seq: ++this.#seq };
        this.#updateSymbol(row);
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
    let row = known ?? this.#insertSymbol(symbol, feed);
    const runs = assignIds(row.lastId, ticks, { floorMs: row.floorMs, maxTicks: RUN_TICKS });
    for (const run of runs) row = this.#insertRun(row, run);
    this.#updateSymbol(row);
    rows.push(row);
    const firstId = runs[0]?.firstId ?? row.lastId;
    return { outcome: "appended", firstId, lastId: row.lastId };
  }

  #insertRun(row: SymbolRow, { firstId, lastId, ticks }: Run): SymbolRow {
    const seq = ++this.#seq;
    const high = highOf(ticks);
    this.#run(
      `INSERT INTO ticks (seq, symbol_no, ms, n, last_ms, last_n, count, before, max_server_ms, records)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [seq, row.no, firstId.ms, firstId.n, lastId.ms, lastId.n],
      [ticks.count, row.appended, high.serverMs, ticks.bytes],
    );
    const higher = high.serverMs > row.highServerMs || row.appended === 0;
    return {
      ...row,
      lastId,
      seq,
      highServerMs: higher ? high.serverMs : row.highServerMs,
      highUtcMs: higher ? high.utcMs : row.highUtcMs,
      appended: row.appended + ticks.count,
      ended: false,
    };
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
    const oldest = guarded(
      "read old ticks",
      () =>
        this.#db.prepare(`SELECT last_ms, last_n, count, before, max_server_ms FROM ticks
        WHERE symbol_no = ? ORDER BY last_ms, last_n LIMIT ?`).all(row.no, TRIM_RUNS),
    );
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
      this.#run("DELETE FROM ticks WHERE symbol_no = ? AND (last_ms, last_n) <= (?, ?)", [
        row.no,
        trimmedId.ms,
        trimmedId.n,
      ]);
      this.#updateSymbol(changed);
    });
    this.#symbols.set(symbol, changed);
    return count;
  }

  #insertSymbol(symbol: string, feed: string): SymbolRow {
    const { lastInsertRowid } = this.#statement(`INSERT INTO symbols (symbol, feed, last_ms, last_n,
      high_server_ms, high_utc_ms, floor_ms, watermark_ms, ended, trimmed_ms, trimmed_n, appended, seq)
      VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`).run(symbol, feed);
    return {
      symbol,
      no: Number(lastInsertRowid),
      feed,
      lastId: NO_TICK,
      highServerMs: 0,
      highUtcMs: 0,
      floorMs: 0,
      watermarkMs: 0,
      ended: false,
      trimmedId: NO_TICK,
      appended: 0,
      seq: 0,
    };
  }

  #updateSymbol(row: SymbolRow): void {
    this.#run(
      `UPDATE symbols SET last_ms = ?, last_n = ?, high_server_ms = ?, high_utc_ms = ?, floor_ms = ?,
       watermark_ms = ?, ended = ?, trimmed_ms = ?, trimmed_n = ?, appended = ?, seq = ? WHERE no = ?`,
      [row.lastId.ms, row.lastId.n, row.highServerMs, row.highUtcMs, row.floorMs, row.watermarkMs],
      [Number(row.ended), row.trimmedId.ms, row.trimmedId.n, row.appended, row.seq, row.no],
    );
  }

  readonly #statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();

  #statement(sql: string) {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  #run(sql: string, ...values: readonly SQLInputValue[][]): void {
    this.#statement(sql).run(...values.flat());
  }

  #keep(rows: readonly SymbolRow[]): void {
    for (const row of rows) this.#symbols.set(row.symbol, row);
    if (rows.length > 0) { for (const listener of this.#listeners) listener(); }
  }
}

function prepare(db: DatabaseSync, { kind, maxBytes, folder }: SqliteLogOptions): void {
  guarded(`prepare ${folder}`, () => {
    db.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    db.exec(`PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`);
    if (maxBytes !== undefined) {
      const pageBytes = Number(db.prepare("PRAGMA page_size").get()?.page_size);
      db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
    }
  });
  const existing = tickQueries(db);
  if (existing === undefined) return create(db, kind);
  const version = existing.meta("schema"), before = existing.meta("kind");
  if (version !== SCHEMA_VERSION) {
    throw new Error(
      `Cannot open ${folder} as log version ${SCHEMA_VERSION}: current is ${version}`,
    );
  }
  if (before !== kind) {
    throw new Error(`Cannot open the log in ${folder} as ${kind}: current kind is ${before}`);
  }
}

function create(db: DatabaseSync, kind: string): void {
  const meta = { schema: SCHEMA_VERSION, kind, epoch: random(8), resume_key: random(32) };
  transaction(db, "begin a new log", () => {
    db.exec(TICKS_SCHEMA);
    const insert = db.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
    for (const [name, value] of Object.entries(meta)) insert.run(name, value);
  });
}

/** The meta entry that holds a symbol's greatest server stamp when it was adopted. */
function adoptedAt(symbol: string): string {
  return `adopted:${symbol}`;
}

/** Random bytes as hex. */
export function random(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex();
}
