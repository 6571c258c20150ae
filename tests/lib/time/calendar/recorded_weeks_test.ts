import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import { FX } from "../../../../lib/time/calendar/week_calendars.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { sharedData } from "./shared_data.ts";

const HOUR_MS = 3_600_000;

/** The weeks of OANDA that do not begin with their first hour or end with their last one, and why. */
const EXCEPTIONS: Readonly<Record<string, { late?: number; early?: number; why: string }>> = {
  "2009-12-20": { early: 11, why: "Christmas" },
  "2009-12-27": { early: 24, why: "New Year" },
  "2015-12-20": { early: 27, why: "Christmas" },
  "2015-12-27": { early: 27, why: "New Year" },
  "2016-12-11": { late: 103, why: "a hole in the recording" },
  "2016-12-25": { late: 25, early: 3, why: "Christmas and New Year" },
  "2017-01-01": { late: 25, why: "New Year" },
  "2017-03-26": { early: 17, why: "a hole in the recording" },
  "2017-10-01": { early: 17, why: "a hole in the recording" },
  "2017-12-24": { late: 26, why: "Christmas" },
  "2017-12-31": { late: 26, why: "New Year" },
  "2018-06-03": { early: 17, why: "a hole in the recording" },
  "2018-10-28": { late: 3, why: "a hole in the recording" },
};

const zip = sharedData("bars/lean_oanda/hour/eurusd.zip");

Deno.test({
  name: "every week of OANDA begins and ends with the FX week, but for the named ones",
  ignore: zip.ignore,
  fn: () => {
    const opens = recordedOpens();
    const weeks = FX.sessions(opens[0] ?? NaN, (opens.at(-1) ?? NaN) + HOUR_MS);
    assert.equal(weeks.length, 627);
    const found: Record<string, unknown> = {};
    let at = 0;
    for (const { openMs, closeMs } of weeks) {
      const first = opens[at] ?? NaN;
      while ((opens[at] ?? NaN) < closeMs) at++;
      const late = (first - openMs) / HOUR_MS;
      const early = (closeMs - HOUR_MS - (opens[at - 1] ?? NaN)) / HOUR_MS;
      if (late === 0 && early === 0) continue;
      const day = new Date(openMs).toISOString().slice(0, 10);
      found[day] = { ...(late > 0 && { late }), ...(early > 0 && { early }) };
    }
    const named = Object.entries(EXCEPTIONS).map(([day, { why: _, ...hours }]) => [day, hours]);
    assert.deepEqual(found, Object.fromEntries(named));
  },
});

Deno.test({
  name: "no hour of OANDA lies outside the FX week, and few inside it are missing",
  ignore: zip.ignore,
  fn: () => {
    const opens = recordedOpens();
    assert.deepEqual(opens.filter((utcMs) => !FX.isOpen(utcMs)), []);
    const range = { fromMs: opens[0] ?? NaN, toMs: (opens.at(-1) ?? NaN) + HOUR_MS };
    const expected = FX.expectedOpens(TIMEFRAMES["1H"], range);
    const recorded = new Set(opens);
    const missing = expected.filter((utcMs) => !recorded.has(utcMs));
    assert.equal(missing.length, expected.length - opens.length);
    assert.ok(missing.length < expected.length * 0.01, `${missing.length} of ${expected.length}`);
  },
});

function recordedOpens(): number[] {
  const [csv] = Object.values(unzipSync(Deno.readFileSync(zip.path)));
  return new TextDecoder().decode(csv).split("\n").filter((line) => line !== "").map((line) =>
    Date.parse(`${line.slice(0, 4)}-${line.slice(4, 6)}-${line.slice(6, 8)}T${line.slice(9, 14)}Z`)
  );
}
