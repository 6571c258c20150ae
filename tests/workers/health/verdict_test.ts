import assert from "node:assert/strict";
import type { Beat, ComponentName, ComponentReport, Level } from "../../../lib/log/channel.ts";
import { overallLevel } from "../../../workers/health/level.ts";
import type { ProgramState } from "../../../workers/health/programs.ts";
import { type Evidence, judge, type Verdict } from "../../../workers/health/verdict.ts";
import { frozenBeat } from "../../contract/channel_suite.ts";

const WEDNESDAY = Date.parse("2026-01-14T12:00:00Z");
const SATURDAY = Date.parse("2026-01-10T12:00:00Z");

const report = (status: Level, rest: Partial<ComponentReport> = {}): ComponentReport => ({
  status,
  value: null,
  threshold: null,
  message: `it is ${status}`,
  ...rest,
});

function state(
  program: string,
  components: Beat["components"],
  rest: Partial<ProgramState> & { level?: Level } = {},
): ProgramState {
  const { level = "healthy", ...others } = rest;
  return {
    program,
    replica: 0,
    state: "alive",
    silentMs: 0,
    heardUtcMs: WEDNESDAY,
    beat: { ...frozenBeat, program, level, components },
    ...others,
  };
}

const quiet: Evidence = {
  utcMs: WEDNESDAY,
  kind: "raw",
  programs: [],
  expected: [],
  starting: false,
  measured: {},
  queueDegraded: 10_000,
  queueCritical: 100_000,
};

const levelsOf = (verdict: Verdict) =>
  Object.fromEntries([...verdict.components].map(([name, { status }]) => [name, status]));

Deno.test("the whole is as bad as its worst part, and unknown counts as degraded", () => {
  const table: [Level[], Level][] = [
    [["healthy", "healthy"], "healthy"],
    [["healthy", "unknown"], "degraded"],
    [["healthy", "degraded", "unknown"], "degraded"],
    [["unknown", "critical"], "critical"],
    [["unknown"], "unknown"],
    [[], "unknown"],
  ];
  for (const [levels, overall] of table) assert.equal(overallLevel(levels), overall, levels.join());
});

Deno.test("the queue is judged by its depth", () => {
  const table: [number, Level, Level][] = [
    [0, "healthy", "healthy"],
    [9_999, "healthy", "healthy"],
    [10_000, "healthy", "degraded"],
    [100_000, "healthy", "degraded"],
    [100_001, "healthy", "critical"],
    [5, "critical", "critical"],
  ];
  for (const [value, said, status] of table) {
    const programs = [state("writer", { queue: report(said, { value }) })];
    assert.equal(judge({ ...quiet, programs }).components.get("queue")?.status, status, `${value}`);
  }
});

Deno.test("of two words about one component the worse is taken", () => {
  const programs = [
    state("writer", { queue: report("healthy", { value: 1 }) }),
    state("collector", {
      tick_collection: report("healthy"),
      queue: report("degraded", { value: 12_000 }),
    }),
  ];
  assert.equal(judge({ ...quiet, programs }).components.get("queue")?.value, 12_000);
});

Deno.test("a component that nobody speaks of is left out", () => {
  const programs = [state("collector", { tick_collection: report("healthy") })];
  const verdict = judge({ ...quiet, programs });
  assert.deepEqual(levelsOf(verdict), { tick_collection: "healthy" });
  assert.equal(verdict.overall, "healthy");
});

Deno.test("a program's word goes before what health measured", () => {
  const programs = [state("writer", { filesystem: report("critical"), queue: report("healthy") })];
  const measured = { filesystem: report("healthy"), redis: report("healthy") };
  const expected = { filesystem: "critical", queue: "healthy", redis: "healthy" };
  assert.deepEqual(levelsOf(judge({ ...quiet, programs, measured })), expected);
});

Deno.test("a writer whose own cycles are good does not hide records of failed ones", () => {
  const good = report("healthy", { message: "100 of the last 100 succeeded" });
  const verdict = judge({
    ...quiet,
    programs: [state("writer", { data_quality: good })],
    measured: { data_quality: report("degraded", { message: "70 % of the last 100 cycles" }) },
  });
  const { status, message } = verdict.components.get("data_quality") ?? {};
  assert.deepEqual([status, message], ["degraded", "70 % of the last 100 cycles"]);
});

Deno.test("a writer's word of its audits is not lost to records that are as good", () => {
  const good = report("healthy", { message: "the audit of 2026-01-13 found nothing" });
  const verdict = judge({
    ...quiet,
    programs: [state("writer", { data_quality: good })],
    measured: { data_quality: report("healthy") },
  });
  assert.equal(verdict.components.get("data_quality")?.message, good.message);
});

Deno.test("a program that names no component of its own stands for one by its level", () => {
  const programs = [state("gateway", {}, { level: "degraded" })];
  assert.deepEqual(levelsOf(judge({ ...quiet, programs })), { gateway: "degraded" });
});

Deno.test("an expected program may take its time to start, and is missed afterwards", () => {
  const expected = ["collector", "bridge"];
  const starting = judge({ ...quiet, expected, starting: true });
  assert.deepEqual(levelsOf(starting), { tick_collection: "unknown" });
  const late = judge({ ...quiet, expected });
  assert.deepEqual(levelsOf(late), { tick_collection: "critical" });
  assert.deepEqual(late.troubles.map(({ message }) => message), ["bridge has not been heard of"]);
});

