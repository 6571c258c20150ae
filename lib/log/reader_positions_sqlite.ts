import type { DatabaseSync } from "node:sqlite";
import type { TickId } from "../market/tick_id.ts";
import {
  guarded,
  openDatabase,
  READERS_FILE,
  READERS_SCHEMA,
  transaction,
} from "./sqlite_schema.ts";

/**
 * Where readers stand, in `readers.sqlite` beside the log. Several processes write it. NORMAL is
 * enough: a reader's files are their own commit record, so a position that a power cut takes back
 * costs a second look at ticks which the files already hold, and nothing else.
 */
export class SqliteReaderPositions implements Disposable {
  readonly #path: string;
  readonly #writable: boolean;
  #db: DatabaseSync | undefined;

  /** With `writable: false` the file is only ever read, and a missing one counts as empty. */
  constructor(folder: string, { writable }: { writable: boolean }) {
    this.#path = `${folder}/${READERS_FILE}`;
    this.#writable = writable;
  }

  /** Moves positions forward; one that is further already stays. */
  commit(epoch: string, reader: string, positions: ReadonlyMap<string, TickId>): void {
    if (!this.#writable) {
      throw new Error(
        `Cannot commit positions of ${reader} as a reader that only looks: current file is ${this.#path}`,
      );
    }
    const db = this.#open();
    if (db === undefined) return;
    transaction(db, `commit positions of ${reader}`, () => {
      const upsert = db.prepare(`
        INSERT INTO positions (reader, symbol, epoch, ms, n) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (reader, symbol) DO UPDATE SET epoch = excluded.epoch, ms = excluded.ms, n = excluded.n
        WHERE epoch <> excluded.epoch OR (ms, n) < (excluded.ms, excluded.n)`);
      for (const [symbol, id] of positions) upsert.run(reader, symbol, epoch, id.ms, id.n);
    });
  }

  committed(epoch: string, reader: string): Map<string, TickId> {
    const db = this.#open();
    if (db === undefined) return new Map();
    const rows = guarded(
      `read positions of ${reader}`,
      () =>
        db.prepare("SELECT symbol, ms, n FROM positions WHERE reader = ? AND epoch = ?")
          .all(reader, epoch),
    );
    return new Map(
      rows.map((row) => [String(row.symbol), { ms: Number(row.ms), n: Number(row.n) }]),
    );
  }

  #open(): DatabaseSync | undefined {
    if (this.#db !== undefined) return this.#db;
    if (!this.#writable && !fileExists(this.#path)) return undefined;
    const db = openDatabase(this.#path, { readOnly: !this.#writable });
    try {
      if (this.#writable) {
        guarded(`prepare ${this.#path}`, () => {
          db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
          db.exec(READERS_SCHEMA);
        });
      } else if (!hasPositions(db)) {
        db.close();
        return undefined;
      }
    } catch (cause) {
      db.close();
      throw cause;
    }
    return this.#db = db;
  }

  [Symbol.dispose](): void {
    this.#db?.close();
    this.#db = undefined;
  }
}

/** A file that its first writer is still preparing has no table yet. */
function hasPositions(db: DatabaseSync): boolean {
  const find = "SELECT 1 FROM sqlite_schema WHERE name = 'positions'";
  return guarded("read positions", () => db.prepare(find).get() !== undefined);
}

export function fileExists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}
