import type { Bar } from "../../market/bar.ts";
import { compareIds } from "../../market/tick_id.ts";
import { TickColumns } from "../tick_columns.ts";
import type { TickRow } from "../tick_row.ts";
import { BarColumns } from "./bar_columns.ts";
import { type ColumnValues, ROW_GROUP_ROWS } from "./row_group.ts";
import { TableParts } from "./table_file.ts";
import {
  BAR_TABLE,
  BARS_SORTED_BY,
  TICK_TABLE,
  TICKS_SORTED_BY,
  valuesOfBars,
  valuesOfTicks,
} from "./tables.ts";

export interface ParquetStreamOptions {
  /** For the footer, e.g. `arbitrex.symbol`. */
  readonly keyValues?: ReadonlyMap<string, string>;
  /** Rows of a group, which is made in one go: fewer where something else waits for its turn. */
  readonly groupRows?: number;
}

/**
 * Rows, in the order of their ids if the file shall say that it is sorted, as a Parquet file that is
 * made while it is read: a row group when the reader asks for more, so that memory holds one. A failure of the batches fails the stream,
 * whose file is then without an end and cannot be taken for a whole one; cancelling the stream ends
 * the batches. No rows at all are a file of columns.
 */
export function tickParquetStream(
  batches: AsyncIterable<readonly TickRow[]>,
  options: ParquetStreamOptions = {},
): ReadableStream<Uint8Array> {
  const columns = new TickColumns(options.groupRows ?? ROW_GROUP_ROWS);
  const values = valuesOfTicks(columns);
  const parts = new TableParts(TICK_TABLE, TICKS_SORTED_BY);
  const follows = (row: TickRow, previous: TickRow) => compareIds(row.id, previous.id) > 0;
  return streamOf(pieces(batches, { columns, values, parts, follows }, options));
}

/** The same for bars in the order of their opens. */
export function barParquetStream(
  batches: AsyncIterable<readonly Bar[]>,
  options: ParquetStreamOptions = {},
): ReadableStream<Uint8Array> {
  const columns = new BarColumns(options.groupRows ?? ROW_GROUP_ROWS);
  const values = valuesOfBars(columns);
  const parts = new TableParts(BAR_TABLE, BARS_SORTED_BY);
  const follows = (row: Bar, previous: Bar) => row.utcMs > previous.utcMs;
  return streamOf(pieces(batches, { columns, values, parts, follows }, options));
}

interface Columns<Row> {
  readonly count: number;
  readonly isFull: boolean;
  push(row: Row): void;
  clear(): void;
}

interface Filling<Row> {
  readonly columns: Columns<Row>;
  readonly values: readonly ColumnValues[];
  readonly parts: TableParts;
  /** The file says of itself that its rows ascend as long as every row does. */
  readonly follows: (row: Row, previous: Row) => boolean;
}

async function* pieces<Row>(
  batches: AsyncIterable<readonly Row[]>,
  { columns, values, parts, follows }: Filling<Row>,
  { keyValues = new Map() }: ParquetStreamOptions,
): AsyncGenerator<Uint8Array> {
  let previous: Row | undefined, isSorted = true;
  for await (const batch of batches) {
    for (const row of batch) {
      if (previous !== undefined && !follows(row, previous)) isSorted = false;
      previous = row;
      columns.push(row);
      if (!columns.isFull) continue;
      yield* parts.rows(values, columns.count);
      columns.clear();
    }
  }
  if (columns.count > 0) yield* parts.rows(values, columns.count);
  yield* parts.end(keyValues, { isSorted });
}

/** Nothing is made ahead of the reader. */
function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  }, { highWaterMark: 0 });
}
