import type { DatabaseSync } from "node:sqlite";
import { compareIds, type TickId } from "../market/tick_id.ts";
import { WakeableWait, type WakeSource } from "./wakeable_wait.ts";
import { fileExists, SqliteReaderPositions } from "./reader_positions_sqlite.ts";
import { segmentsOf } from "./segments.ts";
import { guarded, openDatabase, snapshot, TICKS_FILE } from "./sqlite_schema.ts";
import {
  type Checkpoint,
  LogUnavailable,
  type ReadOptions,
  type Segment,
  type TickLogReader,
} from "./tick_log.ts";
import { checkpointOf, type SymbolRow, TickQueries, tickQueries } from "./tick_log_sqlite_file.ts";

export interface SqliteReaderOptions {
  /** `<DATA_DIR>/log`. */
  readonly folder: string;
  /** Whether `commit` may be called: it writes `readers.sqlite`. */
  readonly readerPositions: boolean;
  /** How often a waiting read looks at the file, ms. */
  readonly pollMs?: number;
  /** Wakes a waiting read at once, where the appender can be heard. */
  readonly wake?: WakeSource;
}

/** A look costs about 3 µs, so 5 ms is next to nothing and still below what a client notices. */
const POLL_MS = 5;
/** With a wake source the poll only catches wake-ups that were lost. */
const WOKEN_POLL_MS = 50;
/** How often a reader asks whether the file is still the one it opened. */
const IDENTITY_MS = 500;
const MAX_TICKS = 10_000;

interface OpenLog {
  readonly db: DatabaseSync;
  readonly queries: TickQueries;
  readonly file: string;
  readonly epoch: string;
  /** As of `version`; kept, so that a look without news asks nothing. */
  readonly symbols: Map<string, SymbolRow>;
  version: number;
  seq: number;
}

/**
 * Reads the log file that another program, or another connection, appends to. It opens the file
 * read-only, so read permission on the folder is enough; the file may not exist yet, and it may be
 * replaced by a new one: the next call sees the new epoch.
 */
export class SqliteTickLogReader implements TickLogReader {
  readonly #options: SqliteReaderOptions;
  readonly #path: string;
  readonly #positions: SqliteReaderPositions;
  readonly #pause: WakeableWait;
  #open: OpenLog | undefined;
  /** Refreshed in this very breath. */
  #fresh: OpenLog | undefined;
  #checkedMs = 0;
  #turn = 0;
  #closed = false;

