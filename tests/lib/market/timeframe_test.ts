import assert from "node:assert/strict";
import fc from "fast-check";
import {
  closeOf,
  openOf,
  parseTimeframe,
  TIMEFRAME_LABELS,
  TIMEFRAMES,
} from "../../../lib/market/timeframe.ts";

Deno.test("a minute and a month are told apart, whatever the disk makes of their case", () => {
  assert.equal(parseTimeframe("1m")?.label, "1MIN");
  assert.equal(parseTimeframe("1M")?.label, "1M");
  const folders = TIMEFRAME_LABELS.map((label) => label.toLowerCase());
  assert.equal(new Set(folders).size, TIMEFRAME_LABELS.length);
});

Deno.test("a timeframe that nobody has is none", () => {
  for (const text of ["", "2H", "M1", "1 H", "60", "constructor", "toString"]) {
    assert.equal(parseTimeframe(text), undefined, text);
  }
});

Deno.test("a week opens on Sunday and a month on its first day", () => {
  const wednesday = Date.parse("2024-02-28T13:00:00Z");
  assert.equal(openOf(TIMEFRAMES["1W"], wednesday), Date.parse("2024-02-25T00:00:00Z"));
  assert.equal(openOf(TIMEFRAMES["1M"], wednesday), Date.parse("2024-02-01T00:00:00Z"));
  assert.equal(
    closeOf(TIMEFRAMES["1M"], Date.parse("2024-02-01T00:00:00Z")),
    Date.parse("2024-03-01T00:00:00Z"),
  );
});

Deno.test("every moment lies in the bar that opens before it, and bars follow without a hole", () => {
  const moment = fc.integer({ min: -2_000_000_000_000, max: 4_000_000_000_000 });
  fc.assert(fc.property(fc.constantFrom(...TIMEFRAME_LABELS), moment, (label, serverMs) => {
    const timeframe = TIMEFRAMES[label];
    const openMs = openOf(timeframe, serverMs), closeMs = closeOf(timeframe, openMs);
    assert.ok(openMs <= serverMs && serverMs < closeMs);
    assert.equal(openOf(timeframe, openMs), openMs);
    assert.equal(openOf(timeframe, closeMs), closeMs);
    assert.equal(openOf(timeframe, closeMs - 1), openMs);
  }));
});
