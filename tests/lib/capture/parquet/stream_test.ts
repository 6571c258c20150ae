import assert from "node:assert/strict";
import { barParquetStream, tickParquetStream } from "../../../../lib/capture/parquet/stream.ts";
import {
  PARQUET_TAIL_BYTES,
  ParquetFooter,
} from "../../../../lib/capture/parquet/parquet_footer.ts";
import { ROW_GROUP_ROWS } from "../../../../lib/capture/parquet/row_group.ts";
import { TableFile, TableParts } from "../../../../lib/capture/parquet/table_file.ts";
import {
  BAR_TABLE,
  TICK_TABLE,
  valuesOfBars,
  valuesOfTicks,
} from "../../../../lib/capture/parquet/tables.ts";
import { BarColumns } from "../../../../lib/capture/parquet/bar_columns.ts";
import { TickColumns } from "../../../../lib/capture/tick_columns.ts";
import { TickRowEncoder } from "../../../../lib/capture/tick_row_encoder.ts";
import type { TickRow } from "../../../../lib/capture/tick_row.ts";
import { walkingRows } from "../../../support/sealed_day.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

async function* inBatches<Row>(rows: readonly Row[], size: number): AsyncGenerator<Row[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
}

function footerOf(bytes: Uint8Array): ParquetFooter {
  const end = bytes.length - PARQUET_TAIL_BYTES;
  return new ParquetFooter(bytes.subarray(end - ParquetFooter.lengthIn(bytes.subarray(end)), end));
}

function csvOf(rows: Iterable<TickRow>): string {
  const columns = new TickColumns(ROW_GROUP_ROWS + 1), encoder = new TickRowEncoder();
  for (const row of rows) columns.push(row);
  encoder.encodeColumns(columns);
  return new TextDecoder().decode(encoder.bytes);
}

/** The rows of a Parquet file of ticks. */
async function csvIn(bytes: Uint8Array): Promise<string> {
  await using folder = await tempFolder();
  await Deno.writeFile(`${folder.path}/a.parquet`, bytes);
  using table = await TableFile.open(`${folder.path}/a.parquet`, TICK_TABLE);
  assert.ok(await table.isIntact());
  const columns = new TickColumns(ROW_GROUP_ROWS), encoder = new TickRowEncoder();
  for (const index of table.footer.rowGroups.keys()) {
    columns.count = await table.readRowGroup(index, valuesOfTicks(columns));
    encoder.encodeColumns(columns);
  }
  return new TextDecoder().decode(encoder.bytes);
}

Deno.test("a stream of ticks is a whole file, whatever the sizes of its batches", async () => {
  const rows = [...walkingRows(ROW_GROUP_ROWS + 1)];
  for (const size of [777, rows.length]) {
    const bytes = await bytesOf(tickParquetStream(inBatches(rows, size), {
      keyValues: new Map([["arbitrex.symbol", "EURUSD"]]),
    }));
    const footer = footerOf(bytes);
    assert.deepEqual(footer.rowGroups.map((group) => group.rows), [ROW_GROUP_ROWS, 1]);
    assert.equal(footer.keyValues.get("arbitrex.symbol"), "EURUSD");
    assert.ok(await csvIn(bytes) === csvOf(rows));
  }
});

Deno.test("no ticks at all are a file with columns and no rows", async () => {
  const bytes = await bytesOf(tickParquetStream(inBatches<TickRow>([], 1)));
  assert.equal(footerOf(bytes).rows, 0);
  assert.equal(await csvIn(bytes), "");
});

Deno.test("a stream of bars is a whole file", async () => {
  await using folder = await tempFolder();
  const bars = Array.from({ length: 500 }, (_, index) => ({
    utcMs: index * 60_000,
    serverMs: index * 60_000 + 7_200_000,
    ...{ open: 1.1, high: 1.3, low: 1.05, close: 1.2 + index / 1000, volume: index },
  }));
  const path = `${folder.path}/a.parquet`;
  await Deno.writeFile(path, await bytesOf(barParquetStream(inBatches(bars, 100))));
  using table = await TableFile.open(path, BAR_TABLE);
  const columns = new BarColumns(ROW_GROUP_ROWS);
  columns.count = await table.readRowGroup(0, valuesOfBars(columns));
  assert.deepEqual(columns.bars(), bars);
});

Deno.test("nothing is made before it is asked for, and one row group at a time", async () => {
  const [row] = walkingRows(1);
  let asked = 0;
  async function* endless(): AsyncGenerator<TickRow[]> {
    for (;; asked++) {
      yield Array.from({ length: ROW_GROUP_ROWS }, (_, n) => ({
        ...(row ?? assert.fail()),
        id: { ms: 1_766_390_400_000 + asked, n },
      }));
    }
  }
  const reader = tickParquetStream(endless()).getReader();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(asked, 0);
  for (let piece = 0; piece < 4; piece++) await reader.read();
  assert.ok(asked <= 4, `${asked} row groups were made for 4 pieces`);
  await reader.cancel();
});

Deno.test("a failure of the batches fails the stream, so that no cut file looks whole", async () => {
  async function* failing(): AsyncGenerator<TickRow[]> {
    yield [...walkingRows(10)];
    throw new Error("the disk is gone");
  }
  await assert.rejects(bytesOf(tickParquetStream(failing())), /the disk is gone/);
});

Deno.test("cancelling the stream ends the batches", async () => {
  let isEnded = false;
  async function* batches(): AsyncGenerator<TickRow[]> {
    try {
      for (;;) yield [...walkingRows(ROW_GROUP_ROWS)];
    } finally {
      isEnded = true;
    }
  }
  const reader = tickParquetStream(batches()).getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(isEnded, true);
});

Deno.test("a hundred files leave the memory of the encoder as it was after the first ones", async () => {
  const { wasmMemory } = await import("parquet-wasm/bundler");
  const size = () => (wasmMemory() as WebAssembly.Memory).buffer.byteLength;
  const columns = new TickColumns(2000), values = valuesOfTicks(columns);
  for (const row of walkingRows(columns.capacity)) columns.push(row);
  let afterTen = 0;
  for (let file = 0; file < 100; file++) {
    const parts = new TableParts(TICK_TABLE, []);
    for (let group = 0; group < 3; group++) parts.rows(values, columns.count);
    parts.end(new Map());
    TICK_TABLE.decode(TICK_TABLE.encode(values, columns.count), values);
    if (file === 9) afterTen = size();
  }
  assert.equal(size(), afterTen);
});
