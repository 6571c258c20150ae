import assert from "node:assert/strict";
import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { isFxWeekOpen } from "../../../lib/time/fx_week.ts";
import { ClockLearning } from "../../../lib/time/server_clock_learning.ts";
import { fromRecord, recordSchema, toRecord } from "../../../lib/time/server_clock_record.ts";
import { defaultCandidates } from "../../../lib/time/server_clock_rules.ts";
import { verdictOf } from "../../../lib/time/server_clock_words.ts";
import { parseServerZone, toServerMs } from "../../../lib/time/server_zone.ts";
import { DAY_MS, HOUR_MS, hourBars, SECOND_MS, seen } from "./server_clock_series.ts";

const NEW_YORK_7H = parseServerZone("America/New_York+7h");
const EIGHT = parseServerZone("UTC+8h");
const WEDNESDAY = Date.parse("2026-05-20T09:00Z");

function learningAt(nowUtcMs: number, override?: ServerZone, before?: ClockLearning) {
  const record = before && toRecord(
    recordSchema.parse(JSON.parse(JSON.stringify(fromRecord(before.record())))),
  );
  return new ClockLearning(record, {
    override,
    candidates: defaultCandidates(),
    nowUtcMs,
    minApartMs: 5_000,
    closedApartMs: 1_800_000,
    minContradictionMs: 60_000,
  });
}

const verdict = (learning: ClockLearning) => verdictOf(learning.standing());

function watchFor(
  learning: ClockLearning,
  zone: ServerZone,
  { fromUtcMs, seconds }: { fromUtcMs: number; seconds: number },
) {
  for (let second = 0; second < seconds; second++) {
    learning.observe(seen(zone, fromUtcMs + second * SECOND_MS));
  }
}

function knowingNewYork(nowUtcMs: number): ClockLearning {
  const learning = learningAt(nowUtcMs);
  learning.learnFromHistory("EURUSD", hourBars(NEW_YORK_7H, nowUtcMs - 500 * DAY_MS, nowUtcMs));
  watchFor(learning, NEW_YORK_7H, { fromUtcMs: nowUtcMs, seconds: 10 });
  assert.equal(verdict(learning).rule, "America/New_York+7h");
  return learning;
}

Deno.test("a server that changes its clock stops the conversion until two weekends support it", () => {
  let learning = knowingNewYork(WEDNESDAY);
  const changeUtcMs = WEDNESDAY + HOUR_MS;
  learning.observe(seen(EIGHT, changeUtcMs));
  assert.equal(learning.clock(), undefined, "the first sample is a doubt");
  watchFor(learning, EIGHT, { fromUtcMs: changeUtcMs + SECOND_MS, seconds: 70 });
  assert.equal(verdict(learning).state, "contradicted");
  assert.match(verdict(learning).message, /show UTC\+8 since 2026-05-20T10:00:00Z/);
  learning = learningAt(changeUtcMs + HOUR_MS, undefined, learning);
  assert.equal(verdict(learning).state, "contradicted", "a restart forgets nothing");

  for (const days of [1, 5, 7, 13]) {
    const nowUtcMs = WEDNESDAY + days * DAY_MS;
    watchFor(learning, EIGHT, { fromUtcMs: nowUtcMs, seconds: 70 });
    learning.learnFromHistory("EURUSD", hourBars(EIGHT, changeUtcMs, nowUtcMs));
    assert.equal(learning.clock() === undefined, days < 13, `after ${days} days`);
  }
  const clock = learning.clock();
  assert.ok(clock);
  assert.equal(clock.offsetMsAt(WEDNESDAY + 13 * DAY_MS), 8 * HOUR_MS);
  assert.equal(clock.offsetMsAt(changeUtcMs), 8 * HOUR_MS);
  // Ticks of the seconds before the sample may carry the new clock already.
  const fromUtcMs = changeUtcMs - 10 * SECOND_MS;
  assert.equal(clock.offsetMsAt(fromUtcMs - 1), 3 * HOUR_MS);
  assert.equal(clock.offsetMsAt(Date.parse("2026-01-20T00:00Z")), 2 * HOUR_MS);
  const { intervals } = learning.record();
  assert.deepEqual(
    intervals.map(({ fromUtcMs, toUtcMs, rule }) => [fromUtcMs, toUtcMs, rule]),
    [
      [WEDNESDAY, fromUtcMs, "America/New_York+7h"],
      [fromUtcMs, Infinity, "America/New_York+12h"],
    ],
  );
  assert.equal(verdict(learning).state, "offset_known");
  learning = learningAt(WEDNESDAY + 14 * DAY_MS, undefined, learning);
  assert.equal(learning.clock()?.offsetMsAt(fromUtcMs - 1), 3 * HOUR_MS);
});

Deno.test("a machine's clock that was an hour wrong for a while is forgotten", () => {
  const learning = knowingNewYork(WEDNESDAY);
  for (let second = 60; second < 660; second++) {
    const { newestServerMs, nowUtcMs } = seen(NEW_YORK_7H, WEDNESDAY + second * SECOND_MS);
    learning.observe({ newestServerMs: newestServerMs + HOUR_MS, nowUtcMs });
    assert.equal(learning.clock(), undefined);
  }
  assert.equal(verdict(learning).state, "contradicted");
  watchFor(learning, NEW_YORK_7H, { fromUtcMs: WEDNESDAY + 2 * HOUR_MS, seconds: 70 });
  assert.equal(verdict(learning).rule, "America/New_York+7h", verdict(learning).message);
  assert.equal(learning.record().intervals.length, 1);
});

