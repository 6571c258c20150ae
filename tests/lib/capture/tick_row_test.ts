import assert from "node:assert/strict";
import fc from "fast-check";
import { Ticks } from "../../../lib/market/tick.ts";
import { readTickRow } from "../../../lib/capture/tick_row.ts";
import { formatTickRow, plainDecimal } from "../../../lib/capture/tick_row_encoder.ts";

const price = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000 }).map((points) => points / 1e5),
  fc.double().map((value) => value + 0),
  fc.constant(NaN),
);
const ms = fc.integer({ min: 0, max: 4_102_444_800_000 });
const tickOf = fc.record({
  serverMs: ms,
  bid: price,
  ask: price,
  last: price,
  volume: fc.oneof(fc.nat(), fc.double({ min: 1e-9, noNaN: true }), fc.constant(NaN)),
  flags: fc.nat(0xffffffff),
});

Deno.test("a row reads back as the tick it was written from", () => {
  fc.assert(fc.property(tickOf, ms, fc.nat(), (tick, utcMs, n) => {
    const ticks = Ticks.from([tick]);
    ticks.setUtcMs(0, utcMs);
    const id = { ms: utcMs, n };
    const text = formatTickRow(ticks, 0, id);
    const row = readTickRow(new TextEncoder().encode(text));
    const positive = (value: number) => value === 0 ? 0 : value;
    assert.deepEqual(row, {
      utcMs,
      serverMs: tick.serverMs,
      bid: positive(tick.bid),
      ask: positive(tick.ask),
      last: positive(tick.last),
      volume: positive(ticks.volume(0)),
      flags: tick.flags,
      id,
    });
    const seconds = (value: number) =>
      `${Math.floor(value / 1000)}.${String(value % 1000).padStart(3, "0")}`;
    const number = (value: number) =>
      Number.isNaN(value) ? "" : plainDecimal(value === 0 ? 0 : value);
    const fields = [seconds(utcMs), seconds(tick.serverMs)]
      .concat([tick.bid, tick.ask, tick.last, ticks.volume(0)].map(number))
      .concat([String(tick.flags), `${utcMs}-${n}`]);
    assert.equal(text, fields.join(","));
    assert.ok(!/\de/.test(text));
  }));
});

Deno.test("a row that lost any of its bytes but digits at its end is no row", () => {
  const bytes = new TextEncoder().encode(
    "1703264400.123,1703271600.123,1.1,1.2,,,6,1703264400123-0",
  );
  assert.ok(readTickRow(bytes));
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(readTickRow(bytes, 0, length), undefined, `${length} bytes`);
  }
});
