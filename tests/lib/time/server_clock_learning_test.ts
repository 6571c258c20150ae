import assert from "node:assert/strict";
import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { isFxWeekOpen } from "../../../lib/time/fx_week.ts";
import { ClockLearning } from "../../../lib/time/server_clock_learning.ts";
import { defaultCandidates } from "../../../lib/time/server_clock_rules.ts";
import { verdictOf } from "../../../lib/time/server_clock_words.ts";
import { parseServerZone, toServerMs } from "../../../lib/time/server_zone.ts";
import {
  DAY_MS,
  dice,
  HOUR_MS,
  hourBars,
  MINUTE_MS,
  SECOND_MS,
  seen,
  withoutOpenings,
} from "./server_clock_series.ts";

const TRUTHS = [
  { truth: "America/New_York+7h", rule: "America/New_York+7h" },
  { truth: "Europe/Athens", rule: "Europe/Athens" },
  { truth: "UTC+3h", rule: "UTC+3h" },
  { truth: "Asia/Tokyo", rule: "UTC+9h" },
] as const;

/** Every month, the weekends within it, and both changes of both summer times. */
const STARTS = [
  ...Array.from({ length: 12 }, (_, month) => Date.UTC(2019 + month % 7, month, 1 + month)),
  ...["2021-03-10", "2021-03-26", "2021-10-28", "2021-11-05", "2022-03-13", "2022-03-27"]
    .map((day) => Date.parse(day)),
  ...["2025-10-26", "2025-11-02", "2026-03-07", "2026-03-28", "2026-07-04", "2026-07-05"]
    .map((day) => Date.parse(day)),
];

function learningAt(nowUtcMs: number, override?: ServerZone): ClockLearning {
  return new ClockLearning(undefined, {
    override,
    candidates: defaultCandidates(),
    nowUtcMs,
    minApartMs: 5_000,
    closedApartMs: 1_800_000,
    minContradictionMs: 60_000,
  });
}

const verdict = (learning: ClockLearning) => verdictOf(learning.standing());

/** Whatever is said of the clock now, and of three hours around every change, is true. */
function assertNothingFalse(learning: ClockLearning, truth: ServerZone, nowUtcMs: number) {
  learning.observe({ newestServerMs: null, nowUtcMs });
  const clock = learning.clock();
  if (clock === undefined) return;
  const until = Math.min(clock.knownUntilUtcMs, nowUtcMs + 400 * DAY_MS);
  const from = Math.max(clock.knownFromUtcMs, nowUtcMs - 400 * DAY_MS);
  const times = [nowUtcMs, from, until - 1];
  for (let at = from; at < until; at += 29.7 * DAY_MS) times.push(at);
  const wrong = times.find((utcMs) => clock.toServerMs(utcMs) !== toServerMs(utcMs, truth));
  if (wrong === undefined) return;
  const at = new Date(wrong).toISOString();
  assert.fail(`${at}, said on ${new Date(nowUtcMs).toISOString()}: ${verdict(learning).message}`);
}

/** Two ticks that are far enough apart. */
function watch(learning: ClockLearning, truth: ServerZone, nowUtcMs: number) {
  learning.observe(seen(truth, nowUtcMs));
  learning.observe(seen(truth, nowUtcMs + 10 * SECOND_MS));
}

Deno.test("history and two live ticks show the rule, whenever one starts", () => {
  for (const { truth, rule } of TRUTHS) {
    const zone = parseServerZone(truth);
    for (const startUtcMs of STARTS) {
      const learning = learningAt(startUtcMs);
      const from = startUtcMs - 500 * DAY_MS;
      learning.learnFromHistory("EURUSD", hourBars(zone, from, startUtcMs));
      assertNothingFalse(learning, zone, startUtcMs);
      for (let now = startUtcMs; now < startUtcMs + 14 * DAY_MS; now += 5 * HOUR_MS) {
        if (isFxWeekOpen(now)) watch(learning, zone, now);
        assertNothingFalse(learning, zone, now + 10 * SECOND_MS);
      }
      const { state, rule: found, message } = verdict(learning);
      assert.deepEqual({ state, found }, { state: "known", found: rule }, `${message} ${truth}`);
      assert.equal(learning.clock()?.knownUntilUtcMs, Infinity);
    }
  }
});

Deno.test("two weeks over a change of the clock show the rule without history", () => {
  const cases = [
    ["America/New_York+7h", "2026-03-01"],
    ["Europe/Athens", "2026-03-22"],
    ["America/New_York+7h", "2025-10-26"],
  ] as const;
  for (const [truth, day] of cases) {
    const zone = parseServerZone(truth);
    const startUtcMs = Date.parse(day);
    const learning = learningAt(startUtcMs);
    for (let now = startUtcMs; now < startUtcMs + 14 * DAY_MS; now += HOUR_MS) {
      if (isFxWeekOpen(now)) watch(learning, zone, now);
      assertNothingFalse(learning, zone, now);
    }
    assert.equal(verdict(learning).rule, truth, verdict(learning).message);
  }
});

