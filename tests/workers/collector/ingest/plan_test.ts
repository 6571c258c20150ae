import assert from "node:assert/strict";
import { parseTimeframe, type Timeframe } from "../../../../lib/market/timeframe.ts";
import { exchange, FX } from "../../../../lib/time/calendar/calendars.ts";
import { statedClock } from "../../../../lib/time/server_clock.ts";
import { planOf, type PlanOptions } from "../../../../workers/collector/ingest/plan.ts";
import { rangeOf } from "../../../../workers/collector/ingest/ranges.ts";

const clock = statedClock({ zone: "America/New_York", shiftMs: 7 * 3_600_000 });
const settledMs = Date.parse("2025-12-22T09:42:00Z");

function timeframe(label: string): Timeframe {
  const found = parseTimeframe(label);
  assert.ok(found);
  return found;
}

const options: PlanOptions = {
  symbols: ["EURUSD"],
  timeframes: [timeframe("1H")],
  fromMs: undefined,
  toMs: undefined,
  historyDays: 365,
  settledMs,
  chunkBars: 5000,
  calendarOf: () => FX,
  gridOf: () => clock,
  coveredOf: () => [],
};

const iso = (ms: number | undefined) =>
  ms === undefined ? "" : new Date(ms).toISOString().slice(0, 16);
const textOf = ({ fromMs, toMs }: { fromMs: number; toMs: number }) =>
  `${iso(fromMs)}/${iso(toMs)}`;
const unitsOf = (changes: Partial<PlanOptions>) =>
  planOf({ ...options, ...changes }).work.flatMap(({ units }) => units);

Deno.test("the default range counts bars back from the source's present, by the calendar", () => {
  const wanted = { ...options, calendar: FX, grid: clock };
  const rangeText = (label: string, changes: object = {}) => {
    const range = rangeOf({ ...wanted, timeframe: timeframe(label), ...changes });
    return range === undefined ? "nothing" : textOf(range);
  };
  // 240 hours of trading are two weeks, from the beginning of a day's file to the last closed bar.
  assert.equal(rangeText("1H"), "2025-12-08T00:00/2025-12-22T09:00");
  assert.equal(rangeText("4H"), "2025-10-27T00:00/2025-12-22T06:00");
  // A day's file is a month, and the server's day ends at 17:00 in New York.
  assert.equal(rangeText("1D"), "2024-07-01T00:00/2025-12-21T22:00");
  assert.equal(rangeText("1D", { historyDays: 1000 }), "2022-02-01T00:00/2025-12-21T22:00");
  assert.equal(rangeText("1M"), "2015-01-01T00:00/2025-11-30T22:00");
});

Deno.test("a range is widened to whole files, and cut where bars are not closed", () => {
  const wanted = { ...options, calendar: FX, grid: clock, timeframe: timeframe("1H") };
  const asked = rangeOf({
    ...wanted,
    fromMs: Date.parse("2025-12-01T13:30:00Z"),
    toMs: Date.parse("2025-12-03T00:30:00Z"),
  });
  assert.equal(asked && textOf(asked), "2025-12-01T00:00/2025-12-04T00:00");
  const whole = rangeOf({ ...wanted, fromMs: 0, toMs: Date.parse("2025-12-03T00:00:00Z") });
  assert.equal(iso(whole?.toMs), "2025-12-03T00:00");
  const future = rangeOf({ ...wanted, fromMs: settledMs + 86_400_000 });
  assert.equal(future, undefined);
  const month = timeframe("1D");
  const days = rangeOf({
    ...wanted,
    timeframe: month,
    fromMs: Date.parse("2025-11-20"),
    toMs: Infinity,
  });
  assert.equal(days && textOf(days), "2025-11-01T00:00/2025-12-21T22:00");
});

