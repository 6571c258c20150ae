import assert from "node:assert/strict";
import fc from "fast-check";
import { type Tick, Ticks } from "../../../lib/market/tick.ts";
import { takeIn } from "../../../workers/collector/intake.ts";
import { Overlap } from "../../../workers/collector/overlap.ts";

const TICK: Tick = {
  serverMs: 1_703_271_600_123,
  bid: 1.1234,
  ask: 1.1235,
  last: NaN,
  volume: NaN,
  flags: 6,
};

const options = { latestServerMs: Infinity, toUtcMs: (serverMs: number) => serverMs - 7_200_000 };

/** Few distinct ticks, so that repetitions and look-alikes abound. */
const ticks = fc.array(
  fc.record({ ms: fc.integer({ min: 0, max: 3 }), bid: fc.constantFrom(1.1, 1.2) }),
  { maxLength: 20 },
).map((list) => list.map(({ ms, bid }): Tick => ({ ...TICK, serverMs: TICK.serverMs + ms, bid })));

function sortedKeys(some: Ticks): string[] {
  return Array.from({ length: some.count }, (_, index) => some.payloadKey(index)).sort();
}

Deno.test("a re-read in any order appends exactly what the log lacks, look-alikes included", () => {
  fc.assert(fc.property(ticks, fc.nat(), fc.infiniteStream(fc.nat()), (all, cut, random) => {
    const had = all.slice(0, cut % (all.length + 1));
    const reread = [...all].map((tick) => ({ tick, at: random.next().value }))
      .sort((a, b) => a.at - b.at).map(({ tick }) => tick);
    const high = Math.max(0, ...had.map((tick) => tick.serverMs));
    const overlap = new Overlap(Ticks.from(had), high);
    const { kept, repeated } = takeIn(Ticks.from(reread), { ...options, overlap });
    assert.equal(repeated, had.length);
    assert.equal(overlap.isEmpty, true);
    assert.deepEqual(
      sortedKeys(Ticks.concat([Ticks.from(had), kept])),
      sortedKeys(Ticks.from(all)),
    );
  }));
});

Deno.test("a tick after the newest of the log is never taken for a repetition", () => {
  const overlap = new Overlap(Ticks.from([TICK]), TICK.serverMs);
  const later = Ticks.from([{ ...TICK, serverMs: TICK.serverMs + 1 }, TICK]);
  const { kept, repeated } = takeIn(later, { ...options, overlap });
  assert.equal(repeated, 1);
  assert.equal(kept.count, 1);
  assert.equal(kept.serverMs(0), TICK.serverMs + 1);
});

Deno.test("what is kept carries its UTC time and the server's own stamp", () => {
  const { kept } = takeIn(Ticks.from([TICK]), { ...options, overlap: undefined });
  assert.equal(kept.utcMs(0), TICK.serverMs - 7_200_000);
  assert.equal(kept.serverMs(0), TICK.serverMs);
});
