import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import { ClockLearning } from "../../../lib/time/server_clock_learning.ts";
import { defaultCandidates } from "../../../lib/time/server_clock_rules.ts";
import { verdictOf } from "../../../lib/time/server_clock_words.ts";

const BARS = `${import.meta.dirname}/../../../../shared/data/bars`;

function recorded(vendor: string) {
  const path = `${BARS}/${vendor}/hour/eurusd.zip`;
  let isThere = true;
  try {
    Deno.statSync(path);
  } catch {
    console.log(`skipped: ${path} is missing, see shared/data/README.md`);
    isThere = false;
  }
  return {
    ignore: !isThere,
    /** One-hour bars on the recording's clock. */
    opens: () => {
      const [csv] = Object.values(unzipSync(Deno.readFileSync(path)));
      return new TextDecoder().decode(csv).split("\n").filter((line) => line !== "").map((line) =>
        Date.parse(
          `${line.slice(0, 4)}-${line.slice(4, 6)}-${line.slice(6, 8)}T${line.slice(9, 14)}Z`,
        )
      );
    },
  };
}

function learnUntil(day: string, opens: readonly number[]) {
  const nowUtcMs = Date.parse(day);
  const learning = new ClockLearning(undefined, {
    override: undefined,
    candidates: defaultCandidates(),
    nowUtcMs,
    minApartMs: 5_000,
    closedApartMs: 1_800_000,
    minContradictionMs: 60_000,
  });
  learning.learnFromHistory("EURUSD", opens.filter((open) => open < nowUtcMs));
  return learning;
}

const oanda = recorded("lean_oanda");
Deno.test({
  name: "OANDA's hours of any two years are told to be in UTC",
  ignore: oanda.ignore,
  fn: () => {
    const opens = oanda.opens();
    for (let year = 2009; year <= 2018; year++) {
      const { state, rule, message } = verdictOf(learnUntil(`${year}-12-20`, opens).standing());
      assert.deepEqual({ year, state, rule }, { year, state: "known", rule: "UTC" }, message);
    }
  },
});

const fxcm = recorded("lean_fxcm");
Deno.test({
  name: "FXCM's hours are told to be five hours behind UTC all the year",
  ignore: fxcm.ignore,
  fn: () => {
    const { state, rule, message } = verdictOf(learnUntil("2012-12-20", fxcm.opens()).standing());
    assert.deepEqual({ state, rule }, { state: "known", rule: "UTC-5h" }, message);
  },
});

Deno.test({
  name: "where FXCM's quotes begin early on Sundays the closings say the hour, and a tick the half",
  ignore: fxcm.ignore,
  fn: () => {
    const opens = fxcm.opens();
    for (const day of ["2015-01-08", "2016-06-09", "2018-06-28"]) {
      const learning = learnUntil(day, opens);
      const before = verdictOf(learning.standing());
      assert.equal(before.state, "unknown");
      assert.deepEqual(before.candidates, ["UTC-5.5h", "UTC-5h"]);
      assert.equal(learning.clock(), undefined);
      for (const second of [0, 10]) {
        const nowUtcMs = Date.parse(day) + 15 * 3_600_000 + second * 1_000;
        learning.observe({ newestServerMs: nowUtcMs - 5 * 3_600_000 - 150, nowUtcMs });
      }
      assert.equal(verdictOf(learning.standing()).rule, "UTC-5h");
    }
  },
});

Deno.test({
  name: "nobody is believed where FXCM's weeks began and ended at changing hours",
  ignore: fxcm.ignore,
  fn: () => {
    const { state, candidates } = verdictOf(learnUntil("2009-06-01", fxcm.opens()).standing());
    assert.equal(state, "unknown");
    assert.ok(candidates.includes("UTC-5h"));
  },
});
