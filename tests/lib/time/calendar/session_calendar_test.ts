import assert from "node:assert/strict";
import fc from "fast-check";
import type { GridClock, MarketCalendar } from "../../../../lib/time/calendar/market_calendar.ts";
import { SessionCalendar } from "../../../../lib/time/calendar/session_calendar.ts";
import { ListedLine } from "../../../../lib/time/calendar/session_line.ts";
import { exchange } from "../../../../lib/time/calendar/exchange.ts";
import { ALWAYS_OPEN, FX, FX_METALS } from "../../../../lib/time/calendar/week_calendars.ts";
import { parseServerZone, toServerMs, toUtcMs } from "../../../../lib/time/server_zone.ts";
import {
  closeOf,
  openOf,
  type Timeframe,
  TIMEFRAME_LABELS,
  TIMEFRAMES,
} from "../../../../lib/market/timeframe.ts";

const at = (iso: string) => Date.parse(iso);
const iso = (utcMs: number) => new Date(utcMs).toISOString();
const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS;

function clockOf(zone: string): GridClock {
  const clock = parseServerZone(zone);
  return {
    toServerMs: (utcMs) => toServerMs(utcMs, clock),
    toUtcMs: (serverMs) => toUtcMs(serverMs, clock),
  };
}

const moment = fc.integer({ min: at("1998-01-01T00:00:00Z"), max: at("2027-06-01T00:00:00Z") });

Deno.test("the FX week turns when the clocks of New York show 17:00, and its breaks begin", () => {
  fc.assert(fc.property(moment, (utcMs) => {
    const { dayOfWeek, hour } = Temporal.Instant.fromEpochMilliseconds(utcMs)
      .toZonedDateTimeISO("America/New_York");
    const isWeek = dayOfWeek === 7 ? hour >= 17 : dayOfWeek === 5 ? hour < 17 : dayOfWeek !== 6;
    assert.equal(FX.isOpen(utcMs), isWeek);
    assert.equal(FX_METALS.isOpen(utcMs), isWeek && hour !== 17);
  }));
});

Deno.test("open, next open, next close and sessions agree at any moment", () => {
  const calendars = [FX, FX_METALS, ...["XNYS", "XTKS", "CMES", "XHKG"].map(known)];
  fc.assert(fc.property(fc.constantFrom(...calendars), moment, (calendar, utcMs) => {
    const open = calendar.nextOpen(utcMs), close = calendar.nextClose(utcMs);
    assert.ok(open > utcMs && close > utcMs);
    assert.equal(calendar.isOpen(utcMs), close < open);
    assert.ok(calendar.isOpen(open) && !calendar.isOpen(open - 1));
    assert.ok(!calendar.isOpen(close) && calendar.isOpen(close - 1));
    const [first] = calendar.sessions(utcMs, close);
    assert.deepEqual(first, { openMs: close < open ? utcMs : open, closeMs: close });
    assert.equal(calendar.sessions(utcMs, close).length, 1);
  }));
});

Deno.test("a listed market is open exactly in the minutes of its list", () => {
  const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 6 })), {
    ...{ minLength: 1, maxLength: 12 },
  });
  fc.assert(fc.property(gaps, (parts) => {
    const minutes: boolean[] = [], stretches: number[] = [];
    for (const [pause, length] of parts) {
      for (let k = 0; k < pause; k++) minutes.push(false);
      stretches.push(minutes.length * MINUTE_MS, (minutes.length + length) * MINUTE_MS);
      for (let k = 0; k < length; k++) minutes.push(true);
    }
    const known = { fromMs: 0, untilMs: minutes.length * MINUTE_MS, remedy: "" };
    const calendar = new SessionCalendar("LISTED", new ListedLine(stretches), known);
    const seen = minutes.map((_, k) => calendar.isOpen(k * MINUTE_MS + 1));
    assert.deepEqual(seen, minutes);
    const turns = calendar.sessions(0, known.untilMs);
    const length = turns.reduce((sum, { openMs, closeMs }) => sum + closeMs - openMs, 0);
    assert.equal(length / MINUTE_MS, minutes.filter(Boolean).length);
    assert.ok(turns.every(({ openMs }, k) => k === 0 || openMs > (turns[k - 1]?.closeMs ?? NaN)));
  }));
});

Deno.test("a list that runs back is refused", () => {
  assert.throws(() => new ListedLine([0, 2 * MINUTE_MS, MINUTE_MS, 3 * MINUTE_MS]), RangeError);
});

const zones = ["UTC", "America/New_York+7h", "Europe/Athens", "Etc/GMT+5", "Asia/Kolkata"];

