import { readWhole } from "../../../lib/capture/durable_file.ts";
import { join } from "node:path";
import {
  type Day,
  type DayFileName,
  dayName,
  listDayFiles,
} from "../../../lib/capture/day_path.ts";
import { readTickRow, TICK_HEADER, TICK_HEADER_BYTES } from "../../../lib/capture/tick_row.ts";
import { compareIds, type TickId } from "../../../lib/market/tick_id.ts";
import { blockOf, LINE_END, placeAfter, type RowBlock, RowCursor } from "./row_block.ts";

/** What a reading takes at a time: larger ones are not faster, and hold up the live stream for longer. */
const CHUNK_BYTES = 64 * 1024;
/** A bisection ends in a piece of this size, which is then looked through in memory. */
const WINDOW_BYTES = 64 * 1024;
/** Holds a whole line wherever it is put: no row is longer than 2 KB. */
const PROBE_BYTES = 4096;
/** How often the files of a day may change their names while they are opened. */
const MOST_RENAMES = 5;

/** A tick file that is open: what was renamed or removed since is read to its end all the same. */
export class DayFile implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #sealed: boolean;

  constructor(file: Deno.FsFile, { path, sealed }: { path: string; sealed: boolean }) {
    this.#file = file;
    this.#path = path;
    this.#sealed = sealed;
  }

  /**
   * The rows after an id, which is found by bisection. Of a sealed file they are its bytes, not looked
   * into. An open file may end in what is being written right now, or in what a crash left of it:
   * there it ends, and the log has the rest.
   * @throws Error that names the file when a sealed one is damaged.
   */
  async *rows(after: TickId): AsyncGenerator<RowBlock> {
    try {
      const size = (await this.#file.stat()).size;
      await this.#checkHeader(size);
      let kept = new Uint8Array(0), lastId = after;
      await this.#file.seek(await this.#placeAfter(after, size), Deno.SeekMode.Start);
      for (;;) {
        const bytes = new Uint8Array(kept.length + CHUNK_BYTES);
        bytes.set(kept);
        const count = await this.#file.read(bytes.subarray(kept.length));
        if (count === null) break;
        const filled = kept.length + count, end = bytes.lastIndexOf(LINE_END, filled - 1) + 1;
        kept = bytes.slice(end, filled);
        if (kept.length > PROBE_BYTES) throw new SyntaxError("a line is too long for a row");
        const lines = bytes.subarray(0, end);
        const whole = this.#sealed ? lines : goodRows(lines, lastId);
        if (whole.length > 0) {
          const block = blockOf(whole);
          lastId = block.lastId;
          yield block;
        }
        if (whole.length < end) return;
      }
      if (this.#sealed && kept.length > 0) throw new SyntaxError("its last line has no end");
    } catch (cause) {
      throw new Error(`Cannot read ${this.#path} as whole rows of ticks`, { cause });
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #checkHeader(size: number): Promise<void> {
    const header = new TextDecoder().decode(await this.#read(0, TICK_HEADER_BYTES.length));
    // An open file is created before its header is written.
    if (header === TICK_HEADER || (!this.#sealed && size < TICK_HEADER_BYTES.length)) return;
    throw new SyntaxError(`current header is ${JSON.stringify(header)}`);
  }

  /** Where the first row begins that is after the id: a dozen small reads, however long the day is. */
  async #placeAfter(id: TickId, size: number): Promise<number> {
    let low = Math.min(TICK_HEADER_BYTES.length, size), high = size;
    while (high - low > WINDOW_BYTES) {
      const middle = Math.floor((low + high) / 2);
      const probe = await this.#read(middle, PROBE_BYTES);
      const cursor = new RowCursor(probe, probe.indexOf(LINE_END) + 1);
      if (!this.#next(cursor) || cursor.compare(id) > 0) high = middle;
      else low = middle + cursor.to;
    }
    // The line over `high` begins before it: what is after it is known to be after the id.
    const window = await this.#read(low, high - low + PROBE_BYTES);
    const lines = window.subarray(0, window.lastIndexOf(LINE_END) + 1);
    if (this.#sealed) return low + placeAfter(lines, id);
    const cursor = new RowCursor(lines);
    while (this.#next(cursor)) if (cursor.compare(id) > 0) return low + cursor.from;
    return low + cursor.from;
  }

  /** False also at what is no row, where an open file ends. */
  #next(cursor: RowCursor): boolean {
    try {
      return cursor.next();
    } catch (cause) {
      if (this.#sealed) throw cause;
      return false;
    }
  }

  async #read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#file.seek(at, Deno.SeekMode.Start);
    return await readWhole(this.#file, new Uint8Array(length));
  }
}

/** The files of one day, all of them open at a time. */
export class DayFiles implements Disposable {
  readonly files: readonly DayFile[];

  constructor(files: readonly DayFile[]) {
    this.files = files;
  }

  [Symbol.dispose](): void {
    for (const file of this.files) file[Symbol.dispose]();
  }
}

/**
 * Opens what there is of a day. A day that is sealed meanwhile changes the names of its files, so when
 * one is gone the folder is looked at again.
 */
export async function openDay(
  folder: string,
  { day, listed }: { day: Day; listed: readonly DayFileName[] },
): Promise<DayFiles> {
  for (let tries = 0; tries < MOST_RENAMES; tries++) {
    const names = tries === 0 ? listed : await listDayFiles(folder);
    const files: DayFile[] = [];
    try {
      for (const { name, sealed } of names.filter((name) => name.day === day)) {
        const path = join(folder, name);
        files.push(new DayFile(await Deno.open(path), { path, sealed }));
      }
      return new DayFiles(files);
    } catch (cause) {
      for (const file of files) file[Symbol.dispose]();
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
  throw new Error(
    `Cannot open the tick files of ${dayName(day)} in ${folder}: current names change too often`,
  );
}

/** The lines up to the first one that is torn or out of order. */
function goodRows(lines: Uint8Array<ArrayBuffer>, after: TickId): Uint8Array<ArrayBuffer> {
  let at = 0, lastId = after;
  for (let end = lines.indexOf(LINE_END); end >= 0; end = lines.indexOf(LINE_END, at)) {
    const row = readTickRow(lines, at, end);
    if (row === undefined || compareIds(row.id, lastId) <= 0) break;
    lastId = row.id;
    at = end + 1;
  }
  return lines.subarray(0, at);
}
