import assert from "node:assert/strict";
import fc from "fast-check";
import { formatTickRow } from "../../../../lib/capture/tick_row_encoder.ts";
import { formatId } from "../../../../lib/market/tick_id.ts";
import { Ticks } from "../../../../lib/market/tick.ts";
import { readRows, rowsToJson } from "../../../../workers/gateway/queries/tick_json_rows.ts";
import { TICK } from "./history.ts";

const price = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, 0, 1, 1.08, 0.1, 1e-9, 1e22, -3.5, Infinity, -Infinity),
);
const row = fc.record({
  utcMs: fc.integer({ min: -5000, max: 4e12 }),
  serverMs: fc.integer({ min: -5000, max: 4e12 }),
  bid: price,
  ask: price,
  last: price,
  volume: fc.constantFrom(NaN, 0, 3, 0.25),
  flags: fc.integer({ min: 0, max: 0xffffffff }),
  id: fc.record({ ms: fc.integer({ min: 1, max: 4e12 }), n: fc.nat(1e9) }),
});

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("rows become the JSON of their values, null where there is none", () => {
  fc.assert(fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
    const lines = rows.map(({ id, utcMs, ...tick }) => {
      const ticks = Ticks.from([tick]);
      ticks.setUtcMs(0, utcMs);
      return `${formatTickRow(ticks, 0, id).trimEnd()}\n`;
    }).join("");
    const json = JSON.parse(`[${new TextDecoder().decode(rowsToJson(bytesOf(lines)))}]`);
    const finite = (value: number) => Number.isFinite(value) ? value + 0 : null;
    const expected = rows.map(({ id, utcMs, serverMs, bid, ask, last, volume, flags }) => ({
      id: formatId(id),
      ts: utcMs / 1000,
      ts_broker: serverMs / 1000,
      bid: finite(bid),
      ask: finite(ask),
      last: finite(last),
      volume: finite(volume),
      flags,
    }));
    // JSON has no negative zero to tell apart.
    assert.equal(JSON.stringify(json), JSON.stringify(expected));
    assert.equal(readRows(bytesOf(lines)).length, rows.length);
  }));
});

Deno.test("a line that is no row is refused, not passed on", () => {
  const good = `${formatTickRow(Ticks.from([TICK]), 0, { ms: 7, n: 0 }).trimEnd()}\n`;
  for (
    const wrong of [
      good.replace("1.08", "1.0.8"),
      good.replace("1.08", "01.08"),
      good.replace("1.08", '"x"'),
      good.replace("1.08", "1."),
      good.replace("7-0", "7-0-0"),
      good.replace(",6,", ",,"),
      good.replace("1.08,", ""),
      "\n",
    ]
  ) {
    assert.throws(() => rowsToJson(bytesOf(good + wrong)), SyntaxError, wrong);
    assert.throws(() => readRows(bytesOf(good + wrong)), SyntaxError, wrong);
  }
});
