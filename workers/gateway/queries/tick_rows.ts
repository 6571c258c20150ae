import { join } from "node:path";
import { dayOf, listDayFiles, ticksFolder } from "../../../lib/capture/day_path.ts";
import { marketIn } from "../../../lib/capture/symbol_market.ts";
import type { TickLogReader } from "../../../lib/log/tick_log.ts";
import type { TickId } from "../../../lib/market/tick_id.ts";
import { openDay } from "./day_files.ts";
import { loggedRows, LogTrimmed } from "./logged_rows.ts";
import { mergeRows } from "./merge_rows.ts";
import { cutBlock, measureRows, type RowBlock } from "./row_block.ts";

export interface History {
  readonly dataDir: string;
  readonly reader: TickLogReader;
}

/** Which ticks, by their ids. */
export interface TickRange {
  readonly symbol: string;
  /** Exclusive. */
  readonly after: TickId;
  /** Exclusive. */
  readonly end: TickId;
}

/**
 * The ticks of a range in the order of their ids, each once, from the day files and the log together:
 * the files keep what the log has trimmed, the log has what is not yet in a file. A range is over the
 * ids, like the files' days, so a tick that came late lies where its id lies.
 *
 * Holds one chunk of each file of a day and one page of the log, however long the range is. Nothing is
 * remembered between two calls, so nothing can be out of date.
 */
export async function* readTickRows(
  history: History,
  range: TickRange,
): AsyncGenerator<RowBlock> {
  let { after } = range;
  for (;;) {
    try {
      for await (const block of readOnce(history, { ...range, after })) {
        yield block;
        after = block.lastId;
      }
      return;
    } catch (cause) {
      // A reader so slow that the log moved on: what it trimmed is in files that were not there before.
      if (!(cause instanceof LogTrimmed)) throw cause;
    }
  }
}

/** @returns whether more follows than the limit. */
export async function* limitRows(
  blocks: AsyncGenerator<RowBlock>,
  limit: number,
): AsyncGenerator<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly rows: number }, boolean> {
  let left = limit;
  for await (const { bytes } of blocks) {
    if (left === 0) return true;
    const some = measureRows(bytes, left);
    yield { bytes: bytes.subarray(0, some.bytes), rows: some.rows };
    left -= some.rows;
    if (some.bytes < bytes.length) return true;
  }
  return false;
}

async function* readOnce(
  { dataDir, reader }: History,
  range: TickRange,
): AsyncGenerator<RowBlock> {
  const { symbol, after, end } = range;
  const logged = loggedRows(reader, range);
  // The log first: what it has trimmed by then is in the files that are listed afterwards.
  const page = await logged.next();
  const folder = join(dataDir, ticksFolder(symbol, await marketIn(dataDir, symbol)));
  const sources = [filedRows(folder, range), startingWith(page, logged)];
  for await (const block of mergeRows(sources)) {
    const wanted = cutBlock(block, { after, end });
    if (wanted !== undefined) yield wanted;
    const { lastId } = block;
    if (lastId.ms > end.ms || (lastId.ms === end.ms && lastId.n >= end.n)) return;
  }
}

async function* filedRows(folder: string, { after, end }: TickRange): AsyncGenerator<RowBlock> {
  const listed = (await listDayFiles(folder)).filter(({ day }) => {
    return day >= dayOf(after.ms) && day <= dayOf(end.ms);
  });
  for (const [day, names] of Map.groupBy(listed, (name) => name.day)) {
    using opened = await openDay(folder, { day, listed: names });
    // An open file and its sealed link may lie side by side for a moment; ids tell them to be one.
    yield* mergeRows(opened.files.map((file) => file.rows(after)));
  }
}

async function* startingWith<T>(
  first: IteratorResult<T, void>,
  rest: AsyncGenerator<T>,
): AsyncGenerator<T> {
  try {
    if (first.done) return;
    yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
