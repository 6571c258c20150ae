import assert from "node:assert/strict";
import { type Tick, Ticks } from "../../../lib/market/tick.ts";
import { refusalOf } from "../../../lib/market/admission.ts";
import { DeadLetters } from "../../../workers/collector/dead_letters.ts";
import { takeIn } from "../../../workers/collector/intake.ts";

const TICK: Tick = {
  serverMs: 1_703_271_600_123,
  bid: 1.1234,
  ask: 1.1235,
  last: NaN,
  volume: NaN,
  flags: 6,
};
const LATEST = TICK.serverMs + 60_000;

function refusal(changed: Partial<Tick>): string | undefined {
  return refusalOf(Ticks.from([{ ...TICK, ...changed }]), 0, LATEST);
}

Deno.test("impossible ticks are refused by name", () => {
  assert.equal(refusal({ bid: NaN }), "not_a_number");
  assert.equal(refusal({ ask: Infinity }), "not_a_number");
  assert.equal(refusal({ last: Infinity }), "not_a_number");
  assert.equal(refusal({ bid: -1 }), "negative_price");
  assert.equal(refusal({ last: -0.5 }), "negative_price");
  assert.equal(refusal({ bid: 0, ask: 0 }), "no_price");
  assert.equal(refusal({ serverMs: 0 }), "bad_time");
  assert.equal(refusal({ serverMs: LATEST + 1 }), "future_time");
});

Deno.test("odd ticks are kept: crossed quotes, zero spread, one side only, a minute ahead", () => {
  assert.equal(refusal({ bid: 1.2, ask: 1.1 }), undefined);
  assert.equal(refusal({ bid: 1.1, ask: 1.1 }), undefined);
  assert.equal(refusal({ bid: 0 }), undefined);
  assert.equal(refusal({ last: 0, volume: 0 }), undefined);
  assert.equal(refusal({ serverMs: LATEST }), undefined);
});

Deno.test("refused ticks are written to the dead-letter file with their reason, and the others go on", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const delivery = Ticks.from([TICK, { ...TICK, bid: -1 }, { ...TICK, bid: 1.2, ask: 1.1 }]);
    const { kept, refused } = takeIn(delivery, {
      overlap: undefined,
      latestServerMs: LATEST,
      toUtcMs: (serverMs) => serverMs,
    });
    assert.equal(kept.count, 2);
    assert.deepEqual(refused, [["negative_price", 1]]);
    const letters = new DeadLetters(dir);
    await letters.write("EURUSD", refused, delivery);
    await letters.write("EURUSD", refused, delivery);
    const [entry] = [...Deno.readDirSync(`${dir}/metadata/dead_letters`)];
    const lines = Deno.readTextFileSync(`${dir}/metadata/dead_letters/${entry?.name}`).trimEnd()
      .split("\n");
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? "", /^refused_at_utc,symbol,reason/);
    assert.match(lines[1] ?? "", /,EURUSD,negative_price,1703271600123,-1,1\.1235,NaN,NaN,6$/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
