import { readWhole } from "../../../lib/capture/durable_file.ts";
import { readTickRow, TICK_HEADER_BYTES } from "../../../lib/capture/tick_row.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";

const NEWLINE = 10;
/** No row is longer. */
const TAIL_BYTES = 8192;

export interface WholeRows {
  /** The length up to the end of the last whole row. */
  readonly bytes: number;
  readonly lastId: TickId;
}

/**
 * How far a day file has whole rows, by its end alone: what stands before a row was whole when the row
 * was written. `undefined` when it has none yet. @throws Deno.errors.NotFound when it is gone.
 */
export async function wholeRows(path: string): Promise<WholeRows | undefined> {
  using file = await Deno.open(path, { read: true });
  const { size } = await file.stat();
  const from = Math.max(0, size - TAIL_BYTES);
  await file.seek(from, Deno.SeekMode.Start);
  const tail = await readWhole(file, new Uint8Array(size - from));
  const end = tail.lastIndexOf(NEWLINE);
  if (from + end + 1 <= TICK_HEADER_BYTES.length) return undefined;
  const start = tail.subarray(0, end).lastIndexOf(NEWLINE) + 1;
  const row = readTickRow(tail, start, end);
  // A row that cannot be read is damage: all of it is kept, as it is.
  return { bytes: row === undefined ? size : from + end + 1, lastId: row?.id ?? NO_TICK };
}
