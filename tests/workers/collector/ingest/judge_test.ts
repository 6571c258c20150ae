import assert from "node:assert/strict";
import type { Bar } from "../../../../lib/market/bar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { ALWAYS_OPEN, exchange, FX } from "../../../../lib/time/calendar/calendars.ts";
import { statedClock } from "../../../../lib/time/server_clock.ts";
import { expectedBars, judge } from "../../../../workers/collector/ingest/judge.ts";
import { barsWithin } from "../../../../workers/collector/ingest/unit.ts";

const grid = statedClock({ zone: "America/New_York", shiftMs: 7 * 3_600_000 });
const HOUR_MS = 3_600_000;

function barAt(utcMs: number): Bar {
  const price = { open: 1.1, high: 1.2, low: 1, close: 1.15 };
  return { utcMs, serverMs: grid.toServerMs(utcMs), ...price, volume: 5 };
}

function week(timeframe = TIMEFRAMES["1H"]) {
  const range = { fromMs: Date.parse("2025-12-22"), toMs: Date.parse("2025-12-27") };
  const opens = FX.expectedOpens(timeframe, { ...range, clock: grid });
  return { measure: { ...range, timeframe, calendar: FX, grid }, opens };
}

Deno.test("everything that the calendar expects is SUCCESS, and more is no harm", () => {
  const { measure, opens } = week();
  const more = [...opens, Date.parse("2025-12-26T23:00Z")];
  const { status, expected, received, missing } = judge(more.map(barAt), measure);
  assert.deepEqual([status, expected, received, missing], [
    "SUCCESS",
    opens.length,
    more.length,
    [],
  ]);
});

Deno.test("missing bars are named in runs", () => {
  const { measure, opens } = week();
  const lost = Date.parse("2025-12-23T10:00Z");
  const came = opens.filter((ms) => ms !== lost && ms !== lost + HOUR_MS);
  const { status, missing, missingBars } = judge(came.map(barAt), measure);
  assert.equal(status, "PARTIAL");
  assert.equal(missingBars, 2);
  assert.deepEqual(missing, [
    { fromMs: lost, toMs: lost + 2 * HOUR_MS, bars: 2, reason: "no bar" },
  ]);
});

Deno.test("what is missing of a holiday is named, is no loss, and is expected where it comes", () => {
  const { measure, opens } = week();
  const from = Date.parse("2025-12-24T22:00Z"), to = Date.parse("2025-12-25T22:00Z");
  const came = opens.filter((ms) => ms < from || ms >= to);
  const { status, expected, missing, missingBars } = judge(came.map(barAt), measure);
  assert.deepEqual([status, expected, missingBars], ["SUCCESS", came.length, 0]);
  assert.deepEqual(missing, [{ fromMs: from, toMs: to, bars: 24, reason: "holiday" }]);
  // Before it is asked nobody knows that the vendor trades for some of these 36 hours.
  assert.equal(expectedBars(measure), opens.length - 36);
  assert.equal(judge(opens.map(barAt), measure).expected, opens.length);
});

Deno.test("none at all is FAILED, unless nothing but holidays was asked for", () => {
  const { measure } = week();
  assert.equal(judge([], measure).status, "FAILED");
  const holiday = { ...measure, fromMs: Date.parse("2025-12-25"), toMs: Date.parse("2025-12-26") };
  assert.deepEqual([judge([], holiday).status, judge([], holiday).expected], ["SUCCESS", 0]);
  const weekend = { ...measure, fromMs: Date.parse("2025-12-27"), toMs: Date.parse("2025-12-28") };
  assert.deepEqual([judge([], weekend).status, judge([], weekend).expected], ["SUCCESS", 0]);
});

