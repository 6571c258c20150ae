import { createHash } from "node:crypto";
import { compareIds, formatId, NO_TICK, type TickId } from "../market/tick_id.ts";
import { type Day, dayName, dayOf } from "./day_path.ts";
import type { TimeRange } from "../time/time_range.ts";
import { readTickRow, TICK_HEADER_BYTES, type TickRow } from "./tick_row.ts";

/** What a reading of a day file from its first byte found. */
export interface DayScan {
  /** Bytes from the start that are header and whole, ordered rows of the day. */
  readonly goodBytes: number;
  readonly fileBytes: number;
  /** What stands after the good bytes, for a person; absent when everything is good. */
  readonly damage?: string;
  readonly rows: number;
  /** NO_TICK when there are no rows. */
  readonly firstId: TickId;
  readonly lastId: TickId;
  readonly lastRow?: TickRow;
  /** Rows whose time is before their id's: they came late. */
  readonly lateRows: number;
  /** Every offset of the server's clock that was applied, ms, in order of appearance. */
  readonly offsetsMs: readonly number[];
  /** For each range asked about, how many rows have their own time in it. */
  readonly rowsIn: readonly number[];
  /** Of the good bytes, in hex. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1 << 18;
/** No row is longer; a line that is, is no row. */
const LONGEST_LINE_BYTES = 4096;
const NEWLINE = 10;
/** A day has one offset, two when summer time begins or ends; more says that something is wrong. */
const MOST_OFFSETS = 16;

/** Reads a day file in pieces and stops at the first row that is torn, out of order or no row. */
export async function scanDayFile(
  path: string,
  day: Day,
  { ranges = [], onRow }: {
    ranges?: readonly TimeRange[];
    /** Called with every good row, in order. */
    onRow?: (row: TickRow) => void;
  } = {},
): Promise<DayScan> {
  using file = await Deno.open(path, { read: true });
  const fileBytes = (await file.stat()).size;
  const scan = new Scan(day, { ranges, onRow });
  const buffer = new Uint8Array(CHUNK_BYTES + LONGEST_LINE_BYTES);
  let kept = 0;
  for (;;) {
    const count = await file.read(buffer.subarray(kept));
    if (count === null) break;
    const used = scan.take(buffer.subarray(0, kept + count));
    if (scan.damage !== undefined) break;
    kept = kept + count - used;
    buffer.copyWithin(0, used, used + kept);
    if (kept >= LONGEST_LINE_BYTES) {
      scan.damage = "a line that is too long for a row";
      break;
    }
  }
  if (scan.damage === undefined && kept > 0) scan.damage = "a line without its end";
  return scan.result(fileBytes);
}

class Scan {
  damage: string | undefined;
  readonly #day: Day;
  readonly #hash = createHash("sha256");
  readonly #offsetsMs = new Set<number>();
  readonly #ranges: readonly TimeRange[];
  readonly #onRow: ((row: TickRow) => void) | undefined;
  readonly #rowsIn: number[];
  #goodBytes = 0;
  #rows = 0;
  #lateRows = 0;
  #firstId = NO_TICK;
  #lastRow: TickRow | undefined;

  constructor(
    day: Day,
    { ranges, onRow }: {
      ranges: readonly TimeRange[];
      onRow: ((row: TickRow) => void) | undefined;
    },
  ) {
    this.#day = day;
    this.#ranges = ranges;
    this.#onRow = onRow;
    this.#rowsIn = ranges.map(() => 0);
  }

  /** Takes whole lines from the front of the bytes and returns how many bytes they were. */
  take(bytes: Uint8Array): number {
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
      this.damage = this.#goodBytes + at === 0
        ? wrongHeader(bytes.subarray(0, end + 1))
        : this.#row(bytes, at, end);
      if (this.damage !== undefined) break;
      at = end + 1;
    }
    this.#hash.update(bytes.subarray(0, at));
    this.#goodBytes += at;
    return at;
  }

  result(fileBytes: number): DayScan {
    return {
      goodBytes: this.#goodBytes,
      fileBytes,
      ...(this.damage === undefined ? {} : { damage: this.damage }),
      rows: this.#rows,
      firstId: this.#firstId,
      lastId: this.#lastRow?.id ?? NO_TICK,
      ...(this.#lastRow === undefined ? {} : { lastRow: this.#lastRow }),
      lateRows: this.#lateRows,
      offsetsMs: [...this.#offsetsMs],
      rowsIn: this.#rowsIn,
      sha256: this.#hash.digest("hex"),
    };
  }

  /** What is wrong with the row, or nothing. */
  #row(bytes: Uint8Array, from: number, to: number): string | undefined {
    const row = readTickRow(bytes, from, to);
    if (row === undefined) return `row ${this.#rows + 1} cannot be read`;
    const previous = this.#lastRow;
    if (previous === undefined) this.#firstId = row.id;
    else if (compareIds(row.id, previous.id) <= 0) {
      return `row ${this.#rows + 1} is out of order: ${formatId(row.id)} after ${
        formatId(previous.id)
      }`;
    }
    if (dayOf(row.id.ms) !== this.#day) {
      if (previous === undefined) this.#firstId = NO_TICK;
      return `row ${this.#rows + 1} belongs to ${dayName(dayOf(row.id.ms))}`;
    }
    this.#lastRow = row;
    this.#rows++;
    if (row.utcMs < row.id.ms) this.#lateRows++;
    for (const [index, { fromMs, toMs }] of this.#ranges.entries()) {
      if (row.utcMs >= fromMs && row.utcMs < toMs) {
        this.#rowsIn[index] = (this.#rowsIn[index] ?? 0) + 1;
      }
    }
    const offsetMs = row.serverMs - row.utcMs;
    if (this.#offsetsMs.size < MOST_OFFSETS) this.#offsetsMs.add(offsetMs);
    this.#onRow?.(row);
    return undefined;
  }
}

function wrongHeader(line: Uint8Array): string | undefined {
  const equal = line.length === TICK_HEADER_BYTES.length &&
    line.every((byte, index) => byte === TICK_HEADER_BYTES[index]);
  return equal ? undefined : "the first line is not the header";
}
