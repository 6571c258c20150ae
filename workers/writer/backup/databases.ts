import { backup } from "node:sqlite";
import { formatId, type TickId } from "../../../lib/market/tick_id.ts";
import { guarded, openDatabase } from "../../../lib/log/sqlite_schema.ts";
import { tickQueries } from "../../../lib/log/tick_log_sqlite_file.ts";
import type { Copying } from "./copying.ts";
import type { ObjectStore } from "./object_store.ts";

/** All pages in one step: one moment of the database, however much is written to it meanwhile. */
const ALL_PAGES = 0x7fffffff;

export interface DatabaseCopy {
  readonly dataDir: string;
  readonly store: ObjectStore;
  readonly copying: Copying;
}

/** Copies an embedded database as it is at one moment, what its WAL holds included. */
export async function copyDatabase(
  { dataDir, store, copying }: DatabaseCopy,
  path: string,
): Promise<void> {
  const part = await store.newPart();
  const db = openDatabase(`${dataDir}/${path}`, { readOnly: true });
  try {
    await backup(db, part, { rate: ALL_PAGES });
  } finally {
    db.close();
  }
  leaveAlone(part);
  await copying.adopt(path, part);
}

/** Makes a copy one file for good: in WAL mode every look at it would leave others beside it. */
function leaveAlone(part: string): void {
  const copy = openDatabase(part, { readOnly: false });
  try {
    guarded(`finish ${part}`, () => copy.exec("PRAGMA journal_mode = DELETE"));
  } finally {
    copy.close();
  }
}

export interface LogSymbol {
  readonly symbol: string;
  /** Everything up to it has left the log. */
  readonly trimmedId: TickId;
}

/** What a copied tick log no longer holds; nothing for a file that is no tick log yet. */
export function trimmedIn(path: string): LogSymbol[] {
  const db = openDatabase(path, { readOnly: true });
  try {
    return tickQueries(db)?.changedSince(-1)
      .map(({ symbol, trimmedId }) => ({ symbol, trimmedId }))
      .filter(({ trimmedId }) => trimmedId.ms > 0) ?? [];
  } finally {
    db.close();
  }
}

export function trimmedTooFar({ symbol, trimmedId }: LogSymbol, filesEnd: TickId): string {
  return `${symbol}: the log begins after ${formatId(trimmedId)}, the files end at ${
    formatId(filesEnd)
  }`;
}