Deno.test("one tick that is an hour late is doubted for as long as it is the newest", () => {
  const learning = knowingNewYork(WEDNESDAY);
  learning.observe(seen(NEW_YORK_7H, WEDNESDAY + 3 * HOUR_MS, HOUR_MS));
  assert.equal(learning.clock(), undefined);
  assert.match(verdict(learning).message, /newest tick shows UTC\+2 instead/);
  learning.observe(seen(NEW_YORK_7H, WEDNESDAY + 3 * HOUR_MS + SECOND_MS));
  assert.equal(learning.clock()?.rule, "America/New_York+7h");
});

Deno.test("a server with a rule that nobody expects is found among all zones", () => {
  const sydney = parseServerZone("Australia/Sydney");
  const startUtcMs = Date.parse("2025-02-05T03:00Z");
  const learning = learningAt(startUtcMs);
  learning.learnFromHistory("EURUSD", hourBars(sydney, startUtcMs - 500 * DAY_MS, startUtcMs));
  let known = 0;
  for (let now = startUtcMs; now < startUtcMs + 500 * DAY_MS; now += 13 * HOUR_MS) {
    learning.observe({ newestServerMs: null, nowUtcMs: now });
    const clock = learning.clock();
    if (clock !== undefined) {
      assert.equal(clock.toServerMs(now), toServerMs(now, sydney), verdict(learning).message);
      known++;
    }
    if (isFxWeekOpen(now)) watchFor(learning, sydney, { fromUtcMs: now, seconds: 10 });
  }
  assert.ok(known > 900, `known ${known} times`);
  assert.ok(verdict(learning).candidates.some((name) => name.startsWith("Australia/")));
});

Deno.test("a rule that history seemed to prove gives way to what live ticks show", () => {
  // This broker keeps Athens' clock, and opens and closes by it: its bars look like New York's.
  const athens = parseServerZone("Europe/Athens");
  const learning = knowingNewYork(Date.parse("2026-03-02T09:00Z"));
  const mismatch = Date.parse("2026-03-09T09:00Z");
  watchFor(learning, athens, { fromUtcMs: mismatch, seconds: 100 });
  assert.equal(verdict(learning).state, "contradicted");
  learning.learnFromHistory("EURUSD", hourBars(NEW_YORK_7H, mismatch, mismatch + 30 * DAY_MS));
  for (let day = 1; day < 30; day++) {
    const now = mismatch + day * DAY_MS;
    learning.observe({ newestServerMs: null, nowUtcMs: now });
    const clock = learning.clock();
    if (clock !== undefined) assert.equal(clock.toServerMs(now), toServerMs(now, athens));
    assert.notEqual(clock?.rule, "America/New_York+7h");
    if (isFxWeekOpen(now)) watchFor(learning, athens, { fromUtcMs: now, seconds: 70 });
  }
});

Deno.test("the operator's rule stands against the evidence, which is told", () => {
  const athens = parseServerZone("Europe/Athens");
  let learning = learningAt(WEDNESDAY, EIGHT, knowingNewYork(WEDNESDAY - HOUR_MS));
  watchFor(learning, NEW_YORK_7H, { fromUtcMs: WEDNESDAY, seconds: 100 });
  assert.equal(learning.clock()?.offsetMsAt(WEDNESDAY), 8 * HOUR_MS);
  assert.equal(learning.clock()?.offsetMsAt(WEDNESDAY - 1), 3 * HOUR_MS);
  assert.equal(verdict(learning).state, "contradicted");
  assert.equal(verdict(learning).offsetMs, 8 * HOUR_MS);
  assert.match(verdict(learning).message, /BROKER_TZ says UTC\+8h .* is obeyed.*show UTC\+3/);

  learning = learningAt(WEDNESDAY + HOUR_MS, NEW_YORK_7H, learning);
  assert.equal(verdict(learning).state, "override");
  assert.deepEqual(
    learning.record().intervals.map(({ rule, source }) => `${rule} ${source}`),
    ["America/New_York+7h learned", "UTC+8h override", "America/New_York+7h override"],
  );
  learning = learningAt(WEDNESDAY + 2 * HOUR_MS, undefined, learning);
  assert.equal(verdict(learning).state, "known");
  assert.equal(learning.record().intervals.length, 4);

  const fresh = learningAt(WEDNESDAY, athens);
  assert.equal(fresh.clock()?.rule, "Europe/Athens");
  assert.equal(verdict(fresh).state, "override");
  assert.equal(fresh.clock()?.offsetMsAt(0), 2 * HOUR_MS, "it holds for all history");
});

Deno.test("a quarter of an hour is told apart only where a candidate has one", () => {
  const kathmandu = parseServerZone("Asia/Kathmandu");
  const usual = learningAt(WEDNESDAY);
  watchFor(usual, kathmandu, { fromUtcMs: WEDNESDAY, seconds: 60 });
  assert.equal(usual.clock(), undefined);
  const told = new ClockLearning(undefined, {
    override: undefined,
    candidates: [kathmandu, ...defaultCandidates()],
    nowUtcMs: WEDNESDAY,
    minApartMs: 5_000,
    closedApartMs: 1_800_000,
    minContradictionMs: 60_000,
  });
  watchFor(told, kathmandu, { fromUtcMs: WEDNESDAY, seconds: 60 });
  assert.equal(told.clock()?.rule, "Asia/Kathmandu");
});
