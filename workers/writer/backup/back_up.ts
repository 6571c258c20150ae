import { compareIds } from "../../../lib/market/tick_id.ts";
import { readDataFolder } from "../../../lib/capture/data_folder.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";
import { READERS_FILE, TICKS_FILE } from "../../../lib/log/sqlite_schema.ts";
import { FolderLock } from "../../../lib/program/folder_lock.ts";
import { failPoint } from "../../../lib/program/fail_point.ts";
import { filesBelow, type Place, placeOf } from "../data_files.ts";
import { severalAtOnce } from "../several_at_once.ts";
import { ChainCopy, type ChainPlaces, manifestsByChain } from "./chain_copy.ts";
import { Copying } from "./copying.ts";
import { FileEnds } from "./file_ends.ts";
import { copyDatabase, trimmedIn, trimmedTooFar } from "./databases.ts";
import { type BackupNote, readNote, writeBegun, writeNote } from "./note.ts";
import { ObjectStore } from "./object_store.ts";

export interface BackupOptions {
  readonly dataDir: string;
  readonly to: string;
  /** Forgets sealed files that the data folder no longer has. */
  readonly prune?: boolean;
  /** Hears how far it is. */
  readonly onProgress?: (copying: Copying) => void;
}

export interface Backup {
  readonly note: BackupNote;
  /** What no file names any more and was removed. */
  readonly freedBytes: number;
}

/** The disk waits for few of them, and memory stays flat. */
const CHAINS_AT_ONCE = 4;
const MOST_TRIES = 5;

/**
 * Copies a data folder while programs write it, so that a restored one starts without a hole or a
 * contradiction. The order makes that: readers' positions, then day files, then the log. So the files
 * are never behind what the log calls committed, and the log is never behind the files. What is left is
 * a log that was trimmed in between, past the end of the copied files: then the three are copied again.
 * @throws Error when another backup is at work in `to`, or it holds one of another data folder.
 */
export async function backUp(options: BackupOptions): Promise<Backup> {
  const { dataDir, to, prune = false } = options;
  const began = new Date().toISOString(), from = await Deno.realPath(dataDir);
  using lock = await FolderLock.tryTake(to, "backup");
  if (lock === undefined) {
    throw new Error(
      `Cannot back up to ${to}: current user of it is ${await FolderLock.ownerOf(to, "backup")}`,
    );
  }
  const folderId = (await readDataFolder(dataDir))?.id ?? null;
  if (folderId === null && await isEmpty(dataDir)) {
    throw new TypeError(`Cannot back up ${dataDir} as a data folder: current content is nothing`);
  }
  const last = await readNote(to);
  if (last !== undefined && last.folder_id !== folderId) {
    throw new TypeError(
      `Cannot back up ${dataDir} to ${to}: current backup there is of another folder, ${last.from}`,
    );
  }
  await writeBegun(to, { began_at_utc: began, from });
  const run = new BackupRun(options, last);
  const warnings = await run.copyEverything();
  if (!prune) warnings.push(...run.keepSealed());
  await run.store.sync();
  failPoint("backup.note.before");
  const { files, copiedFiles, copiedBytes } = run.copying;
  const note: BackupNote = {
    format: "arbitrex-backup-1",
    began_at_utc: began,
    completed_at_utc: new Date().toISOString(),
    from,
    folder_id: folderId,
    file_count: files.length,
    total_bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    copied_files: copiedFiles,
    copied_bytes: copiedBytes,
    warnings,
    files: [...files],
  };
  await writeNote(to, note);
  failPoint("backup.note.after");
  return { note, freedBytes: await run.store.sweep(new Set(files.map(({ sha256 }) => sha256))) };
}

/** A program that has just started holds a lock already. */
async function isEmpty(dataDir: string): Promise<boolean> {
  for await (const path of filesBelow(dataDir)) if (placeOf(path).kind !== "lock") return false;
  return true;
}

class BackupRun {
  readonly store: ObjectStore;
  readonly copying: Copying;
  readonly #options: BackupOptions;

  constructor(options: BackupOptions, last: BackupNote | undefined) {
    this.#options = options;
    this.store = new ObjectStore(options.to);
    this.copying = new Copying({
      dataDir: options.dataDir,
      store: this.store,
      before: last?.files ?? [],
    });
  }