Deno.test("expected bars are those of the grid that a market trades in", () => {
  const calendars = [FX, FX_METALS, ALWAYS_OPEN, ...["XNYS", "XTKS", "CMES"].map(known)];
  const days: Readonly<Record<string, number>> = { "1D": 90, "1W": 400, "1M": 800 };
  fc.assert(
    fc.property(
      fc.constantFrom(...calendars),
      fc.constantFrom(...TIMEFRAME_LABELS),
      fc.constantFrom(...zones, undefined),
      fc.integer({ min: at("2005-01-01T00:00:00Z"), max: at("2024-01-01T00:00:00Z") }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (calendar, label, zone, fromMs, share) => {
        const timeframe = TIMEFRAMES[label];
        const spanMs = Math.round(share * (days[label] ?? 12) * DAY_MS);
        const clock = zone === undefined ? undefined : clockOf(zone);
        const range = { fromMs, toMs: fromMs + spanMs, ...(clock && { clock }) };
        const opens = calendar.expectedOpens(timeframe, range);
        const expected = slowOpens(calendar, timeframe, range);
        assert.deepEqual(opens.map(iso), expected.map(iso));
        assert.equal(calendar.expectedBars(timeframe, range), opens.length);
      },
    ),
    { numRuns: 300 },
  );
});

/** Every bar of the grid, each asked by itself. */
function slowOpens(
  calendar: MarketCalendar,
  timeframe: Timeframe,
  range: { fromMs: number; toMs: number; clock?: GridClock },
): number[] {
  const { fromMs, toMs, clock = clockOf("UTC") } = range;
  const opens: number[] = [];
  let serverMs = openOf(timeframe, clock.toServerMs(fromMs));
  for (let utcMs = clock.toUtcMs(serverMs); utcMs < toMs;) {
    serverMs = closeOf(timeframe, serverMs);
    const closeMs = clock.toUtcMs(serverMs);
    const trades = closeMs > utcMs &&
      (calendar.isOpen(utcMs) || calendar.nextOpen(utcMs) < closeMs);
    if (utcMs >= fromMs && trades) opens.push(utcMs);
    utcMs = closeMs;
  }
  return opens;
}

Deno.test("a broker on New York's clock shows five days a week, one on UTC six", () => {
  const week = { fromMs: at("2026-01-04T00:00:00Z"), toMs: at("2026-01-11T00:00:00Z") };
  const newYork = { ...week, clock: clockOf("America/New_York+7h") };
  assert.equal(FX.expectedBars(TIMEFRAMES["1D"], newYork), 5);
  assert.equal(FX.expectedBars(TIMEFRAMES["1D"], week), 6);
  assert.equal(FX.expectedBars(TIMEFRAMES["1H"], newYork), 120);
  assert.equal(FX_METALS.expectedBars(TIMEFRAMES["1H"], newYork), 115);
  assert.equal(FX_METALS.expectedBars(TIMEFRAMES["1D"], newYork), 5);
  assert.equal(FX.expectedBars(TIMEFRAMES["1W"], newYork), 1);
});

Deno.test("weeks in which the clocks change have as many bars as any", () => {
  for (const sunday of ["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"]) {
    const fromMs = at(`${sunday}T12:00:00Z`);
    const range = { fromMs, toMs: fromMs + 6 * DAY_MS, clock: clockOf("America/New_York+7h") };
    assert.equal(FX.expectedBars(TIMEFRAMES["1H"], range), 120, sunday);
    assert.equal(FX.expectedBars(TIMEFRAMES["4H"], range), 30, sunday);
    assert.equal(FX.expectedBars(TIMEFRAMES["1D"], range), 5, sunday);
  }
});

Deno.test("a market that never closes has no bar of the hour that a clock skips", () => {
  const day = (text: string) => ({ fromMs: at(text), toMs: at(text) + DAY_MS });
  const clock = clockOf("Europe/Athens");
  const spring = ALWAYS_OPEN.expectedOpens(TIMEFRAMES["1H"], {
    ...day("2026-03-29T00:00:00Z"),
    clock,
  });
  assert.equal(spring.length, 24);
  const autumn = ALWAYS_OPEN.expectedOpens(TIMEFRAMES["1H"], {
    ...day("2026-10-25T00:00:00Z"),
    clock,
  });
  assert.equal(autumn.length, 23);
  assert.equal(ALWAYS_OPEN.nextOpen(0), Infinity);
  assert.equal(ALWAYS_OPEN.nextClose(0), Infinity);
  assert.deepEqual(ALWAYS_OPEN.sessions(1, 5), [{ openMs: 1, closeMs: 5 }]);
});

Deno.test("the month and the week of a range are counted once", () => {
  const year = { fromMs: at("2025-01-01T00:00:00Z"), toMs: at("2026-01-01T00:00:00Z") };
  const clock = clockOf("America/New_York+7h");
  assert.equal(FX.expectedBars(TIMEFRAMES["1M"], year), 12);
  assert.equal(FX.expectedBars(TIMEFRAMES["1W"], year), 52);
  assert.equal(FX.expectedBars(TIMEFRAMES["1D"], { ...year, clock }), 261);
  assert.equal(known("XNYS").expectedBars(TIMEFRAMES["1D"], year), 250);
  assert.equal(known("XNYS").expectedBars(TIMEFRAMES["1M"], year), 12);
});

Deno.test("an empty range has no sessions and no bars", () => {
  assert.deepEqual(FX.sessions(5, 5), []);
  assert.deepEqual(FX.expectedOpens(TIMEFRAMES["1H"], { fromMs: 10, toMs: 5 }), []);
});

function known(id: string): MarketCalendar {
  return exchange(id) ?? assert.fail(id);
}
