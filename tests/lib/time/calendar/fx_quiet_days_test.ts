import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { isQuiet, quietHours, quietOpens } from "../../../../lib/time/calendar/fx_quiet_days.ts";
import { ALWAYS_OPEN, exchange, FX, FX_METALS } from "../../../../lib/time/calendar/calendars.ts";
import { statedClock } from "../../../../lib/time/server_clock.ts";
import { sharedData } from "./shared_data.ts";

const HOUR_MS = 3_600_000;
const ny7 = statedClock({ zone: "America/New_York", shiftMs: 7 * HOUR_MS });

function hoursOf(calendar: { id: string }, from: string, to: string): string[] {
  const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  return quietHours(calendar, { fromMs: Date.parse(from), toMs: Date.parse(to) })
    .map(({ fromMs, toMs }) => `${iso(fromMs)} ${iso(toMs)}`);
}

Deno.test("Christmas and New Year are quiet from the eve in New York, on a Monday after a Sunday", () => {
  assert.deepEqual(hoursOf(FX, "2025-12-01", "2026-02-01"), [
    "2025-12-24T19:00 2025-12-26T07:00",
    "2025-12-31T19:00 2026-01-02T07:00",
  ]);
  assert.deepEqual(hoursOf(FX, "2022-12-20", "2023-01-05"), [
    "2022-12-24T19:00 2022-12-26T23:00",
    "2022-12-31T19:00 2023-01-02T23:00",
  ]);
  assert.deepEqual(hoursOf(FX, "2026-01-01T12:00Z", "2026-01-01T13:00Z").length, 1);
  assert.deepEqual(hoursOf(FX, "2026-01-03", "2026-12-24"), []);
});

Deno.test("what breaks daily has Good Friday too, in summer time as well; exchanges have their own", () => {
  const springs = [2024, 2025, 2026, 2027, 2038].flatMap((year) =>
    hoursOf(FX_METALS, `${year}-02-01`, `${year}-05-30`)
  );
  assert.deepEqual(springs, [
    "2024-03-28T21:00 2024-03-29T21:00",
    "2025-04-17T21:00 2025-04-18T21:00",
    "2026-04-02T21:00 2026-04-03T21:00",
    "2027-03-25T21:00 2027-03-26T21:00",
    "2038-04-22T21:00 2038-04-23T21:00",
  ]);
  for (const calendar of [exchange("XNYS"), ALWAYS_OPEN]) {
    assert.ok(calendar);
    assert.deepEqual(hoursOf(calendar, "2025-12-01", "2026-02-01"), []);
  }
});

Deno.test("Good Friday is the one of New York's exchange, each year", () => {
  const stocks = exchange("XNYS");
  assert.ok(stocks);
  for (let year = 2007; year < 2027; year++) {
    const [friday] = quietHours(FX_METALS, {
      fromMs: Date.UTC(year, 1, 10),
      toMs: Date.UTC(year, 5, 1),
    });
    assert.ok(friday);
    const day = Math.floor(friday.toMs / 86_400_000) * 86_400_000;
    assert.equal(new Date(day).getUTCDay(), 5);
    assert.deepEqual(stocks.sessions(day, day + 86_400_000), [], String(year));
  }
});

Deno.test("a bar is quiet when the market trades in it then alone, on any server's grid", () => {
  const range = { fromMs: Date.parse("2025-12-22"), toMs: Date.parse("2025-12-28"), clock: ny7 };
  const opens = (label: "1H" | "4H" | "1D" | "1W", calendar = FX) =>
    quietOpens(calendar, TIMEFRAMES[label], range).map((ms) => new Date(ms).toISOString());
  assert.equal(opens("1H").length, 36);
  assert.deepEqual([opens("1H")[0], opens("1H").at(-1)], [
    "2025-12-24T19:00:00.000Z",
    "2025-12-26T06:00:00.000Z",
  ]);
  // The bar of 18:00 trades for an hour before, and that of 06:00 after it.
  assert.equal(opens("4H")[0], "2025-12-24T22:00:00.000Z");
  assert.equal(opens("4H").at(-1), "2025-12-26T02:00:00.000Z");
  assert.deepEqual(opens("1D"), ["2025-12-24T22:00:00.000Z"]);
  assert.deepEqual(opens("1W"), []);
  // A day of UTC that opens while the market is closed.
  const sunday = { fromMs: Date.parse("2017-12-24"), toMs: Date.parse("2017-12-25") };
  assert.ok(isQuiet(FX, sunday));
  assert.deepEqual(quietOpens(FX, TIMEFRAMES["1D"], sunday), [sunday.fromMs]);
  assert.ok(!isQuiet(FX, { fromMs: Date.parse("2022-12-24"), toMs: Date.parse("2022-12-25") }));
});

Deno.test("the calendar stays open, and expects the bars", () => {
  assert.ok(FX.isOpen(Date.parse("2025-12-25T12:00Z")));
  const range = { fromMs: Date.parse("2025-12-25"), toMs: Date.parse("2025-12-26") };
  assert.equal(FX.expectedBars(TIMEFRAMES["1H"], range), 24);
});

/** Hours of a vendor's Christmases and New Years from 2012 on that are missing: named, and by day where they are not. */
function missingHours(path: string, offset: string) {
  const [csv] = Object.values(unzipSync(Deno.readFileSync(path)));
  const lines = new TextDecoder().decode(csv).split("\n").filter((line) => line !== "");
  const there = new Set(lines.map((line) =>
    Date.parse(
      `${line.slice(0, 4)}-${line.slice(4, 6)}-${line.slice(6, 8)}T${
        line.slice(9, 14)
      }:00${offset}`,
    )
  ));
  const others: Record<string, number> = {};
  let holidays = 0;
  for (let year = 2012; year < 2018; year++) {
    const range = { fromMs: Date.UTC(year, 11, 23), toMs: Date.UTC(year + 1, 0, 4) };
    const quiet = new Set(quietOpens(FX, TIMEFRAMES["1H"], range));
    for (const open of FX.expectedOpens(TIMEFRAMES["1H"], range)) {
      if (there.has(open)) continue;
      const day = new Date(open).toISOString().slice(0, 10);
      if (quiet.has(open)) holidays++;
      else others[day] = (others[day] ?? 0) + 1;
    }
  }
  return { holidays, others };
}

const oanda = sharedData("bars/lean_oanda/hour/eurusd.zip");

Deno.test({
  name: "of OANDA's holidays from 2012 to 2018 all but nine missing hours are named",
  ignore: oanda.ignore,
  fn: () => {
    const { holidays, others } = missingHours(oanda.path, "Z");
    assert.equal(holidays, 334);
    assert.deepEqual(others, { "2012-12-26": 6, "2016-12-30": 3 });
  },
});

const fxcm = sharedData("bars/lean_fxcm/hour/eurusd.zip");

Deno.test({
  name: "the day after, which the recording of FXCM leaves out in some years, is no holiday",
  ignore: fxcm.ignore,
  fn: () => {
    const { holidays, others } = missingHours(fxcm.path, "-05:00");
    assert.equal(holidays, 384);
    for (const [day, hours] of Object.entries(others)) {
      assert.ok(hours === 1 || /-(12-2[67]|01-0[23])$/.test(day), `${day}: ${hours}`);
    }
  },
});