  constructor(options: SqliteReaderOptions) {
    this.#options = options;
    this.#path = `${options.folder}/${TICKS_FILE}`;
    this.#positions = new SqliteReaderPositions(options.folder, {
      writable: options.readerPositions,
    });
    this.#pause = new WakeableWait(options.wake);
  }

  epoch(): Promise<string | undefined> {
    return this.#answer((log) => log?.epoch, { certain: true });
  }

  resumeKey(): Promise<string | undefined> {
    return this.#answer((log) => log?.queries.meta("resume_key"), { certain: true });
  }

  symbols(): Promise<string[]> {
    return this.#answer((log) => [...log?.symbols.keys() ?? []]);
  }

  checkpoints(): Promise<Map<string, Checkpoint>> {
    return this.#answer((log) =>
      new Map([...log?.symbols ?? []].map(([symbol, row]) => [symbol, checkpointOf(row)]))
    );
  }

  checkpoint(symbol: string): Promise<Checkpoint | undefined> {
    return this.#answer((log) => {
      const row = log?.symbols.get(symbol);
      return row && checkpointOf(row);
    });
  }

  async read(after: ReadonlyMap<string, TickId>, options: ReadOptions = {}): Promise<Segment[]> {
    const { maxTicks = MAX_TICKS, waitMs = 0, signal } = options;
    const pollMs = this.#options.pollMs ?? (this.#options.wake ? WOKEN_POLL_MS : POLL_MS);
    const until = performance.now() + waitMs;
    while (true) {
      const seen = this.#pause.wakes;
      const segments = await this.#answer((log) => log ? this.#readNow(log, after, maxTicks) : []);
      const leftMs = until - performance.now();
      if (segments.length > 0 || leftMs <= 0 || signal?.aborted) return segments;
      await this.#pause.wait(seen, Math.min(pollMs, leftMs), signal);
      if (this.#closed) return [];
    }
  }

  newest(symbol: string, count: number): Promise<Segment[]> {
    return this.#answer((log) => {
      const row = log?.symbols.get(symbol);
      return log && row ? segmentsOf(symbol, log.queries.newest(row.no, count)) : [];
    });
  }

  async commit(reader: string, positions: ReadonlyMap<string, TickId>): Promise<void> {
    const epoch = await this.epoch();
    if (epoch === undefined) {
      throw new LogUnavailable(
        `Cannot commit positions of ${reader}: current log ${this.#path} does not exist`,
        { reason: "down" },
      );
    }
    this.#positions.commit(epoch, reader, positions);
  }

  committed(reader: string): Promise<Map<string, TickId>> {
    return this.#answer((log) =>
      log ? this.#positions.committed(log.epoch, reader) : new Map<string, TickId>()
    );
  }

  backlog(reader: string): Promise<Map<string, number>> {
    return this.#answer((log) => {
      const backlog = new Map<string, number>();
      if (log === undefined) return backlog;
      const positions = this.#positions.committed(log.epoch, reader);
      for (const row of log.symbols.values()) {
        const position = positions.get(row.symbol);
        const count = position === undefined
          ? row.appended
          : compareIds(position, row.lastId) >= 0
          ? 0
          : log.queries.countAfter(row, position);
        if (count > 0) backlog.set(row.symbol, count);
      }
      return backlog;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#close();
    this.#pause[Symbol.dispose]();
    this.#positions[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Symbols take turns at being first, and share `maxTicks`, so that a busy one starves none. */
  #readNow(log: OpenLog, after: ReadonlyMap<string, TickId>, maxTicks: number): Segment[] {
    const behind: { row: SymbolRow; position: TickId }[] = [];
    for (const [symbol, position] of after) {
      const row = log.symbols.get(symbol);
      if (row && compareIds(row.lastId, position) > 0) behind.push({ row, position });
    }
    const share = Math.ceil(maxTicks / Math.max(1, behind.length));
    const segments: Segment[] = [];
    let left = maxTicks;
    const first = this.#turn++;
    for (let index = 0; index < behind.length && left > 0; index++) {
      const next = behind[(first + index) % behind.length];
      if (next === undefined) break;
      const { row, position } = next;
      const runs = log.queries.after(row, position, share);
      for (const segment of segmentsOf(row.symbol, runs)) {
        segments.push(segment);
        left -= segment.ticks.count;
      }
    }
    return segments;
  }

  /** Looks with the symbols up to date; a file that fails is opened anew by the next call. */
  // deno-lint-ignore require-await -- what SQLite throws must reach the caller as a rejection
  async #answer<T>(
    look: (log: OpenLog | undefined) => T,
    { certain = false }: { certain?: boolean } = {},
  ): Promise<T> {
    const log = this.#current(certain);
    try {
      return guarded(`read ${this.#path}`, () => {
        if (log === undefined) return look(undefined);
        return snapshot(log.db, () => {
          this.#refresh(log);
          return look(log);
        });
      });
    } catch (cause) {
      if (cause instanceof LogUnavailable) this.#close();
      throw cause;
    }
  }

  /** Calls that are made in one breath share a look: nothing they could have waited for lies between. */
  #refresh(log: OpenLog): void {
    if (this.#fresh === log) return;
    refresh(log);
    this.#fresh = log;
    queueMicrotask(() => this.#fresh = undefined);
  }

  /** The open log, if there is one; `certain` asks the folder even if it was asked just now. */
  #current(certain: boolean): OpenLog | undefined {
    if (this.#closed) {
      throw new LogUnavailable(`Cannot read ${this.#path}: current reader is closed`, {
        reason: "down",
      });
    }
    const nowMs = performance.now();
    if (this.#open !== undefined && (certain || nowMs - this.#checkedMs > IDENTITY_MS)) {
      this.#checkedMs = nowMs;
      if (fileIdentity(this.#path) !== this.#open.file) this.#close();
    }
    return this.#open ??= openLog(this.#path);
  }

  #close(): void {
    this.#open?.db.close();
    this.#open = undefined;
  }
}

function openLog(path: string): OpenLog | undefined {
  if (!fileExists(path)) return undefined;
  const file = fileIdentity(path);
  const db = openDatabase(path, { readOnly: true });
  try {
    const queries = tickQueries(db);
    const epoch = queries?.meta("epoch");
    if (queries !== undefined && file !== undefined && epoch !== undefined) {
      return { db, queries, file, epoch, symbols: new Map(), version: -1, seq: -1 };
    }
  } catch (cause) {
    db.close();
    throw cause;
  }
  db.close();
  return undefined;
}

function refresh(log: OpenLog): void {
  const version = log.queries.dataVersion();
  if (version === log.version) return;
  for (const row of log.queries.changedSince(log.seq)) {
    log.symbols.set(row.symbol, row);
    log.seq = Math.max(log.seq, row.seq);
  }
  log.version = version;
}

/** Tells a file from another that took its name. */
function fileIdentity(path: string): string | undefined {
  try {
    const { dev, ino, birthtime } = Deno.statSync(path);
    return `${dev}:${ino}:${birthtime?.getTime()}`;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}
