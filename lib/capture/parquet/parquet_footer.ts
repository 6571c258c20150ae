import { createHash } from "node:crypto";
import {
  readThrift,
  THRIFT,
  type ThriftField,
  type ThriftList,
  type ThriftStruct,
  type ThriftValue,
  writeThrift,
} from "./thrift_compact.ts";

/**
 * A Parquet file as its row groups: parquet-wasm makes and reads files of one row group, here they
 * are put together and taken apart. Its own stream of row groups cannot be used for files that must
 * be whole: it goes on without a batch that failed, and ends as if all were written.
 */

const MAGIC = new TextEncoder().encode("PAR1");
/** Four bytes of length and the magic. */
const TAIL_BYTES = 8;

/** Field numbers of parquet.thrift. */
const FILE = { rows: 3, rowGroups: 4, keyValues: 5, createdBy: 6 } as const;
const GROUP = { columns: 1, rows: 3, sorting: 4, offset: 5, ordinal: 7 } as const;
const COLUMN = { offset: 2, meta: 3, firstIndex: 4, lastIndex: 7 } as const;
const META = { size: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11, bloom: 14, bloomSize: 15 };

/**
 * The key under which a footer holds the hash of its file: of all bytes before the footer, and of the
 * footer as it is without this key.
 */
export const CONTENT_KEY = "arbitrex.content_sha256";

export interface FooterFacts {
  /** Added to what the encoder notes itself, e.g. the Arrow schema. */
  readonly keyValues: ReadonlyMap<string, string>;
  /** Indices of the columns by which the rows ascend, the first first; none when unsorted. */
  readonly sortedBy: readonly number[];
}

/** Puts files of one row group together: call `add` for each and append what it returns. */
export class RowGroupJoin {
  #first: ThriftStruct | undefined;
  readonly #groups: ThriftStruct[] = [];
  readonly #hash = createHash("sha256");
  #rows = 0n;
  #length = 0;

  /** Nothing was added yet, not even columns without rows. */
  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** Takes a whole file of one row group, or of none, and returns what the joined file has next. */
  add(file: Uint8Array): Uint8Array[] {
    const footer = readThrift(footerBytes(file));
    const start = this.#first === undefined ? [MAGIC] : [];
    if (this.#first === undefined) {
      this.#length = MAGIC.length;
      this.#hash.update(MAGIC);
    }
    this.#first ??= footer;
    const [group, ...more] = groupsOf(footer);
    if (group === undefined) return start;
    if (more.length > 0) {
      throw new RangeError(
        `Cannot join a file as one row group: current value is ${more.length + 1} row groups`,
      );
    }
    const { fromByte, toByte } = extentOf(group);
    const data = file.subarray(fromByte, toByte);
    this.#rows += numberIn(group, GROUP.rows);
    this.#groups.push(withOrdinal(moved(group, this.#length - fromByte), this.#groups.length));
    this.#length += data.length;
    this.#hash.update(data);
    return [...start, data];
  }