Deno.test("two weeks of July leave three rules, and the offset until they part", () => {
  for (const { truth } of TRUTHS.slice(0, 3)) {
    const zone = parseServerZone(truth);
    const startUtcMs = Date.parse("2026-07-01");
    const endUtcMs = startUtcMs + 14 * DAY_MS;
    const learning = learningAt(startUtcMs);
    assert.equal(learning.clock(), undefined);
    learning.learnFromHistory("EURUSD", hourBars(zone, startUtcMs, endUtcMs));
    for (let now = startUtcMs; now < endUtcMs; now += HOUR_MS) {
      if (isFxWeekOpen(now)) watch(learning, zone, now);
    }
    const told = verdict(learning);
    assert.equal(told.state, "offset_known");
    assert.equal(told.rule, undefined);
    assert.deepEqual(told.candidates, ["America/New_York+7h", "Europe/Athens", "UTC+3h"]);
    assert.equal(told.offsetMs, 3 * HOUR_MS);
    assert.equal(told.knownUntilUtcMs, Date.parse("2026-10-25T01:00Z"));
    assert.match(
      told.message,
      /UTC\+3 until 2026-10-25T01:00:00Z.*Europe\/Athens and UTC\+3h part/,
    );
    const clock = learning.clock();
    assert.ok(clock);
    assert.equal(clock.rule, undefined);
    assert.equal(clock.knownFromUtcMs, Date.parse("2026-03-29T01:00Z"));
    assert.equal(clock.toUtcMs(Date.parse("2026-07-10T12:00Z")), Date.parse("2026-07-10T09:00Z"));
    assert.throws(() => clock.toUtcMs(Date.parse("2026-10-25T04:00Z")), /known from 2026-03-29/);
    assert.throws(() => clock.toServerMs(Date.parse("2026-10-25T01:00Z")), RangeError);
    assert.throws(() => clock.toServerMs(Date.parse("2026-01-25T01:00Z")), RangeError);

    learning.observe({ newestServerMs: null, nowUtcMs: Date.parse("2026-10-25T01:00Z") });
    assert.equal(learning.clock(), undefined);
    const sunday = Date.parse("2026-10-25T21:30Z");
    watch(learning, zone, sunday);
    assertNothingFalse(learning, zone, sunday);
    assert.ok(learning.clock());
    const monday = Date.parse("2026-11-02T21:30Z");
    learning.observe({ newestServerMs: null, nowUtcMs: monday });
    watch(learning, zone, monday);
    assert.equal(verdict(learning).rule, truth);
    assertNothingFalse(learning, zone, monday);
  }
});

Deno.test("nothing false is said in seven years of noise, and the rule is found in the first", () => {
  const random = dice(20260701);
  for (const { truth, rule } of TRUTHS) {
    const zone = parseServerZone(truth);
    const startUtcMs = Date.parse("2019-05-20");
    const learning = learningAt(startUtcMs);
    // The host's clock is wrong by up to a minute and a half, the ticks are up to 30 s late.
    const hostErrorMs = (random() - 0.5) * 3 * MINUTE_MS;
    const bars = withoutOpenings(
      hourBars(zone, startUtcMs, Date.parse("2026-06-01")),
      zone,
      Array.from({ length: 12 }, () => startUtcMs + random() * 2_500 * DAY_MS),
    );
    let barsTold = 0;
    let knownSince = Infinity;
    for (let now = startUtcMs; now < Date.parse("2026-06-01"); now += random() * 2 * DAY_MS) {
      const open = isFxWeekOpen(now);
      for (let k = 0; k < 4; k++) {
        const utcMs = now + k * 7 * SECOND_MS;
        const frozenMs = open && random() > 0.1 ? 0 : random() * 3 * HOUR_MS;
        const { newestServerMs } = seen(zone, utcMs - frozenMs, random() * 30 * SECOND_MS);
        learning.observe({ newestServerMs, nowUtcMs: utcMs + hostErrorMs });
        assertNothingFalse(learning, zone, utcMs + hostErrorMs);
      }
      if (random() < 0.02) {
        const serverNow = toServerMs(now, zone);
        const told = bars.findIndex((bar) => bar > serverNow);
        learning.learnFromHistory("EURUSD", bars.slice(Math.max(0, barsTold - 100), told));
        barsTold = told;
        assertNothingFalse(learning, zone, now + hostErrorMs);
      }
      if (verdict(learning).state === "known") knownSince = Math.min(knownSince, now);
    }
    assert.equal(verdict(learning).rule, rule, verdict(learning).message);
    assert.ok(knownSince < startUtcMs + 366 * DAY_MS, `known since ${new Date(knownSince)}`);
  }
});

