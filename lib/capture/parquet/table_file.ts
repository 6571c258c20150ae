import { createHash } from "node:crypto";
import { readWhole } from "../durable_file.ts";
import {
  CONTENT_KEY,
  type FooterFacts,
  PARQUET_TAIL_BYTES,
  ParquetFooter,
  RowGroupJoin,
} from "./parquet_footer.ts";
import { type ColumnValues, ROW_GROUP_ROWS, type RowGroupCodec } from "./row_group.ts";

const PIECE_BYTES = 1 << 20;

/** A Parquet file of one kind of table, as bytes that come row group by row group. */
export class TableParts {
  readonly #codec: RowGroupCodec;
  readonly #sortedBy: readonly number[];
  readonly #join = new RowGroupJoin();

  /** @param sortedBy the columns by which the rows ascend, over the whole file. */
  constructor(codec: RowGroupCodec, sortedBy: readonly string[]) {
    this.#codec = codec;
    this.#sortedBy = sortedBy.map((name) => codec.columns.findIndex((it) => it.name === name));
  }

  /** The bytes that the file has next; at most ROW_GROUP_ROWS rows. */
  rows(values: readonly ColumnValues[], count: number): Uint8Array[] {
    return this.#join.add(this.#codec.encode(values, count));
  }

  /** The last bytes; a file without rows is one too. */
  end(keyValues: FooterFacts["keyValues"], { isSorted = true } = {}): Uint8Array[] {
    const start = this.#join.isEmpty ? this.rows(this.#codec.columns.map(none), 0) : [];
    return [...start, this.#join.finish({ keyValues, sortedBy: isSorted ? this.#sortedBy : [] })];
  }
}

/** A Parquet file of one kind of table, read row group by row group. */
export class TableFile implements Disposable {
  readonly footer: ParquetFooter;
  readonly #file: Deno.FsFile;
  readonly #codec: RowGroupCodec;
  readonly #dataBytes: number;

  private constructor(parts: {
    file: Deno.FsFile;
    codec: RowGroupCodec;
    footer: ParquetFooter;
    dataBytes: number;
  }) {
    this.#file = parts.file;
    this.#codec = parts.codec;
    this.footer = parts.footer;
    this.#dataBytes = parts.dataBytes;
  }

  /** @throws SyntaxError when it is no Parquet file; Deno.errors.NotFound. */
  static async open(path: string, codec: RowGroupCodec): Promise<TableFile> {
    const file = await Deno.open(path, { read: true });
    try {
      const { footer, dataBytes } = await readFooter(file);
      return new TableFile({ file, codec, footer, dataBytes });
    } catch (cause) {
      file.close();
      throw cause;
    }
  }

  /** How many rows columns must take to hold any of its row groups; 1 when there is none. */
  get largestGroupRows(): number {
    return this.footer.rowGroups.reduce((most, { rows }) => Math.max(most, rows), 1);
  }

  /**
   * Whether every byte is as it was written. Damage is found here: the decoder is not made for
   * bytes that nobody has checked.
   */
  async isIntact(): Promise<boolean> {
    const hash = createHash("sha256");
    for (let at = 0; at < this.#dataBytes; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, this.#dataBytes - at);
      hash.update(await readAt(this.#file, at, length));
    }
    hash.update(this.footer.bytesWithoutHash());
    return hash.digest("hex") === this.footer.keyValues.get(CONTENT_KEY);
  }

  /**
   * Reads a row group into the columns and returns how many rows it has.
   * @throws SyntaxError when it is damaged, larger than the columns, or of another table.
   */
  async readRowGroup(index: number, values: readonly ColumnValues[]): Promise<number> {
    const group = this.footer.rowGroups[index];
    if (group === undefined) throw new RangeError(`Cannot read row group ${index}: there is none`);
    if (group.toByte > this.#dataBytes || group.rows > ROW_GROUP_ROWS) {
      throw new SyntaxError(
        `Cannot read row group ${index} of ${this.#dataBytes} bytes: current place is ` +
          `${group.fromByte} to ${group.toByte} with ${group.rows} rows`,
      );
    }
    const data = await readAt(this.#file, group.fromByte, group.toByte - group.fromByte);
    return this.#codec.decode(this.footer.rowGroupFile(index, data), values);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** What the footer of a file says beside the columns; read without the rest of the file. */
export async function readKeyValues(path: string): Promise<ReadonlyMap<string, string>> {
  using file = await Deno.open(path, { read: true });
  return (await readFooter(file)).footer.keyValues;
}

async function readFooter(
  file: Deno.FsFile,
): Promise<{ footer: ParquetFooter; dataBytes: number }> {
  const { size } = await file.stat();
  const tail = await readAt(file, Math.max(0, size - PARQUET_TAIL_BYTES), PARQUET_TAIL_BYTES);
  const length = ParquetFooter.lengthIn(tail), dataBytes = size - PARQUET_TAIL_BYTES - length;
  if (dataBytes < 0) {
    throw new SyntaxError(
      `Cannot read a Parquet file of ${size} bytes: its footer says ${length} bytes`,
    );
  }
  return { footer: new ParquetFooter(await readAt(file, dataBytes, length)), dataBytes };
}

async function readAt(file: Deno.FsFile, from: number, length: number): Promise<Uint8Array> {
  await file.seek(from, Deno.SeekMode.Start);
  return await readWhole(file, new Uint8Array(length));
}

function none(): ColumnValues {
  return new Float64Array(0);
}
