import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareIds,
  formatId,
  nextId,
  NO_TICK,
  parseId,
  type TickId,
} from "../../../lib/market/tick_id.ts";

const ms = fc.integer({ min: 0, max: 4_102_444_800_000 });
const id: fc.Arbitrary<TickId> = fc.record(
  { ms, n: fc.integer({ min: 0, max: 999_999_999 }) },
  { noNullPrototype: true },
);

Deno.test("the next id is greater than the last, whatever the tick's time", () => {
  fc.assert(fc.property(id, ms, ms, (previous, utcMs, floorMs) => {
    const next = nextId(previous, utcMs, floorMs);
    assert.ok(compareIds(next, previous) > 0);
    assert.ok(next.ms >= utcMs && next.ms >= floorMs && next.ms >= previous.ms);
  }));
});

Deno.test("ids count within one millisecond and start at zero in the next", () => {
  const first = nextId(NO_TICK, 1000);
  assert.deepEqual(first, { ms: 1000, n: 0 });
  assert.deepEqual(nextId(first, 1000), { ms: 1000, n: 1 });
  assert.deepEqual(nextId(first, 900), { ms: 1000, n: 1 });
  assert.deepEqual(nextId(first, 1001), { ms: 1001, n: 0 });
  assert.deepEqual(nextId(first, 1001, 5000), { ms: 5000, n: 0 });
});

Deno.test("an id survives its text", () => {
  fc.assert(fc.property(id, (one) => assert.deepEqual(parseId(formatId(one)), one)));
});

Deno.test("ids are in order of time first and of count then", () => {
  const order: TickId[] = [{ ms: 1, n: 9 }, { ms: 2, n: 0 }, { ms: 2, n: 10 }, { ms: 10, n: 0 }];
  assert.deepEqual([...order].reverse().sort(compareIds), order);
});

Deno.test("what is no id is refused", () => {
  const texts = ["", "1", "-", "1-", "-1-0", "1-0 ", "1.5-0", "a-b", "9999999999999999-0", "1-0\n"];
  for (const text of texts) {
    assert.throws(() => parseId(text), SyntaxError, JSON.stringify(text));
  }
});
