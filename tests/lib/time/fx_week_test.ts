import assert from "node:assert/strict";
import fc from "fast-check";
import { isFxWeekOpen, nextFxWeekClose, nextFxWeekOpen } from "../../../lib/time/fx_week.ts";

const at = (iso: string) => Date.parse(iso);

Deno.test("the week turns at 22:00 UTC in winter and at 21:00 UTC in summer", () => {
  const cases: [string, boolean][] = [
    ["2026-01-09T21:59:59.999Z", true],
    ["2026-01-09T22:00:00.000Z", false],
    ["2026-01-10T12:00:00.000Z", false],
    ["2026-01-11T21:59:59.999Z", false],
    ["2026-01-11T22:00:00.000Z", true],
    ["2026-07-10T20:59:59.999Z", true],
    ["2026-07-10T21:00:00.000Z", false],
    ["2026-07-12T20:59:59.999Z", false],
    ["2026-07-12T21:00:00.000Z", true],
    ["2026-07-15T03:00:00.000Z", true],
  ];
  for (const [iso, open] of cases) assert.equal(isFxWeekOpen(at(iso)), open, iso);
});

Deno.test("the weekends on which the clocks change open at the new hour", () => {
  assert.equal(nextFxWeekOpen(at("2026-03-06T23:00:00Z")), at("2026-03-08T21:00:00Z"));
  assert.equal(nextFxWeekOpen(at("2026-10-30T23:00:00Z")), at("2026-11-01T22:00:00Z"));
  assert.equal(nextFxWeekClose(at("2026-03-02T00:00:00Z")), at("2026-03-06T22:00:00Z"));
});

Deno.test("a turn is never now", () => {
  const open = at("2026-01-11T22:00:00Z");
  assert.equal(nextFxWeekOpen(open), at("2026-01-18T22:00:00Z"));
  assert.equal(nextFxWeekOpen(open - 1), open);
});

Deno.test("open and closed agree with the turns at any moment", () => {
  const moment = fc.integer({ min: at("2010-01-01T00:00:00Z"), max: at("2040-01-01T00:00:00Z") });
  fc.assert(fc.property(moment, (utcMs) => {
    const open = nextFxWeekOpen(utcMs);
    const close = nextFxWeekClose(utcMs);
    assert.equal(isFxWeekOpen(utcMs), close < open);
    assert.ok(isFxWeekOpen(open) && !isFxWeekOpen(open - 1));
    assert.ok(!isFxWeekOpen(close) && isFxWeekOpen(close - 1));
  }));
});