Deno.test("units are whole files of at most so many bars, and cover the range without a seam", () => {
  const units = unitsOf({ fromMs: Date.parse("2025-01-01"), chunkBars: 500 });
  assert.equal(iso(units[0]?.fromMs), "2025-01-01T00:00");
  assert.equal(iso(units.at(-1)?.toMs), "2025-12-22T09:00");
  for (const [index, { fromMs, expected }] of units.entries()) {
    assert.equal(fromMs % 86_400_000, 0);
    assert.ok(expected <= 500);
    if (index > 0) assert.equal(fromMs, units[index - 1]?.toMs);
  }
  const all = FX.expectedBars(timeframe("1H"), {
    ...{ fromMs: Date.parse("2025-01-01"), toMs: Date.parse("2025-12-22T09:00Z"), clock },
  });
  // New Year was quiet until the 2nd, 07:00.
  assert.equal(units.reduce((sum, { expected }) => sum + expected, 0), all - 31);
  // A file is never cut.
  const tiny = unitsOf({ fromMs: Date.parse("2025-12-15"), chunkBars: 1 });
  assert.equal(tiny.length, 8);
});

Deno.test("only what is not covered is asked again, once for each file", () => {
  const fromMs = Date.parse("2025-12-08");
  const covered = [
    { fromMs, toMs: Date.parse("2025-12-10T03:00Z") },
    { fromMs: Date.parse("2025-12-10T04:00Z"), toMs: Date.parse("2025-12-10T20:00Z") },
    { fromMs: Date.parse("2025-12-10T21:00Z"), toMs: Date.parse("2025-12-22T05:00Z") },
  ];
  const units = unitsOf({ fromMs, coveredOf: () => covered });
  assert.deepEqual(units.map(textOf), [
    "2025-12-10T03:00/2025-12-10T21:00",
    "2025-12-22T05:00/2025-12-22T09:00",
  ]);
  assert.deepEqual(unitsOf({ fromMs, coveredOf: () => [{ fromMs, toMs: settledMs }] }), []);
});

Deno.test("a calendar with a horizon expects nothing beyond it, and the default begins within it", () => {
  const calendar = exchange("XNYS");
  assert.ok(calendar);
  const units = unitsOf({
    calendarOf: () => calendar,
    fromMs: calendar.knownFromMs - 30 * 86_400_000,
    toMs: calendar.knownFromMs + 30 * 86_400_000,
  });
  assert.ok((units[0]?.fromMs ?? 0) <= calendar.knownFromMs);
  const { horizons } = planOf({ ...options, calendarOf: () => calendar, fromMs: 0 });
  assert.match(horizons[0] ?? "", /^The calendar XNYS is known from \d{4}-\d\d-\d\d until/);
  assert.ok(units.reduce((sum, { expected }) => sum + expected, 0) > 0);
});

Deno.test("a read is bounded where the calendar expects nothing", () => {
  const calendar = exchange("XNYS");
  assert.ok(calendar);
  const units = unitsOf({ calendarOf: () => calendar, fromMs: 0 });
  assert.equal(iso(units[0]?.fromMs), "1970-01-01T00:00");
  assert.equal(units[0]?.expected, 0);
  assert.ok(units.every((unit) => unit.toMs - unit.fromMs <= 6 * 5000 * 3_600_000));
});

Deno.test("a clock that is not known of a time leaves that series out, by name", () => {
  const shut = () => {
    throw new RangeError("Cannot convert that time");
  };
  const plan = planOf({
    ...options,
    timeframes: [timeframe("1H"), timeframe("1D")],
    gridOf: ({ label }) => label === "1D" ? { toServerMs: shut, toUtcMs: shut } : clock,
  });
  assert.deepEqual(plan.unplanned.map(({ timeframe: { label }, error }) => [label, error]), [
    ["1D", plan.unplanned[0]?.error],
  ]);
  assert.match(plan.unplanned[0]?.error ?? "", /Cannot convert that time; BROKER_TZ/);
  assert.equal(plan.work[0]?.units.length, 1);
});
