import assert from "node:assert/strict";
import fc from "fast-check";
import { readTickLines, TickColumns } from "../../../../lib/capture/tick_columns.ts";
import { readTickRow, type TickRow } from "../../../../lib/capture/tick_row.ts";
import { TickRowEncoder } from "../../../../lib/capture/tick_row_encoder.ts";
import { TICK_TABLE, valuesOfTicks } from "../../../../lib/capture/parquet/tables.ts";

/** Prices as markets have them, and every double there is. */
const price = fc.oneof(
  fc.integer({ min: 0, max: 10_000_000 }).map((points) => points / 1e5),
  fc.double({ noDefaultInfinity: false }),
  fc.constantFrom(0, NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, -1.5),
);
const timeMs = fc.oneof(
  fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
  fc.integer({ min: -(10 ** 13), max: 10 ** 15 }),
);
const row: fc.Arbitrary<TickRow> = fc.record({
  utcMs: timeMs,
  serverMs: timeMs,
  bid: price,
  ask: price,
  last: price,
  volume: price,
  flags: fc.oneof(fc.constantFrom(0, 2, 6), fc.integer({ min: 0, max: 0xffffffff })),
  id: fc.record({
    ms: fc.oneof(
      fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
      fc.integer({ min: 0, max: 10 ** 15 }),
    ),
    n: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 9_999_999_999 })),
  }),
});

function csvOf(rows: readonly TickRow[]): Uint8Array {
  const columns = new TickColumns(rows.length), encoder = new TickRowEncoder();
  for (const each of rows) columns.push(each);
  encoder.encodeColumns(columns);
  return encoder.bytes.slice();
}

/** What the quick reader makes of one line; undefined when it refuses. */
function quickly(line: Uint8Array): TickRow | undefined {
  const columns = new TickColumns(1);
  const bytes = new Uint8Array([...line, 10]);
  try {
    if (readTickLines(bytes, 0, columns) !== bytes.length) return undefined;
  } catch (cause) {
    assert.ok(cause instanceof SyntaxError);
    return undefined;
  }
  const at = (values: Float64Array | Uint32Array) => values[0] ?? NaN;
  return {
    utcMs: at(columns.utcMs),
    serverMs: at(columns.serverMs),
    bid: at(columns.bid),
    ask: at(columns.ask),
    last: at(columns.last),
    volume: at(columns.volume),
    flags: at(columns.flags),
    id: columns.idAt(0),
  };
}

Deno.test("rows of any numbers come back from Parquet as the same bytes of CSV", () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), (rows) => {
      const csv = csvOf(rows);
      const read = new TickColumns(rows.length), decoded = new TickColumns(rows.length);
      assert.equal(readTickLines(csv, 0, read), csv.length);
      const file = TICK_TABLE.encode(valuesOfTicks(read), read.count);
      decoded.count = TICK_TABLE.decode(file, valuesOfTicks(decoded));
      const encoder = new TickRowEncoder();
      encoder.encodeColumns(decoded);
      assert.deepEqual(encoder.bytes, csv);
    }),
    { numRuns: 200 },
  );
});

Deno.test("the columnar reader reads what the row reader reads", () => {
  fc.assert(
    fc.property(row, (any) => {
      const line = csvOf([any]).subarray(0, -1);
      assert.deepEqual(quickly(line), readTickRow(line));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the columnar reader refuses what the row reader refuses", () => {
  const change = fc.record({
    at: fc.nat({ max: 80 }),
    remove: fc.integer({ min: 0, max: 2 }),
    insert: fc.array(fc.constantFrom(...Array.from("0019.,-eI \r\0", (it) => it.charCodeAt(0))), {
      maxLength: 3,
    }),
  });
  fc.assert(
    fc.property(row, change, (any, { at, remove, insert }) => {
      const line = [...csvOf([any]).subarray(0, -1)];
      line.splice(Math.min(at, line.length), remove, ...insert);
      const bytes = new Uint8Array(line);
      assert.deepEqual(quickly(bytes), readTickRow(bytes));
    }),
    { numRuns: 10_000 },
  );
});
