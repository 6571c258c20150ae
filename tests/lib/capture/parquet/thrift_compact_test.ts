import assert from "node:assert/strict";
import fc from "fast-check";
import {
  readThrift,
  THRIFT,
  type ThriftField,
  type ThriftStruct,
  writeThrift,
} from "../../../../lib/capture/parquet/thrift_compact.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const { struct } = fc.letrec<{ field: ThriftField; struct: ThriftStruct }>((tie) => ({
  field: fc.oneof(
    { maxDepth: 3 },
    fc.boolean().map((value): ThriftField => ({ type: THRIFT.true, value })),
    int64.map((value): ThriftField => ({ type: THRIFT.i64, value })),
    fc.nat(255).map((value): ThriftField => ({ type: THRIFT.i8, value: BigInt(value) })),
    fc.uint8Array({ maxLength: 40 }).map((value): ThriftField => ({ type: THRIFT.binary, value })),
    fc.array(int64, { maxLength: 20 }).map((items): ThriftField => ({
      ...{ type: THRIFT.list, value: { type: THRIFT.i64, items } },
    })),
    fc.array(fc.boolean(), { maxLength: 20 }).map((items): ThriftField => ({
      ...{ type: THRIFT.list, value: { type: THRIFT.true, items } },
    })),
    tie("struct").map((value): ThriftField => ({ type: THRIFT.struct, value })),
  ),
  struct: fc.array(fc.tuple(fc.integer({ min: 1, max: 32_767 }), tie("field")), { maxLength: 6 })
    .map((fields): ThriftStruct => new Map(fields.sort(([a], [b]) => a - b))),
}));

Deno.test("a structure is read as it was written", () => {
  fc.assert(fc.property(struct, (any) => {
    assert.deepEqual(readThrift(writeThrift(any)), any);
  }));
});

Deno.test("bytes that are no structure are refused, and claim neither memory nor stack", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readThrift(bytes);
      } catch (cause) {
        assert.ok(cause instanceof SyntaxError, String(cause));
      }
    }),
    { numRuns: 2000 },
  );
  const nested = new Uint8Array(100_000).fill(0x1c);
  assert.throws(() => readThrift(nested), /nested too deep/);
  const long = new Uint8Array([0x19, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.throws(() => readThrift(long), /a list of 4294967295 items/);
  assert.throws(() => readThrift(writeThrift(new Map([[1, binary(50)]])).subarray(0, 20)));
});

function binary(length: number): ThriftField {
  return { type: THRIFT.binary, value: new Uint8Array(length) };
}
