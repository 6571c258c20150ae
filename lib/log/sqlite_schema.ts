import { DatabaseSync } from "node:sqlite";
import { LogUnavailable } from "./tick_log.ts";

/** The names of the files in `<DATA_DIR>/log`. */
export const TICKS_FILE = "ticks.sqlite";
export const READERS_FILE = "readers.sqlite";

export const SCHEMA_VERSION = "1";

/** Long enough for another connection's checkpoint of the WAL, short enough to notice a stuck one. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * A row of `ticks` is a run: consecutive ticks of one symbol that were appended together, as packed
 * records. Measured: 1.4 million ticks a second in runs against 250,000 with a row for each tick.
 * `before` counts the symbol's ticks appended earlier, so a backlog is one index look-up.
 * The index holds each run's last id: what lies after a position is one range of it.
 */
export const TICKS_SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE symbols (
    no INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE, feed TEXT NOT NULL,
    last_ms INTEGER NOT NULL, last_n INTEGER NOT NULL,
    high_server_ms INTEGER NOT NULL, high_utc_ms INTEGER NOT NULL,
    floor_ms INTEGER NOT NULL, watermark_ms INTEGER NOT NULL, ended INTEGER NOT NULL,
    trimmed_ms INTEGER NOT NULL, trimmed_n INTEGER NOT NULL,
    appended INTEGER NOT NULL, seq INTEGER NOT NULL
  );
  CREATE TABLE ticks (
    seq INTEGER PRIMARY KEY, symbol_no INTEGER NOT NULL,
    ms INTEGER NOT NULL, n INTEGER NOT NULL, last_ms INTEGER NOT NULL, last_n INTEGER NOT NULL,
    count INTEGER NOT NULL, before INTEGER NOT NULL, max_server_ms INTEGER NOT NULL,
    records BLOB NOT NULL
  );
  CREATE UNIQUE INDEX ticks_by_id ON ticks (symbol_no, last_ms, last_n, max_server_ms);
`;

/** Positions are stored with the log's epoch: those of a lost log mean nothing to the next. */
export const READERS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS positions (
    reader TEXT NOT NULL, symbol TEXT NOT NULL, epoch TEXT NOT NULL,
    ms INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (reader, symbol)
  ) WITHOUT ROWID;
`;

/** @throws LogUnavailable when the file cannot be opened. */
export function openDatabase(path: string, { readOnly }: { readOnly: boolean }): DatabaseSync {
  return guarded(
    `open ${path}`,
    () => new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS }),
  );
}

/** Runs a step on the database; what SQLite refuses becomes a `LogUnavailable` with its reason. */
export function guarded<T>(act: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw unavailable(act, cause);
  }
}

function unavailable(act: string, cause: unknown): unknown {
  if (!isSqliteError(cause)) return cause;
  const reason = reasonOf(cause.errcode);
  return new LogUnavailable(`Cannot ${act}: current state is ${cause.message}`, { reason, cause });
}

/** The low byte is the primary code; the rest tells kinds of it apart. */
const PERMISSION = 3, READONLY = 8, IOERR = 10, FULL = 13;

function reasonOf(errcode: number | undefined): LogUnavailable["reason"] {
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  // A disk that is full while SQLite grows its WAL or index file shows as an I/O error.
  if (primary === FULL || primary === IOERR) return "full";
  return primary === READONLY || primary === PERMISSION ? "readonly" : "down";
}

interface SqliteError extends Error {
  readonly errcode?: number;
}

function isSqliteError(cause: unknown): cause is SqliteError {
  return cause instanceof Error && "code" in cause && cause.code === "ERR_SQLITE_ERROR";
}

/** Runs queries that see one moment, and take and free the file's locks once instead of each. */
export function snapshot<T>(db: DatabaseSync, look: () => T): T {
  db.exec("BEGIN");
  try {
    return look();
  } finally {
    if (db.isTransaction) db.exec("COMMIT");
  }
}

/** Runs `step` in one transaction that takes the write lock at once. */
export function transaction<T>(db: DatabaseSync, act: string, step: () => T): T {
  return guarded(act, () => {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = step();
      db.exec("COMMIT");
      return result;
    } catch (cause) {
      // SQLite rolls back by itself on some errors, a full disk among them.
      if (db.isTransaction) db.exec("ROLLBACK");
      throw cause;
    }
  });
}
