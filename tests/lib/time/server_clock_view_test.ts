import assert from "node:assert/strict";
import fc from "fast-check";
import { datedClock, statedClock } from "../../../lib/time/server_clock_view.ts";
import { parseServerZone, toServerMs, toUtcMs } from "../../../lib/time/server_zone.ts";

const at = (iso: string) => Date.parse(iso);
const KNOWN = { knownFromUtcMs: -Infinity, knownUntilUtcMs: Infinity, rule: "UTC" };
const CHANGE = at("2026-05-20T09:00Z");

function changing(before: string, after: string) {
  return datedClock([
    { fromUtcMs: at("2026-01-01T00:00Z"), zone: parseServerZone(before) },
    { fromUtcMs: CHANGE, zone: parseServerZone(after) },
  ], KNOWN);
}

Deno.test("a stated clock converts as its zone does, at any time", () => {
  const clock = statedClock(parseServerZone("America/New_York+7h"));
  assert.equal(clock.rule, "America/New_York+7h");
  assert.equal(clock.knownUntilUtcMs, Infinity);
  const zone = parseServerZone("America/New_York+7h");
  fc.assert(fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (ms) => {
    assert.equal(clock.toUtcMs(ms), toUtcMs(ms, zone));
    assert.equal(clock.toServerMs(ms), toServerMs(ms, zone));
    assert.equal(clock.offsetMsAt(ms), toServerMs(ms, zone) - ms);
  }));
});

Deno.test("each time is converted by the interval that it lies in, and old ones by the first", () => {
  const clock = changing("UTC+3h", "UTC+5h");
  assert.equal(clock.toServerMs(at("2020-01-01T00:00Z")), at("2020-01-01T03:00Z"));
  assert.equal(clock.toServerMs(CHANGE - 1), CHANGE - 1 + 3 * 3_600_000);
  assert.equal(clock.toServerMs(CHANGE), CHANGE + 5 * 3_600_000);
  assert.equal(clock.toUtcMs(at("2020-01-01T03:00Z")), at("2020-01-01T00:00Z"));
  assert.equal(clock.toUtcMs(at("2026-05-20T14:00Z")), CHANGE);
});

Deno.test("server times that a change of rules skips are read by the rule from before it", () => {
  const clock = changing("UTC+3h", "UTC+5h");
  assert.equal(clock.toUtcMs(at("2026-05-20T11:59Z")), at("2026-05-20T08:59Z"));
  assert.equal(clock.toUtcMs(at("2026-05-20T13:30Z")), at("2026-05-20T10:30Z"));
  assert.equal(clock.toUtcMs(at("2026-05-20T14:30Z")), at("2026-05-20T09:30Z"));
});

Deno.test("server times that a change of rules repeats are read as the first of the two", () => {
  const clock = changing("UTC+5h", "UTC+3h");
  assert.equal(clock.toUtcMs(at("2026-05-20T13:59Z")), at("2026-05-20T08:59Z"));
  assert.equal(clock.toUtcMs(at("2026-05-20T14:00Z")), at("2026-05-20T11:00Z"));
  assert.equal(clock.toServerMs(at("2026-05-20T09:30Z")), at("2026-05-20T12:30Z"));
  assert.equal(clock.toUtcMs(at("2026-05-20T12:30Z")), at("2026-05-20T07:30Z"));
});

Deno.test("UTC to server and back is the same instant but for what a change repeats", () => {
  const moment = fc.integer({ min: at("2025-01-01T00:00Z"), max: at("2027-12-31T00:00Z") });
  const shift = fc.integer({ min: -12, max: 14 }).map((hours) =>
    `UTC${hours < 0 ? "" : "+"}${hours}h`
  );
  fc.assert(fc.property(shift, shift, moment, (before, after, utcMs) => {
    const clock = changing(before, after);
    const back = clock.toUtcMs(clock.toServerMs(utcMs));
    const [was, is] = [clock.offsetMsAt(CHANGE - 1), clock.offsetMsAt(CHANGE)];
    const repeated = utcMs >= CHANGE && utcMs < CHANGE + Math.max(0, was - is);
    assert.equal(back, repeated ? utcMs - (was - is) : utcMs);
  }));
});

Deno.test("a time outside of what is known is refused, with what is known", () => {
  const clock = datedClock([{ fromUtcMs: -Infinity, zone: parseServerZone("UTC+3h") }], {
    knownFromUtcMs: at("2026-03-29T01:00Z"),
    knownUntilUtcMs: at("2026-10-25T01:00Z"),
    rule: undefined,
  });
  const outside = /from 2026-03-29T01:00:00.000Z until 2026-10-25T01:00:00.000Z/;
  assert.equal(clock.toUtcMs(at("2026-10-25T03:59:59.999Z")), at("2026-10-25T00:59:59.999Z"));
  assert.throws(() => clock.toUtcMs(at("2026-10-25T04:00Z")), outside);
  assert.throws(() => clock.toUtcMs(at("2026-03-29T03:59Z")), outside);
  assert.throws(() => clock.offsetMsAt(at("2026-03-29T00:59Z")), outside);
  assert.throws(() => clock.toUtcMs(NaN), RangeError);
});
