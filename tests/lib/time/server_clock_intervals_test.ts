import assert from "node:assert/strict";
import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { nextFxWeekClose, nextFxWeekOpen } from "../../../lib/time/fx_week.ts";
import { ClockLearning } from "../../../lib/time/server_clock_learning.ts";
import type { ClockRecord } from "../../../lib/time/server_clock_record.ts";
import { defaultCandidates } from "../../../lib/time/server_clock_rules.ts";
import { verdictOf } from "../../../lib/time/server_clock_words.ts";
import { parseServerZone, toServerMs } from "../../../lib/time/server_zone.ts";
import { DAY_MS, HOUR_MS, hourBars, SECOND_MS, seen } from "./server_clock_series.ts";

const NEW_YORK_7H = parseServerZone("America/New_York+7h");
const WEDNESDAY = Date.parse("2026-05-20T09:00Z");

function learningAt(nowUtcMs: number, override?: ServerZone, record?: ClockRecord) {
  return new ClockLearning(record, {
    override,
    candidates: defaultCandidates(),
    nowUtcMs,
    minApartMs: 5_000,
    closedApartMs: 1_800_000,
    minContradictionMs: 60_000,
  });
}

function watchFor(
  learning: ClockLearning,
  zone: ServerZone,
  { fromUtcMs, seconds }: { fromUtcMs: number; seconds: number },
) {
  for (let second = 0; second < seconds; second++) {
    learning.observe(seen(zone, fromUtcMs + second * SECOND_MS));
  }
}

for (const [hours, change] of [[2, "back"], [4, "forward"]] as const) {
  Deno.test(`a clock that was set ${change} at a weekend holds from the first tick of the new week`, () => {
    const learning = learningAt(WEDNESDAY);
    const bars = hourBars(NEW_YORK_7H, WEDNESDAY - 500 * DAY_MS, WEDNESDAY);
    learning.learnFromHistory("EURUSD", bars);
    watchFor(learning, NEW_YORK_7H, { fromUtcMs: WEDNESDAY, seconds: 10 });
    const fridayUtcMs = nextFxWeekClose(WEDNESDAY), sundayUtcMs = nextFxWeekOpen(WEDNESDAY);
    watchFor(learning, NEW_YORK_7H, { fromUtcMs: fridayUtcMs - 60 * SECOND_MS, seconds: 59 });

    const changed = parseServerZone(`UTC+${hours}h`);
    for (const day of [0, 1, 7, 8, 14, 15]) {
      const fromUtcMs = sundayUtcMs + day * DAY_MS + SECOND_MS;
      watchFor(learning, changed, { fromUtcMs, seconds: 70 });
      learning.learnFromHistory("EURUSD", hourBars(changed, fridayUtcMs, fromUtcMs));
    }
    const clock = learning.clock();
    assert.ok(clock, verdictOf(learning.standing()).message);
    for (let minute = 0; minute < 120; minute++) {
      const utcMs = sundayUtcMs + minute * 60 * SECOND_MS + 1;
      assert.equal(clock.toUtcMs(toServerMs(utcMs, changed)), utcMs, `minute ${minute}`);
    }
    assert.equal(clock.toUtcMs(toServerMs(fridayUtcMs - 1, NEW_YORK_7H)), fridayUtcMs - 1);
  });
}

Deno.test("the operator's word on which of the possible rules it is holds for all history", () => {
  const learning = learningAt(WEDNESDAY);
  watchFor(learning, NEW_YORK_7H, { fromUtcMs: WEDNESDAY, seconds: 10 });
  const winterMs = Date.parse("2025-12-10T12:00Z");
  assert.throws(() => learning.clock()?.toServerMs(winterMs), RangeError);
  for (const name of ["Europe/Helsinki", "UTC+3h"]) {
    const zone = parseServerZone(name);
    const told = learningAt(WEDNESDAY + HOUR_MS, zone, learning.record());
    assert.equal(told.clock()?.toServerMs(winterMs), toServerMs(winterMs, zone));
    assert.deepEqual(told.record().intervals.map(({ rule }) => rule), [name]);
  }
});
