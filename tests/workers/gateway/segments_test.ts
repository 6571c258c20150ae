import assert from "node:assert/strict";
import fc from "fast-check";
import { lastIdOf } from "../../../lib/log/segments.ts";
import type { Segment } from "../../../lib/log/tick_log.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { compareIds, formatId, nextId, type TickId } from "../../../lib/market/tick_id.ts";
import { newestOf, partAfter, partsOf, partUpTo } from "../../../workers/gateway/segments.ts";

/** A segment of these UTC ms, late ones among them. */
function segmentOf(utcMs: readonly number[]): Segment {
  const ticks = Ticks.ofLength(utcMs.length);
  utcMs.forEach((ms, index) => {
    ticks.set(index, { serverMs: ms, bid: index, ask: index, last: NaN, volume: NaN, flags: 0 });
    ticks.setUtcMs(index, ms);
  });
  const firstId = nextId({ ms: 100, n: 3 }, utcMs[0] ?? 0);
  return { symbol: "EURUSD", firstId, lastId: lastIdOf(firstId, ticks), ticks };
}

/** Each tick's id and bid, counted by hand. */
function rowsOf({ firstId, ticks }: Segment): [string, number][] {
  const rows: [string, number][] = [];
  for (let index = 0, id: TickId = firstId; index < ticks.count; index++) {
    if (index > 0) id = nextId(id, ticks.utcMs(index));
    rows.push([formatId(id), ticks.bid(index)]);
  }
  return rows;
}

const segments = fc.array(fc.integer({ min: 90, max: 130 }), { minLength: 1, maxLength: 40 })
  .map(segmentOf);
const ids = fc.record({ ms: fc.integer({ min: 95, max: 135 }), n: fc.nat(8) });

Deno.test("a segment cut at any id keeps every tick once and its id", () => {
  fc.assert(fc.property(segments, ids, (segment, id) => {
    const before = partUpTo(segment, id), after = partAfter(segment, id);
    assert.deepEqual(
      [before, after].flatMap((part) => part === undefined ? [] : rowsOf(part)),
      rowsOf(segment),
    );
    if (before !== undefined) assert.ok(compareIds(before.lastId, id) <= 0);
    if (after !== undefined) assert.ok(compareIds(after.firstId, id) > 0);
  }));
});

Deno.test("a segment in parts keeps every tick once and its id, and its newest is the last", () => {
  fc.assert(fc.property(segments, fc.integer({ min: 1, max: 41 }), (segment, size) => {
    const parts = [...partsOf(segment, size)];
    assert.deepEqual(parts.flatMap(rowsOf), rowsOf(segment));
    assert.ok(parts.every((part) => part.ticks.count <= size));
    for (const part of parts) assert.deepEqual(part.lastId, lastIdOf(part.firstId, part.ticks));
    assert.deepEqual(rowsOf(newestOf(segment)), rowsOf(segment).slice(-1));
  }));
});