  /** The end of the joined file. @throws RangeError when nothing was added: it has no columns then. */
  finish({ keyValues, sortedBy }: FooterFacts): Uint8Array {
    if (this.#first === undefined) {
      throw new RangeError(
        "Cannot end a Parquet file without its columns: current value is 0 parts",
      );
    }
    const sorting = list(THRIFT.struct, sortedBy.map(ascending));
    const groups = sortedBy.length === 0
      ? this.#groups
      : this.#groups.map((group) => withField(group, GROUP.sorting, sorting));
    const known = itemsIn(this.#first, FILE.keyValues);
    const said = [...known, ...[...keyValues].map(keyValue)];
    let footer = withField(this.#first, FILE.rows, { type: THRIFT.i64, value: this.#rows });
    footer = withField(footer, FILE.rowGroups, list(THRIFT.struct, groups));
    footer = withField(footer, FILE.keyValues, list(THRIFT.struct, said));
    const sha256 = this.#hash.update(writeThrift(footer)).digest("hex");
    const all = [...said, keyValue([CONTENT_KEY, sha256])];
    footer = withField(footer, FILE.keyValues, list(THRIFT.struct, all));
    return sealed(footer);
  }
}

export interface RowGroupExtent {
  readonly rows: number;
  /** Where its bytes are in the file, `[fromByte, toByte)`. */
  readonly fromByte: number;
  readonly toByte: number;
}

/** The footer of a file, read; row groups come out of it as whole files of their own. */
export class ParquetFooter {
  readonly rows: number;
  readonly keyValues: ReadonlyMap<string, string>;
  readonly rowGroups: readonly RowGroupExtent[];
  readonly #footer: ThriftStruct;

  /** @throws SyntaxError when the bytes are no footer. */
  constructor(bytes: Uint8Array) {
    this.#footer = readThrift(bytes);
    this.rows = Number(numberIn(this.#footer, FILE.rows));
    this.rowGroups = groupsOf(this.#footer).map((group) => ({
      rows: Number(numberIn(group, GROUP.rows)),
      ...extentOf(group),
    }));
    this.keyValues = new Map(
      itemsIn(this.#footer, FILE.keyValues).filter(isStruct).map((pair) => [
        textIn(pair, 1),
        textIn(pair, 2),
      ]),
    );
  }

  /** How many bytes at the end of a file are its footer, from the last eight of them. */
  static lengthIn(tail: Uint8Array): number {
    const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
    const isParquet = tail.length === TAIL_BYTES &&
      MAGIC.every((byte, index) => tail[4 + index] === byte);
    if (!isParquet) {
      throw new SyntaxError("Cannot read a file as Parquet: its last four bytes are not PAR1");
    }
    return view.getUint32(0, true);
  }

  /** The footer's bytes as they went into the hash that it holds. */
  bytesWithoutHash(): Uint8Array {
    const pairs = itemsIn(this.#footer, FILE.keyValues).filter((pair) =>
      !isStruct(pair) || textIn(pair, 1) !== CONTENT_KEY
    );
    return writeThrift(withField(this.#footer, FILE.keyValues, list(THRIFT.struct, pairs)));
  }

  /** A row group with the bytes of its extent as a file of its own. */
  rowGroupFile(index: number, data: Uint8Array): Uint8Array {
    const group = groupsOf(this.#footer)[index];
    if (group === undefined) throw new RangeError(`Cannot read row group ${index}: there is none`);
    const own = withOrdinal(moved(group, MAGIC.length - extentOf(group).fromByte), 0);
    let footer = withField(this.#footer, FILE.rowGroups, list(THRIFT.struct, [own]));
    footer = withField(footer, FILE.rows, { type: THRIFT.i64, value: numberIn(group, GROUP.rows) });
    return joined([MAGIC, data, sealed(footer)]);
  }
}

export const PARQUET_TAIL_BYTES = TAIL_BYTES;

function footerBytes(file: Uint8Array): Uint8Array {
  const end = file.length - TAIL_BYTES;
  return file.subarray(end - ParquetFooter.lengthIn(file.subarray(end)), end);
}

function sealed(footer: ThriftStruct): Uint8Array {
  const bytes = writeThrift(footer);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return joined([bytes, length, MAGIC]);
}

/** From its first page to the end of its last; the pages of its columns lie there and nothing else. */
function extentOf(group: ThriftStruct): { fromByte: number; toByte: number } {
  let fromByte = Infinity, toByte = 0;
  for (const column of columnsOf(group)) {
    const meta = structIn(column, COLUMN.meta);
    const first = Math.min(
      ...[META.dictionaryPage, META.dataPage].map((id) => Number(meta.get(id)?.value ?? Infinity)),
    );
    fromByte = Math.min(fromByte, first);
    toByte = Math.max(toByte, first + Number(numberIn(meta, META.size)));
  }
  if (!(fromByte >= MAGIC.length && fromByte < toByte && Number.isSafeInteger(toByte))) {
    throw new SyntaxError(
      `Cannot read a Parquet footer's row group: current place is ${fromByte} to ${toByte}`,
    );
  }
  return { fromByte, toByte };
}

/** The group as it is described when all of it lies `by` bytes further on. */
function moved(group: ThriftStruct, by: number): ThriftStruct {
  const columns = columnsOf(group).map((column) => {
    const meta = shifted(structIn(column, COLUMN.meta), by, [
      META.dataPage,
      META.indexPage,
      META.dictionaryPage,
    ]);
    // The indexes of pages lie outside the group; a group is small enough to be found by itself.
    const kept = [...column].filter(([id]) => id < COLUMN.firstIndex || id > COLUMN.lastIndex);
    return withField(shifted(new Map(kept), by, [COLUMN.offset]), COLUMN.meta, {
      type: THRIFT.struct,
      value: new Map([...meta].filter(([id]) => id !== META.bloom && id !== META.bloomSize)),
    });
  });
  return withField(
    shifted(group, by, [GROUP.offset]),
    GROUP.columns,
    list(THRIFT.struct, columns),
  );
}

function shifted(struct: ThriftStruct, by: number, ids: readonly number[]): ThriftStruct {
  const result = new Map(struct);
  for (const id of ids) {
    const field = struct.get(id);
    // Zero stands for "not said".
    if (typeof field?.value !== "bigint" || field.value === 0n) continue;
    result.set(id, { ...field, value: field.value + BigInt(by) });
  }
  return result;
}

function withOrdinal(group: ThriftStruct, ordinal: number): ThriftStruct {
  return withField(group, GROUP.ordinal, { type: THRIFT.i16, value: BigInt(ordinal) });
}

function ascending(column: number): ThriftStruct {
  const no: ThriftField = { type: THRIFT.true, value: false };
  return new Map([[1, { type: THRIFT.i32, value: BigInt(column) }], [2, no], [3, no]]);
}

function withField(struct: ThriftStruct, id: number, field: ThriftField): ThriftStruct {
  return new Map(struct).set(id, field);
}

function list(type: number, items: readonly ThriftValue[]): ThriftField {
  const value: ThriftList = { type, items };
  return { type: THRIFT.list, value };
}

function keyValue([key, value]: readonly [string, string]): ThriftStruct {
  return new Map([[1, text(key)], [2, text(value)]]);
}

function text(value: string): ThriftField {
  return { type: THRIFT.binary, value: new TextEncoder().encode(value) };
}

function groupsOf(footer: ThriftStruct): ThriftStruct[] {
  return itemsIn(footer, FILE.rowGroups).filter(isStruct);
}

function columnsOf(group: ThriftStruct): ThriftStruct[] {
  return itemsIn(group, GROUP.columns).filter(isStruct);
}

function isStruct(value: ThriftValue): value is ThriftStruct {
  return value instanceof Map;
}

function itemsIn(struct: ThriftStruct, id: number): readonly ThriftValue[] {
  const value = struct.get(id)?.value;
  return typeof value === "object" && "items" in value ? value.items : [];
}

function structIn(struct: ThriftStruct, id: number): ThriftStruct {
  const value = struct.get(id)?.value;
  if (value instanceof Map) return value;
  throw new SyntaxError(`Cannot read a Parquet footer: field ${id} is no structure`);
}

function numberIn(struct: ThriftStruct, id: number): bigint {
  const value = struct.get(id)?.value;
  if (typeof value === "bigint") return value;
  throw new SyntaxError(`Cannot read a Parquet footer: field ${id} is no number`);
}

function textIn(struct: ThriftStruct, id: number): string {
  const value = struct.get(id)?.value;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
