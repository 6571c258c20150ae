import assert from "node:assert/strict";
import type { Bar } from "../../../../lib/market/bar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { exchange, FX } from "../../../../lib/time/calendar/calendars.ts";
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

Deno.test("missing bars are named in runs, the holidays of currencies as what they are", () => {
  const { measure, opens } = week();
  const christmas = (ms: number) => new Date(ms).toISOString().startsWith("2025-12-25");
  const lost = Date.parse("2025-12-23T10:00Z");
  const came = opens.filter((ms) => !christmas(ms) && ms !== lost && ms !== lost + HOUR_MS);
  const { status, missing, missingBars } = judge(came.map(barAt), measure);
  assert.equal(status, "PARTIAL");
  assert.equal(missingBars, 26);
  assert.deepEqual(missing.map(({ fromMs, toMs, bars, reason }) => [fromMs, toMs, bars, reason]), [
    [lost, lost + 2 * HOUR_MS, 2, "no bar"],
    [Date.parse("2025-12-25"), Date.parse("2025-12-26"), 24, "no bar, Christmas"],
  ]);
});

Deno.test("none at all is FAILED, unless nothing but holidays was asked for", () => {
  const { measure } = week();
  assert.equal(judge([], measure).status, "FAILED");
  const holiday = { ...measure, fromMs: Date.parse("2025-12-25"), toMs: Date.parse("2025-12-26") };
  assert.equal(judge([], holiday).status, "PARTIAL");
  const weekend = { ...measure, fromMs: Date.parse("2025-12-27"), toMs: Date.parse("2025-12-28") };
  assert.deepEqual([judge([], weekend).status, judge([], weekend).expected], ["SUCCESS", 0]);
});

Deno.test("what lies before the vendor's first bar is told apart", () => {
  const { measure, opens } = week(TIMEFRAMES["1D"]);
  const { missing } = judge(opens.slice(2).map(barAt), measure);
  assert.match(missing[0]?.reason ?? "", /before the first that the vendor has/);
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
  assert.deepEqual(opens, [["00:00", 1.12], ["02:00", 1.1]]);
  assert.deepEqual(refused, [
    "2025-10-26T02:30:00.000Z: high is 1.2, not at least open and close, 1.3",
  ]);
});
