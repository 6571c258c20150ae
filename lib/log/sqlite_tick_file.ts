import type { DatabaseSync } from "node:sqlite";
import { randomHex } from "./random_hex.ts";
import { guarded, SCHEMA_VERSION, TICKS_SCHEMA, transaction } from "./sqlite_schema.ts";
import { tickQueries } from "./tick_log_sqlite_file.ts";

export interface TickFileOptions {
  /** `<DATA_DIR>/log`; made when missing. */
  readonly folder: string;
  /** What the ticks are (raw, replay, simulated): a log keeps its kind and refuses another. */
  readonly kind: string;
  /** The file may not grow past this; then `LogUnavailable` with reason `full`. */
  readonly maxBytes?: number;
}

/** Half the WAL that a burst of full groups leaves; what is above it is given back. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;

/** Sets an open file up for its appender, and makes the tables of a new one. */
export function prepareTickFile(
  db: DatabaseSync,
  { kind, maxBytes, folder }: TickFileOptions,
): void {
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
  const meta = { schema: SCHEMA_VERSION, kind, epoch: randomHex(8), resume_key: randomHex(32) };
  transaction(db, "begin a new log", () => {
    db.exec(TICKS_SCHEMA);
    const insert = db.prepare("INSERT INTO meta (name, value) VALUES (?, ?)");
    for (const [name, value] of Object.entries(meta)) insert.run(name, value);
  });
}
