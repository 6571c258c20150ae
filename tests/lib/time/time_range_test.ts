import assert from "node:assert/strict";
import fc from "fast-check";
import { subtract, type TimeRange, union } from "../../../lib/time/time_range.ts";

Deno.test("what is taken away may reach over both ends of a range", () => {
  const others = [{ fromMs: 0, toMs: 12 }, { fromMs: 15, toMs: 30 }];
  assert.deepEqual(subtract([{ fromMs: 10, toMs: 20 }], others), [{ fromMs: 12, toMs: 15 }]);
});

const LAST_MS = 40;
const ranges = fc.array(
  fc.tuple(fc.nat(LAST_MS), fc.integer({ min: 1, max: 10 })).map(([fromMs, lengthMs]) => ({
    fromMs,
    toMs: fromMs + lengthMs,
  })),
  { maxLength: 8 },
);

Deno.test("of every moment, joined and subtracted ranges say what the given ones say", () => {
  fc.assert(fc.property(ranges, ranges, (some, others) => {
    const joined = union(some), rest = subtract(joined, others);
    for (let ms = 0; ms < LAST_MS + 10; ms++) {
      assert.equal(isIn(joined, ms), isIn(some, ms));
      assert.equal(isIn(rest, ms), isIn(some, ms) && !isIn(others, ms));
    }
    for (const [index, { fromMs }] of joined.entries()) {
      assert.ok(fromMs > (joined[index - 1]?.toMs ?? -1), "apart, and in order");
    }
    assert.ok(rest.every(({ fromMs, toMs }) => fromMs < toMs));
  }));
});

function isIn(ranges: readonly TimeRange[], ms: number): boolean {
  return ranges.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
}