  /** Returns what a person should know. */
  async copyEverything(): Promise<string[]> {
    // The bulk of it first, so that what must be of one moment takes a moment.
    await this.#copyFiles(["parquet"]);
    await this.#copyChains({ withOpenTicks: false });
    const warnings = await this.#copyMoment();
    await this.#copyFiles(["metadata", "foreign"]);
    return warnings;
  }

  keepSealed(): string[] {
    const count = this.copying.keepFromBefore((path) => {
      const place = placeOf(path);
      return place.kind === "manifest" || (place.kind === "csv" && place.sealed);
    });
    if (count === 0) return [];
    return [`${count} sealed files are kept that the data folder no longer has (see --prune)`];
  }

  async #copyMoment(): Promise<string[]> {
    let behind: string[] = [];
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      this.copying.lookAgain();
      // Before the CSV files that they tell of.
      await this.#copyFiles(["parquet", "audit"]);
      await this.#copyDatabases((path) => path === `log/${READERS_FILE}`);
      await this.#copyChains({ withOpenTicks: true });
      await this.#copyDatabases((path) => path !== `log/${READERS_FILE}`);
      behind = await this.#trimmedPastFiles();
      if (behind.length === 0) return [];
    }
    // It was so before the backup: the files of those symbols were lost, and the writer says so too.
    return behind.map((what) => `Nobody has the ticks between: ${what}`);
  }

  async #copyChains(how: { withOpenTicks: boolean }): Promise<void> {
    const { dataDir, onProgress } = this.#options;
    const { copying } = this;
    const manifests = await manifestsByChain(dataDir);
    await severalAtOnce(await this.#chains(manifests), CHAINS_AT_ONCE, async (places) => {
      await new ChainCopy({ dataDir, copying, manifests }).copy(places, how);
      onProgress?.(copying);
    });
  }

  /** By their folders, and those whose files were all moved to an archive by their manifests. */
  async #chains(manifests: ReadonlyMap<string, readonly string[]>): Promise<ChainPlaces[]> {
    const found = new Map<string, ChainPlaces>();
    for (const top of ["ticks", "ohlcv"]) {
      for await (const path of filesBelow(this.#options.dataDir, top)) {
        const place = placeOf(path);
        if (place.kind !== "csv") continue;
        const folder = path.slice(0, path.lastIndexOf("/"));
        found.set(`${place.chain} ${folder}`, { chain: place.chain, folder });
      }
    }
    const inFolders = new Set([...found.values()].map(({ chain }) => chain));
    for (const chain of manifests.keys()) {
      if (!inFolders.has(chain)) found.set(chain, { chain });
    }
    return [...found.values()];
  }

  async #copyDatabases(isWanted: (path: string) => boolean): Promise<void> {
    const { dataDir } = this.#options, { store, copying } = this;
    for await (const path of filesBelow(dataDir, "log")) {
      if (placeOf(path).kind !== "database" || !isWanted(path)) continue;
      await copyDatabase({ dataDir, store, copying }, path);
      failPoint("backup.database");
    }
  }

  async #trimmedPastFiles(): Promise<string[]> {
    const log = this.copying.get(`log/${TICKS_FILE}`);
    if (log === undefined) return [];
    const ends = new FileEnds(this.copying.files, this.store);
    const behind: string[] = [];
    for (const symbol of trimmedIn(this.store.pathOf(log.sha256))) {
      const end = await ends.endOf(`${symbolFolder(symbol.symbol)}_TICK`);
      if (compareIds(symbol.trimmedId, end) > 0) behind.push(trimmedTooFar(symbol, end));
    }
    return behind;
  }

  /** Whole files, each for itself. */
  async #copyFiles(kinds: readonly Place["kind"][]): Promise<void> {
    const { dataDir, onProgress } = this.#options;
    await severalAtOnce(filesBelow(dataDir), CHAINS_AT_ONCE, async (path) => {
      const { kind } = placeOf(path);
      if (!kinds.includes(kind)) return;
      try {
        if (kind === "parquet" || kind === "foreign") await this.copying.addFixed(path);
        else await this.copying.addAsIs(path);
      } catch (cause) {
        if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      }
      onProgress?.(this.copying);
    });
  }
}
