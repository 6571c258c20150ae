import assert from "node:assert/strict";
import fc from "fast-check";
import { type Tick, TICK_BYTES, Ticks } from "../../../lib/market/tick.ts";

const fixture: Tick = Object.freeze({
  serverMs: 1_766_396_400_123,
  bid: 1.17213,
  ask: 1.17215,
  last: NaN,
  volume: NaN,
  flags: 134,
});

const serverMs = fc.integer({ min: -8.64e15, max: 8.64e15 });
const price = fc.double();
const tick: fc.Arbitrary<Tick> = fc.record({
  serverMs,
  bid: price,
  ask: price,
  last: price,
  // Zero is left out here: it means "whole units only" and has a test of its own.
  volume: fc.oneof(fc.constant(NaN), fc.double({ min: 1e-9, max: 1e15, noNaN: true })),
  flags: fc.integer({ min: 0, max: 0xffff_ffff }),
}, { noNullPrototype: true });

Deno.test("a tick comes out of the record as it went in", () => {
  fc.assert(fc.property(fc.array(tick, { maxLength: 20 }), (ticks) => {
    const packed = Ticks.from(ticks);
    assert.equal(packed.bytes.byteLength, ticks.length * TICK_BYTES);
    assert.deepEqual(ticks.map((_, index) => packed.get(index)), ticks);
  }));
});

Deno.test("the record has the vendor's layout", () => {
  const { bytes } = Ticks.from([{ ...fixture, volume: 2.5 }]);
  const view = new DataView(bytes.buffer);
  assert.equal(view.getBigInt64(0, true), 1_766_396_400n);
  assert.equal(view.getFloat64(8, true), 1.17213);
  assert.equal(view.getFloat64(16, true), 1.17215);
  assert.ok(Number.isNaN(view.getFloat64(24, true)));
  assert.equal(view.getBigUint64(32, true), 2n);
  assert.equal(view.getBigInt64(40, true), 1_766_396_400_123n);
  assert.equal(view.getUint32(48, true), 134);
  assert.equal(view.getFloat64(52, true), 2.5);
});

Deno.test("the time written is the time read, also before 1970 and past 32 bits", () => {
  fc.assert(fc.property(serverMs, (utcMs) => {
    const ticks = Ticks.from([fixture]);
    ticks.setUtcMs(0, utcMs);
    assert.equal(ticks.utcMs(0), utcMs);
    assert.equal(ticks.serverMs(0), fixture.serverMs);
  }));
});

Deno.test("a terminal that knows only whole units leaves the fraction at zero", () => {
  const ticks = Ticks.from([{ ...fixture, volume: 7 }]);
  new DataView(ticks.bytes.buffer).setFloat64(52, 0, true);
  assert.equal(ticks.volume(0), 7);
  assert.equal(Ticks.from([{ ...fixture, volume: 0 }]).volume(0), 0);
});

Deno.test("the payload's key does not know the slot that the collector writes", () => {
  const [a, b] = [Ticks.from([fixture]), Ticks.from([fixture])];
  b.setUtcMs(0, 5);
  assert.equal(a.payloadKey(0), b.payloadKey(0));
});

Deno.test("payload keys are equal exactly when all payload bytes are", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const position = fc.integer({ min: 8, max: TICK_BYTES - 1 });
  fc.assert(fc.property(tick, position, byte, (one, at, value) => {
    const [a, b] = [Ticks.from([one]), Ticks.from([one])];
    b.bytes[at] = value;
    assert.equal(a.payloadKey(0) === b.payloadKey(0), a.bytes[at] === value);
  }));
});

Deno.test("slices share the bytes, and joined they are the whole", () => {
  const cut = fc.integer({ min: 0, max: 5 });
  fc.assert(fc.property(fc.array(tick, { minLength: 5, maxLength: 5 }), cut, (ticks, at) => {
    const whole = Ticks.from(ticks);
    const [head, tail] = [whole.slice(0, at), whole.slice(at)];
    assert.deepEqual(Ticks.concat([head, tail]).bytes, whole.bytes);
    assert.equal(head.bytes.buffer, whole.bytes.buffer);
  }));
});

Deno.test("records that lie at an odd place in a buffer are read in place", () => {
  const bytes = new Uint8Array(TICK_BYTES + 3);
  bytes.set(Ticks.from([fixture]).bytes, 3);
  assert.deepEqual(new Ticks(bytes.subarray(3)).get(0), fixture);
});

Deno.test("half a record is refused", () => {
  const half = new Uint8Array(TICK_BYTES + 30);
  assert.throws(
    () => new Ticks(half),
    /Cannot read ticks as 60-byte records: current length is 90/,
  );
});