Deno.test("a frozen tick, a weekend's trickle and a stale backlog teach nothing", () => {
  const zone = parseServerZone("Europe/Athens");
  const saturday = Date.parse("2026-07-11T00:00Z");
  const learning = learningAt(saturday);
  const lastMs = toServerMs(Date.parse("2026-07-10T20:59:58Z"), zone);
  for (let second = 0; second < 7200; second++) {
    // Friday's last tick again and again, then two more of its kind at an innocent-looking age.
    const newestServerMs = lastMs + (second > 3600 ? 500 : 0) + (second > 3610 ? 500 : 0);
    learning.observe({ newestServerMs, nowUtcMs: saturday + second * SECOND_MS });
  }
  assert.equal(learning.clock(), undefined);
  assert.equal(verdict(learning).state, "unknown");
  const monday = Date.parse("2026-07-13T08:00Z");
  learning.observe(seen(zone, monday, 2 * HOUR_MS));
  assert.equal(learning.clock(), undefined);
  watch(learning, zone, monday + MINUTE_MS);
  assert.equal(verdict(learning).offsetMs, 3 * HOUR_MS);
});

Deno.test("a stamp from the far future does not make the true ones look old", () => {
  const zone = parseServerZone("Europe/Athens");
  const monday = Date.parse("2026-07-13T08:00Z");
  const learning = learningAt(monday);
  for (const nowUtcMs of [monday, monday + 20 * SECOND_MS]) {
    const newestServerMs = nowUtcMs + (nowUtcMs === monday ? 11 * HOUR_MS : 900 * DAY_MS);
    learning.observe({ newestServerMs, nowUtcMs });
    assert.equal(learning.clock(), undefined);
  }
  for (let second = 30; second < 40; second++) {
    learning.observe(seen(zone, monday + second * SECOND_MS));
  }
  assert.equal(verdict(learning).offsetMs, 3 * HOUR_MS);
});

Deno.test("a market that never closes is believed on a weekend after half an hour in step", () => {
  const zone = parseServerZone("Europe/Athens");
  const saturday = Date.parse("2026-07-11T10:00Z");
  const learning = learningAt(saturday);
  for (let minute = 0; minute < 30; minute += 1) {
    learning.observe(seen(zone, saturday + minute * MINUTE_MS));
    assert.equal(learning.clock(), undefined);
  }
  learning.observe(seen(zone, saturday + 30 * MINUTE_MS));
  assert.equal(learning.clock()?.offsetMsAt(saturday), 3 * HOUR_MS);
});

Deno.test("a machine whose clock is ten minutes wrong learns nothing and says why", () => {
  const zone = parseServerZone("Europe/Athens");
  const monday = Date.parse("2026-07-13T08:00Z");
  for (const errorMs of [-10 * MINUTE_MS, 10 * MINUTE_MS]) {
    const learning = learningAt(monday);
    for (let second = 0; second < 120; second++) {
      const { newestServerMs, nowUtcMs } = seen(zone, monday + second * SECOND_MS);
      learning.observe({ newestServerMs, nowUtcMs: nowUtcMs + errorMs });
    }
    assert.equal(learning.clock(), undefined);
    assert.match(verdict(learning).message, /600 s away .* time service/);
  }
});

Deno.test("a machine whose clock is an hour wrong is caught by the bars around the weekends", () => {
  const zone = parseServerZone("America/New_York+7h");
  const monday = Date.parse("2026-07-13T08:00Z");
  const learning = learningAt(monday);
  learning.learnFromHistory("EURUSD", hourBars(zone, monday - 300 * DAY_MS, monday));
  for (let second = 0; second < 200; second++) {
    const { newestServerMs, nowUtcMs } = seen(zone, monday + second * SECOND_MS);
    learning.observe({ newestServerMs, nowUtcMs: nowUtcMs - HOUR_MS });
    assert.equal(learning.clock(), undefined);
  }
  const { state, message } = verdict(learning);
  assert.equal(state, "contradicted");
  assert.match(message, /Live ticks show UTC\+4.*this machine's clock is wrong/);
  for (let second = 200; second < 400; second++) {
    learning.observe(seen(zone, monday + second * SECOND_MS));
  }
  assert.equal(verdict(learning).rule, "America/New_York+7h", verdict(learning).message);
});
