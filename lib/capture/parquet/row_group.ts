import * as arrow from "apache-arrow";
import {
  Compression,
  EnabledStatistics,
  Encoding,
  readParquet,
  Table as EncodedTable,
  writeParquet,
  type WriterProperties,
  WriterPropertiesBuilder,
} from "parquet-wasm/bundler";

/**
 * Rows of a group: small enough that memory stays bounded and that a reader skips most of a day by
 * the statistics, large enough that a column compresses.
 */
export const ROW_GROUP_ROWS = 100_000;

/** The encoder takes a column in pieces of so many rows; the 1024 it takes by itself cost time. */
const WRITE_BATCH_ROWS = 65_536;

/**
 * How a column of numbers is stored. `utc` and `broker` are whole ms as timestamps, with and without
 * a zone; `number` is a double, `optional` one that is null where it is NaN; `whole` fits 64 bits,
 * `flags` 32.
 */
export type ColumnKind = "utc" | "broker" | "number" | "optional" | "whole" | "flags";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** One for each column; at least as long as there are rows. */
export type ColumnValues = Float64Array | Uint32Array;

/** What a kind of row is as a table; one for all its row groups. */
export class RowGroupCodec {
  readonly columns: readonly Column[];
  readonly #schema: arrow.Schema;
  #properties: WriterProperties;

  constructor(columns: readonly Column[]) {
    this.columns = columns;
    this.#schema = new arrow.Schema(
      columns.map(({ name, kind }) => new arrow.Field(name, typeOf(kind), kind === "optional")),
    );
    this.#properties = propertiesOf(columns);
  }

  /** The rows as a whole Parquet file of one row group. There must be one at least. */
  encode(values: readonly ColumnValues[], rows: number): Uint8Array {
    const children = this.columns.map(({ kind }, index) =>
      dataOf(kind, values[index] ?? new Float64Array(0), rows)
    );
    const type = new arrow.Struct(this.#schema.fields);
    const data = arrow.makeData({ type, length: rows, nullCount: 0, children });
    const batch = new arrow.RecordBatch(this.#schema, data);
    const bytes = arrow.tableToIPC(new arrow.Table([batch]), "stream");
    // Both take what they are given: the table is freed with the call, the properties are rebuilt.
    const properties = this.#properties;
    this.#properties = propertiesOf(this.columns);
    return writeParquet(EncodedTable.fromIPCStream(bytes), properties);
  }

  /**
   * Reads a file of one row group into the arrays and returns how many rows it has.
   * @throws SyntaxError when it has other columns, or more rows than an array takes.
   */
  decode(file: Uint8Array, values: readonly ColumnValues[]): number {
    const table = arrow.tableFromIPC(
      readParquet(file, { batchSize: values[0]?.length ?? ROW_GROUP_ROWS }).intoIPCStream(),
    );
    const found = table.schema.fields.map(({ name, type }) => `${name}: ${type}`);
    const expected = this.#schema.fields.map(({ name, type }) => `${name}: ${type}`);
    if (found.join() !== expected.join()) {
      throw new SyntaxError(`Cannot read the columns ${expected}: current value is ${found}`);
    }
    if (table.numRows > (values[0]?.length ?? 0)) {
      throw new SyntaxError(`Cannot read a row group: current value is ${table.numRows} rows`);
    }
    for (const [index, { kind }] of this.columns.entries()) {
      let at = 0;
      for (const data of table.getChildAt(index)?.data ?? []) {
        copyInto(values[index] ?? new Float64Array(0), at, { kind, data });
        at += data.length;
      }
    }
    return table.numRows;
  }
}

function typeOf(kind: ColumnKind): arrow.DataType {
  switch (kind) {
    case "utc":
      return new arrow.TimestampMillisecond("UTC");
    case "broker":
      return new arrow.TimestampMillisecond();
    case "number":
    case "optional":
      return new arrow.Float64();
    case "whole":
      return new arrow.Int64();
    case "flags":
      return new arrow.Uint32();
  }
}

/**
 * Prices repeat and are stored in a dictionary, whole numbers as differences: times and ids grow
 * little by little, and for flags it is a sixth faster than a dictionary and hardly larger.
 */
function propertiesOf(columns: readonly Column[]): WriterProperties {
  let builder = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .setWriteBatchSize(WRITE_BATCH_ROWS);
  for (const { name, kind } of columns) {
    if (kind === "number" || kind === "optional") continue;
    builder = builder.setColumnDictionaryEnabled(name, false)
      .setColumnEncoding(name, Encoding.DELTA_BINARY_PACKED);
  }
  return builder.build();
}

function dataOf(kind: ColumnKind, values: ColumnValues, length: number): arrow.Data {
  const data = values.subarray(0, length);
  if (kind === "flags") return arrow.makeData({ type: new arrow.Uint32(), length, data });
  if (kind === "number") return arrow.makeData({ type: new arrow.Float64(), length, data });
  if (kind !== "optional") {
    return arrow.makeData({ type: new arrow.Int64(), length, data: int64(values, length) })
      .clone(typeOf(kind));
  }
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  let nullCount = 0;
  for (let row = 0; row < length; row++) {
    if (Number.isNaN(values[row])) nullCount++;
    else nullBitmap[row >> 3] = (nullBitmap[row >> 3] ?? 0) | (1 << (row & 7));
  }
  const buffers = nullCount === 0 ? { nullCount } : { nullCount, nullBitmap };
  return arrow.makeData({ type: new arrow.Float64(), length, data, ...buffers });
}

const TWO_TO_32 = 2 ** 32;

/** In halves of 32 bits, because a BigInt for each number is slow. */
function int64(values: ColumnValues, length: number): BigInt64Array {
  const result = new BigInt64Array(length);
  const halves = new Int32Array(result.buffer);
  for (let row = 0; row < length; row++) {
    const value = values[row] ?? 0, high = Math.floor(value / TWO_TO_32);
    halves[2 * row] = value - high * TWO_TO_32;
    halves[2 * row + 1] = high;
  }
  return result;
}

function copyInto(
  target: ColumnValues,
  at: number,
  { kind, data }: { kind: ColumnKind; data: arrow.Data },
): void {
  const stored = data.values;
  if (kind === "number" || kind === "optional" || kind === "flags") {
    target.set(stored.subarray(0, data.length), at);
    if (data.nullCount === 0) return;
    for (let row = 0; row < data.length; row++) {
      if (!data.getValid(row)) target[at + row] = NaN;
    }
    return;
  }
  const halves = new Int32Array(stored.buffer, stored.byteOffset, 2 * data.length);
  for (let row = 0; row < data.length; row++) {
    target[at + row] = (halves[2 * row + 1] ?? 0) * TWO_TO_32 + ((halves[2 * row] ?? 0) >>> 0);
  }
}
