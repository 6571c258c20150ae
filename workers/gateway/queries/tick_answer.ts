import { TICK_HEADER_BYTES } from "../../../lib/capture/tick_row.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";
import { formatId, type TickId } from "../../../lib/market/tick_id.ts";
import type { Format } from "./query_fields.ts";
import type { RangeAnswer } from "./range_answers.ts";
import { LINE_END, RowCursor } from "./row_block.ts";
import { readRows, rowsToJson } from "./tick_json_rows.ts";
import type { TickQuery } from "./tick_query.ts";
import { type History, limitRows, readTickRows } from "./tick_rows.ts";

const TYPES: Readonly<Record<Format, string>> = {
  json: "application/json",
  csv: "text/csv; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
};

/** A group is made in one go, during which no live tick goes out: about 40 ms. */
const PARQUET_GROUP_ROWS = 20_000;

/** The answer to `GET /ticks/{symbol}`; nothing is read before its pieces are asked for. */
export function tickAnswer(history: History, query: TickQuery): RangeAnswer {
  const { symbol, format } = query;
  return {
    headers: formatHeaders(format, `${symbolFolder(symbol)}_ticks`),
    chunks: () => {
      const rows = limitRows(readTickRows(history, query), query.limit);
      if (format === "parquet") return parquetOf(rows);
      return format === "csv" ? csvOf(rows) : jsonOf(rows, symbol);
    },
  };
}

/** A table is a file to a browser, with a name. */
export function formatHeaders(format: Format, name: string): Record<string, string> {
  const headers: Record<string, string> = { "content-type": TYPES[format] };
  if (format !== "json") {
    headers["content-disposition"] = `attachment; filename="${name}.${format}"`;
  }
  return headers;
}

type Rows = ReturnType<typeof limitRows>;

/** The first rows are read before anything is said, so that what fails at once is an error answer. */
async function* csvOf(rows: Rows): AsyncGenerator<Uint8Array> {
  try {
    let { done, value } = await rows.next();
    yield TICK_HEADER_BYTES;
    while (!done && typeof value === "object") {
      yield value.bytes;
      ({ done, value } = await rows.next());
    }
  } finally {
    await rows.return(false);
  }
}

/** `next_after` is the id to go on after; null when the range is over. */
async function* jsonOf(rows: Rows, symbol: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    let { done, value } = await rows.next();
    let count = 0, lastId: TickId | undefined;
    yield encoder.encode(`{"symbol":${JSON.stringify(symbol)},"ticks":[`);
    while (!done && typeof value === "object") {
      if (count > 0) yield encoder.encode(",");
      yield rowsToJson(value.bytes);
      count += value.rows;
      lastId = lastIdOf(value.bytes);
      ({ done, value } = await rows.next());
    }
    const next = value === true && lastId !== undefined ? `"${formatId(lastId)}"` : "null";
    yield encoder.encode(`],"count":${count},"next_after":${next}}`);
  } finally {
    await rows.return(false);
  }
}

async function* parquetOf(rows: Rows): AsyncGenerator<Uint8Array> {
  // A megabyte of WebAssembly, which only who asks for Parquet pays for.
  const { tickParquetStream } = await import("../../../lib/capture/parquet/stream.ts");
  const batches = (async function* () {
    for await (const { bytes } of rows) yield readRows(bytes);
  })();
  yield* tickParquetStream(batches, { groupRows: PARQUET_GROUP_ROWS });
}

function lastIdOf(bytes: Uint8Array<ArrayBuffer>): TickId {
  const cursor = new RowCursor(bytes, bytes.lastIndexOf(LINE_END, bytes.length - 2) + 1);
  cursor.next();
  return cursor.id;
}