Deno.test("a silent program makes its own component critical and the rest unknown", () => {
  const programs = [
    state(
      "collector",
      { tick_collection: report("healthy"), mt5: report("healthy"), timezone: report("healthy") },
      { state: "silent", silentMs: 4600 },
    ),
  ];
  const verdict = judge({ ...quiet, programs, expected: ["collector"] });
  assert.deepEqual(levelsOf(verdict), {
    mt5: "unknown",
    tick_collection: "critical",
    timezone: "unknown",
  });
  assert.match(
    String(verdict.components.get("tick_collection")?.message),
    /collector has been silent for 5 s/,
  );
});

Deno.test("one of two gateways silent is degraded", () => {
  const programs = [
    state("gateway", { gateway: report("healthy") }),
    state("gateway", { gateway: report("healthy") }, { state: "silent", replica: 1 }),
  ];
  const verdict = judge({ ...quiet, programs });
  assert.deepEqual(levelsOf(verdict), { gateway: "degraded" });
  assert.match(String(verdict.components.get("gateway")?.message), /replica 1/);
});

Deno.test("one that left in good order is no failure, and does not speak over one that lives", () => {
  const left = state("writer", { queue: report("healthy") }, { state: "left" });
  const alone = judge({ ...quiet, programs: [left], expected: ["writer"] });
  assert.equal(alone.overall, "healthy");
  assert.match(String(alone.components.get("queue")?.message), /^writer left in good order/);
  const living = state("writer", { queue: report("degraded") });
  assert.equal(judge({ ...quiet, programs: [left, living] }).overall, "degraded");
});

Deno.test("no tick is no fault while the market is closed, for captured data only", () => {
  const old = report("critical", { value: 90_000, threshold: 60, message: "newest 90000.0 s ago" });
  const stale = { tick_collection: old, mt5: report("healthy") };
  const programs = [state("collector", stale)];
  const closed = judge({ ...quiet, programs, utcMs: SATURDAY });
  assert.equal(closed.overall, "healthy");
  assert.equal(
    closed.components.get("tick_collection")?.message,
    "market closed until 2026-01-11T22:00:00Z; newest 90000.0 s ago",
  );
  assert.equal(judge({ ...quiet, programs }).overall, "critical");
  const simulated: Evidence = { ...quiet, programs, utcMs: SATURDAY, kind: "simulated" };
  assert.equal(judge(simulated).overall, "critical");
});

Deno.test("what is no matter of a tick's age is a fault also while the market is closed", () => {
  const blocked = report("critical", { message: "the log takes no ticks" });
  const programs = [state("collector", { tick_collection: blocked })];
  const closed = judge({ ...quiet, programs, utcMs: SATURDAY });
  assert.equal(closed.overall, "critical");
  assert.equal(
    closed.components.get("tick_collection")?.message,
    "market closed until 2026-01-11T22:00:00Z; the log takes no ticks",
  );
});

Deno.test("a collector that left while the market is closed is no failure, whatever it said", () => {
  const old = report("critical", { value: 90_000, threshold: 60 });
  const programs = [state("collector", { tick_collection: old }, { state: "left" })];
  const closed = judge({ ...quiet, programs, utcMs: SATURDAY });
  assert.equal(closed.overall, "healthy");
  assert.match(
    String(closed.components.get("tick_collection")?.message),
    /^market closed until .*; collector left in good order/,
  );
});

Deno.test("a collector that knows the hours of its symbols is believed, not the FX week", () => {
  const stale = report("critical", { value: 400, threshold: 60, message: "newest 400.0 s ago" });
  const bitcoin = [state("collector", { tick_collection: { ...stale, market: "open" } })];
  const saturday = judge({ ...quiet, programs: bitcoin, utcMs: SATURDAY });
  assert.equal(saturday.overall, "critical");
  assert.equal(saturday.components.get("tick_collection")?.message, "newest 400.0 s ago");

  const message = "market closed until 2026-01-14T14:30:00Z; newest 400.0 s ago";
  const closed = report("healthy", { value: 400, threshold: 60, message });
  const shares = [state("collector", { tick_collection: { ...closed, market: "closed" } })];
  const morning = judge({ ...quiet, programs: shares });
  assert.equal(morning.overall, "healthy");
  assert.equal(morning.components.get("tick_collection")?.message, message);
});

Deno.test("what a collector said of the hours before it left counts no more", () => {
  const old = report("critical", { value: 90_000, threshold: 60, market: "open" });
  const programs = [state("collector", { tick_collection: old }, { state: "left" })];
  assert.equal(judge({ ...quiet, programs, utcMs: SATURDAY }).overall, "healthy");
});

Deno.test("a silent collector is a fault also while the market is closed", () => {
  const programs = [
    state("collector", { tick_collection: report("healthy") }, { state: "silent", silentMs: 5000 }),
  ];
  assert.equal(judge({ ...quiet, programs, utcMs: SATURDAY }).overall, "critical");
});

Deno.test("a program that no component stands for is a trouble of its own", () => {
  const silent = state("bridge", {}, { state: "silent", silentMs: 5000 });
  const verdict = judge({ ...quiet, programs: [silent] });
  assert.equal(verdict.overall, "critical");
  assert.deepEqual(verdict.troubles, [
    { level: "critical", message: "bridge has been silent for 5 s" },
  ]);
  const limping = state("bridge", {}, { level: "degraded" });
  assert.equal(judge({ ...quiet, programs: [limping] }).overall, "degraded");
});

Deno.test("components are shown in one order", () => {
  const names: ComponentName[] = ["redis", "mt5", "gateway", "queue"];
  const components = Object.fromEntries(names.map((name) => [name, report("healthy")]));
  const verdict = judge({ ...quiet, programs: [state("x", components)] });
  assert.deepEqual([...verdict.components.keys()], ["mt5", "queue", "gateway", "redis"]);
});
