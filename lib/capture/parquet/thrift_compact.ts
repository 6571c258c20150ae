/**
 * The compact protocol of Apache Thrift, in which a Parquet file's footer is written, read into a
 * tree and written from one. Fields that nobody here knows by number pass through unchanged.
 */

export const THRIFT = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

export type ThriftValue = boolean | bigint | Uint8Array | ThriftList | ThriftStruct;

export interface ThriftList {
  /** The type of each item, one of THRIFT. */
  readonly type: number;
  readonly items: readonly ThriftValue[];
}

export interface ThriftField {
  /** One of THRIFT; `true` for both values of a boolean. */
  readonly type: number;
  readonly value: ThriftValue;
}

/** By field number. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>;

/** @throws SyntaxError when the bytes are no structure of that protocol. */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  return new Reader(bytes).struct(0);
}

export function writeThrift(struct: ThriftStruct): Uint8Array {
  const writer = new Writer();
  writer.struct(struct);
  return writer.bytes;
}

/** A footer nests five deep; what nests deeper is damage, and must not exhaust the stack. */
const MOST_NESTED = 32;

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(depth: number): ThriftStruct {
    if (depth > MOST_NESTED) throw this.#damage("structures nested too deep");
    const fields = new Map<number, ThriftField>();
    let id = 0;
    for (let head = this.#byte(); head !== 0; head = this.#byte()) {
      const delta = head >> 4, type = head & 15;
      id = delta === 0 ? Number(this.#signed()) : id + delta;
      if (type === THRIFT.true || type === THRIFT.false) {
        fields.set(id, { type: THRIFT.true, value: type === THRIFT.true });
      } else {
        fields.set(id, { type, value: this.#value(type, depth) });
      }
    }
    return fields;
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case THRIFT.i8:
        return BigInt(this.#byte());
      case THRIFT.i16:
      case THRIFT.i32:
      case THRIFT.i64:
        return this.#signed();
      case THRIFT.double:
        return this.#take(8);
      case THRIFT.binary:
        return this.#take(Number(this.#unsigned()));
      case THRIFT.list:
      case THRIFT.set:
        return this.#list(depth);
      case THRIFT.struct:
        return this.struct(depth + 1);
      default:
        throw this.#damage(`a value of type ${type}`);
    }
  }

  #list(depth: number): ThriftList {
    const head = this.#byte(), type = head & 15;
    const size = head >> 4 === 15 ? Number(this.#unsigned()) : head >> 4;
    // Every item is a byte at least, so that a damaged size cannot claim memory.
    if (size > this.#bytes.length - this.#at) throw this.#damage(`a list of ${size} items`);
    const items: ThriftValue[] = [];
    for (let index = 0; index < size; index++) {
      if (type === THRIFT.true || type === THRIFT.false) items.push(this.#byte() === THRIFT.true);
      else items.push(this.#value(type, depth));
    }
    return { type, items };
  }

  #signed(): bigint {
    const value = this.#unsigned();
    return (value >> 1n) ^ -(value & 1n);
  }

  #unsigned(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw this.#damage("a number of more than 64 bits");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw this.#damage("an early end");
    return byte;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#damage("an early end");
    return this.#bytes.slice(this.#at, this.#at += length);
  }

  #damage(what: string): SyntaxError {
    return new SyntaxError(
      `Cannot read a Parquet footer as a Thrift structure: current value is ${what} at byte ${this.#at}`,
    );
  }
}

class Writer {
  #bytes = new Uint8Array(1 << 12);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  struct(fields: ThriftStruct): void {
    let previous = 0;
    for (const [id, { type, value }] of [...fields].sort(([a], [b]) => a - b)) {
      const written = type === THRIFT.true && value === false ? THRIFT.false : type;
      const delta = id - previous;
      if (delta > 0 && delta < 16) {
        this.#byte((delta << 4) | written);
      } else {
        this.#byte(written);
        this.#signed(BigInt(id));
      }
      if (type !== THRIFT.true) this.#value(type, value);
      previous = id;
    }
    this.#byte(0);
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === "boolean") this.#byte(value ? THRIFT.true : THRIFT.false);
    else if (typeof value === "bigint") {
      if (type === THRIFT.i8) this.#byte(Number(BigInt.asUintN(8, value)));
      else this.#signed(value);
    } else if (value instanceof Uint8Array) {
      if (type === THRIFT.binary) this.#unsigned(BigInt(value.length));
      this.#put(value);
    } else if ("items" in value) this.#list(value);
    else this.struct(value);
  }

  #list({ type, items }: ThriftList): void {
    if (items.length < 15) this.#byte((items.length << 4) | type);
    else {
      this.#byte(0xf0 | type);
      this.#unsigned(BigInt(items.length));
    }
    for (const item of items) this.#value(type, item);
  }

  #signed(value: bigint): void {
    this.#unsigned(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  #unsigned(value: bigint): void {
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.#byte(Number(rest & 127n) | 128);
    this.#byte(Number(rest));
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + length));
    wider.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = wider;
  }
}
