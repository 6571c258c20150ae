import assert from "node:assert/strict";
import type { BarCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { FX } from "../../../../lib/time/calendar/calendars.ts";
import { missingBars } from "../../../../workers/writer/verify/bar_gaps.ts";

const HOUR_MS = 3_600_000;

/** A server whose months begin at midnight of New York + 7 h: at 22:00 UTC in winter, 21:00 in summer. */
function monthsFrom(opens: readonly string[], toUtc: string) {
  // What is not given here nobody asks for.
  const cycle = {
    source: "SIMULATED",
    status: "SUCCESS",
    range_from_utc: "2025-08-31T21:00:00Z",
    range_to_utc: toUtc,
    gaps: [],
  } as unknown as BarCycle;
  return missingBars({
    timeframe: TIMEFRAMES["1M"],
    calendar: FX,
    cycles: [cycle],
    opens: opens.map((open) => {
      const utcMs = Date.parse(open), offsetMs = open.includes("T21") ? 3 * HOUR_MS : 2 * HOUR_MS;
      return { utcMs, offsetMs };
    }),
  });
}

Deno.test("a month that the clock is turned before, and that had not closed, is not missing", () => {
  const opens = ["2025-08-31T21:00Z", "2025-09-30T21:00Z", "2025-10-31T21:00Z"];
  // By the last bar's offset December would open at 21:00, within what was asked for.
  assert.deepEqual(monthsFrom(opens, "2025-11-30T22:00:00Z"), { gaps: [], notes: [] });
});

Deno.test("the last month that had closed is missing where it is", () => {
  const { gaps } = monthsFrom(["2025-08-31T21:00Z", "2025-09-30T21:00Z"], "2025-11-30T22:00:00Z");
  assert.equal(gaps.length, 1);
  assert.match(gaps[0] ?? "", /the bar of 2025-10-31 21:00 is missing by the calendar FX/);
});