Deno.test("what lies before the vendor's first bar is told apart, and is no loss when it has no earlier", () => {
  const { measure, opens } = week(TIMEFRAMES["1D"]);
  const bars = opens.slice(2).map(barAt);
  const unsure = judge(bars, measure);
  assert.match(unsure.missing[0]?.reason ?? "", /before the first that the vendor has/);
  assert.deepEqual([unsure.status, unsure.missingBars], ["PARTIAL", 2]);
  const { status, expected, missing } = judge(bars, { ...measure, beginsMs: bars[0]?.utcMs });
  assert.deepEqual([status, expected], ["SUCCESS", bars.length]);
  assert.deepEqual(missing.map(({ bars, reason }) => [bars, reason]), [
    [2, "before the vendor's first bar"],
  ]);
  const nothing = judge([], { ...measure, beginsMs: Infinity });
  assert.deepEqual([nothing.status, nothing.expected, nothing.missingBars], ["SUCCESS", 0, 0]);
});

Deno.test("a bar counts for the place on the grid in which the vendor lets it open", () => {
  const { measure, opens } = week(TIMEFRAMES["1D"]);
  const late = opens.map((ms) => barAt(ms + 5 * 60_000));
  assert.equal(judge(late, measure).status, "SUCCESS");
});

Deno.test("where the calendar knows nothing, nothing is expected and that is said", () => {
  const calendar = exchange("XNYS");
  assert.ok(calendar);
  const fromMs = calendar.knownUntilMs, toMs = fromMs + 30 * 24 * HOUR_MS;
  const measure = { timeframe: TIMEFRAMES["1H"], calendar, grid, fromMs, toMs };
  assert.equal(expectedBars(measure), 0);
  assert.equal(judge([], measure).isKnown, false);
});

Deno.test("of an answer only what opens in the range is taken, once each, and nothing impossible", () => {
  const clock = statedClock({ zone: "Europe/Athens", shiftMs: 0 });
  const range = { fromMs: Date.parse("2025-10-26"), toMs: Date.parse("2025-10-26T03:00Z") };
  const barOf = (serverTime: string, close = 1.1) => ({
    ...{ openServerMs: Date.parse(`2025-10-26T${serverTime}Z`), open: 1.1, high: 1.2, low: 1 },
    ...{ close, tickVolume: 9 },
  });
  const answer = [
    ...[barOf("02:00"), barOf("03:00", 1.11), barOf("03:00", 1.12), barOf("04:00"), barOf("05:00")],
    barOf("04:30", 1.3),
  ];
  const { bars, refused } = barsWithin(answer, range, clock);
  const opens = bars.map((
    { utcMs, close },
  ) => [new Date(utcMs).toISOString().slice(11, 16), close]);
  assert.deepEqual(opens, [["00:00", 1.11], ["01:00", 1.12], ["02:00", 1.1]]);
  assert.deepEqual(refused, [
    "2025-10-26T02:30:00.000Z: high is 1.2, not at least open and close, 1.3",
  ]);
});

Deno.test("of an hour that the server's clock repeats each read has the bar of its own hour", () => {
  const clock = statedClock({ zone: "Europe/Athens", shiftMs: 0 });
  const at = Date.parse("2025-10-26T00:00Z");
  const bar = { openServerMs: Date.parse("2025-10-26T03:00Z"), tickVolume: 9 };
  const price = { open: 1.1, high: 1.2, low: 1 };
  const answer = [{ ...bar, ...price, close: 1.11 }, { ...bar, ...price, close: 1.12 }];
  const closesOf = (fromMs: number) =>
    barsWithin(answer, { fromMs, toMs: fromMs + HOUR_MS }, clock).bars
      .map(({ utcMs, close }) => [utcMs, close]);
  assert.deepEqual(closesOf(at), [[at, 1.11]]);
  assert.deepEqual(closesOf(at + HOUR_MS), [[at + HOUR_MS, 1.12]]);
  // One bar of both hours opens with the first, and nothing else is expected.
  const merged = barsWithin(answer.slice(0, 1), { fromMs: at, toMs: at + 2 * HOUR_MS }, clock);
  const range = { fromMs: at, toMs: at + 2 * HOUR_MS, timeframe: TIMEFRAMES["1H"] };
  const measure = { ...range, calendar: ALWAYS_OPEN, grid: clock };
  assert.equal(judge(merged.bars, measure).status, "SUCCESS");
});
