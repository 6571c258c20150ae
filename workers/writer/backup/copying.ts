import type { BackupFile } from "./note.ts";
import type { ObjectStore } from "./object_store.ts";
import { wholeRows } from "./whole_rows.ts";

/** What a backup has of a data folder so far: each file's content, by the path it has there. */
export class Copying {
  readonly #dataDir: string;
  readonly #store: ObjectStore;
  readonly #before: ReadonlyMap<string, BackupFile>;
  readonly #earlier = new Map<string, BackupFile>();
  readonly #files = new Map<string, BackupFile>();
  copiedFiles = 0;
  copiedBytes = 0;

  constructor({ dataDir, store, before }: {
    dataDir: string;
    store: ObjectStore;
    /** Of the last backup in the same folder. */
    before: readonly BackupFile[];
  }) {
    this.#dataDir = dataDir;
    this.#store = store;
    this.#before = new Map(before.map((file) => [file.path, file]));
  }

  get(path: string): BackupFile | undefined {
    return this.#files.get(path);
  }

  get files(): readonly BackupFile[] {
    return [...this.#files.values()].sort((a, b) => a.path < b.path ? -1 : 1);
  }

  /**
   * Copies a file that never changes once it is there: one that looks as it did in an earlier look or
   * backup is not read again.
   * @throws Deno.errors.NotFound when it is gone.
   */
  async addFixed(path: string): Promise<void> {
    const { size, mtime } = await Deno.stat(`${this.#dataDir}/${path}`);
    const modifiedMs = mtime?.getTime() ?? 0;
    const known = this.#files.get(path) ?? this.#earlier.get(path) ??
      this.#before.get(path);
    const isSame = known !== undefined && modifiedMs !== 0 && known.bytes === size &&
      known.modified_ms === modifiedMs;
    if (isSame && await this.#store.has(known)) {
      this.#files.set(path, { ...known, kept: false });
    } else {
      await this.#add(path, { modifiedMs });
    }
  }

  /** Copies a file as it is now. @throws Deno.errors.NotFound when it is gone. */
  async addAsIs(path: string): Promise<void> {
    await this.#add(path, { modifiedMs: 0 });
  }

  /** Copies a day file that grows, up to its last whole row; one without a row is no file. */
  async addRows(path: string): Promise<void> {
    const rows = await wholeRows(`${this.#dataDir}/${path}`);
    if (rows === undefined) this.#files.delete(path);
    else await this.#add(path, { modifiedMs: 0, length: rows.bytes });
  }

  /** Takes what was read of a file as the file. */
  async addRead(path: string, bytes: Uint8Array): Promise<void> {
    this.#keep(path, { ...await this.#store.addBytes(bytes), modifiedMs: 0 });
  }

  /** Takes what was written to a part of the store as this file. */
  async adopt(path: string, part: string): Promise<void> {
    this.#keep(path, { ...await this.#store.adopt(part), modifiedMs: 0 });
  }

  /** Begins a new look at everything: what is not added again is not there any more. */
  lookAgain(): void {
    for (const [path, file] of this.#files) this.#earlier.set(path, file);
    this.#files.clear();
  }

  forget(path: string): void {
    this.#files.delete(path);
  }

  /** Goes on having what an earlier backup had, where the data folder has it no more. */
  keepFromBefore(isKept: (path: string) => boolean): number {
    let count = 0;
    for (const [path, file] of this.#before) {
      if (this.#files.has(path) || !isKept(path)) continue;
      this.#files.set(path, { ...file, kept: true });
      count++;
    }
    return count;
  }

  async #add(
    path: string,
    { modifiedMs, length }: { modifiedMs: number; length?: number },
  ): Promise<void> {
    const stored = await this.#store.add(`${this.#dataDir}/${path}`, length);
    this.#keep(path, { ...stored, modifiedMs });
  }

  #keep(path: string, { bytes, sha256, isNew, modifiedMs }: {
    bytes: number;
    sha256: string;
    isNew: boolean;
    modifiedMs: number;
  }): void {
    this.#files.set(path, { path, bytes, sha256, modified_ms: modifiedMs, kept: false });
    if (!isNew) return;
    this.copiedFiles++;
    this.copiedBytes += bytes;
  }
}
