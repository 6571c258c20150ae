import { failPoint } from "../program/fail_point.ts";
import { TICK_HEADER_BYTES } from "./tick_row.ts";
import { type Day, dayName, openName } from "./day_path.ts";

/**
 * A day's file while it grows. Rows are appended in whole batches; what `sync` has confirmed stays,
 * what came after it may be taken back with `cut`.
 */
export class DayFile implements Disposable {
  readonly day: Day;
  readonly path: string;
  readonly #file: Deno.FsFile;
  #bytes: number;
  #syncedBytes: number;

  private constructor(file: Deno.FsFile, { day, path, bytes }: {
    day: Day;
    path: string;
    bytes: number;
  }) {
    this.#file = file;
    this.day = day;
    this.path = path;
    this.#bytes = bytes;
    this.#syncedBytes = bytes;
  }

  static pathOf(folder: string, day: Day): string {
    return `${folder}/${openName(day)}`;
  }

  /**
   * Opens or makes `<day>.csv.open` in the folder and cuts it to its first `goodBytes` bytes, which a
   * scan has found good; an empty one gets its header with its first rows.
   */
  static async open(folder: string, day: Day, goodBytes = 0): Promise<DayFile> {
    const path = DayFile.pathOf(folder, day);
    const file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o644 });
    try {
      await file.truncate(goodBytes);
      await file.seek(goodBytes, Deno.SeekMode.Start);
      return new DayFile(file, { day, path, bytes: goodBytes });
    } catch (cause) {
      file.close();
      throw new Error(
        `Cannot open ${path} as the file of ${
          dayName(day)
        }: current length to keep is ${goodBytes}`,
        { cause },
      );
    }
  }

  /** Nothing is known to be on the disk. */
  get isUnsynced(): boolean {
    return this.#syncedBytes === 0;
  }

  /** Hands the rows to the system, without waiting for the disk. Throws when they do not all fit. */
  append(rows: Uint8Array): void {
    failPoint("writer.append.before");
    if (this.#bytes === 0) {
      this.#write(TICK_HEADER_BYTES);
      this.#bytes = TICK_HEADER_BYTES.length;
    }
    const half = rows.length >> 1;
    this.#write(rows.subarray(0, half));
    failPoint("writer.append.half");
    this.#write(rows.subarray(half));
    this.#bytes += rows.length;
    failPoint("writer.append.after");
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }

  /** Resolves when everything appended so far is on the disk. */
  async sync(): Promise<void> {
    const bytes = this.#bytes;
    failPoint("writer.sync.before");
    await this.#file.syncData();
    failPoint("writer.sync.after");
    this.#syncedBytes = bytes;
  }

  /** Takes back what no `sync` has confirmed, also a part of a row that a full disk has torn. */
  async cut(): Promise<void> {
    await this.#file.truncate(this.#syncedBytes);
    await this.#file.seek(this.#syncedBytes, Deno.SeekMode.Start);
    this.#bytes = this.#syncedBytes;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
