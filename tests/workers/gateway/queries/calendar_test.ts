import assert from "node:assert/strict";
import { ALWAYS_OPEN, exchange, FX } from "../../../../lib/time/calendar/calendars.ts";
import { isOpenAt, nextOpenAfter } from "../../../../workers/gateway/queries/calendar_answer.ts";
import { Rig, untilReady } from "../rig.ts";

const DAY_MS = 86_400_000;

Deno.test("the calendar of a symbol says when its market trades", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const now = await (await fetch(`${gateway.url}calendar/EURUSD`)).json();
  assert.deepEqual([now.symbol, now.calendar], ["EURUSD", "FX"]);
  assert.equal(Date.parse(now.to) - Date.parse(now.from), 7 * DAY_MS);
  assert.equal(now.is_open, Date.parse(now.next_close) < Date.parse(now.next_open));
  // New York's five o'clock is an hour earlier by UTC in summer.
  const week = `${gateway.url}calendar/EURUSD?from=2025-07-05&to=2025-07-12`;
  assert.deepEqual((await (await fetch(week)).json()).sessions, [
    { open: "2025-07-06T21:00:00.000Z", close: "2025-07-11T21:00:00.000Z" },
  ]);
});

Deno.test("a range at the end of time has its whole beginning and end", async () => {
  await using rig = await Rig.open();
  await using gateway = await rig.gateway();
  const end = "+275760-09-13T00:00:00.000Z", endMs = Date.parse(end);
  const last = await (await fetch(`${gateway.url}calendar/EURUSD?from=${endMs - DAY_MS}`)).json();
  assert.equal(last.to, end);
  assert.equal(last.sessions.at(-1).close, "+275760-09-12T21:00:00.000Z");
  const after = await (await fetch(`${gateway.url}calendar/EURUSD?from=${endMs}`)).json();
  assert.deepEqual([after.from, after.to, after.sessions], [end, end, []]);
});

Deno.test("a market past its calendar's horizon is neither open nor closed", () => {
  const calendar = exchange("XNYS") ?? FX, pastMs = calendar.knownUntilMs;
  assert.deepEqual([isOpenAt(calendar, pastMs), nextOpenAfter(calendar, pastMs)], [null, null]);
  assert.deepEqual([isOpenAt(ALWAYS_OPEN, 0), nextOpenAfter(ALWAYS_OPEN, 0)], [true, null]);
});

Deno.test("an exchange's calendar ends where its holidays are not known yet", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await Deno.mkdir(`${rig.dataDir}/metadata`, { recursive: true });
  await Deno.writeTextFile(
    `${rig.dataDir}/metadata/symbol_calendar_map.json`,
    '{"EURUSD":"NYSE"}',
  );
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const christmas = `${gateway.url}calendar/EURUSD?from=2025-12-24&to=2025-12-27`;
  const answer = await (await fetch(christmas)).json();
  assert.equal(answer.calendar, "XNYS");
  assert.deepEqual(answer.sessions, [
    { open: "2025-12-24T14:30:00.000Z", close: "2025-12-24T18:00:00.000Z" },
    { open: "2025-12-26T14:30:00.000Z", close: "2025-12-26T21:00:00.000Z" },
  ]);
  const untilMs = Date.parse(answer.known_until);
  for (
    const [query, status, field] of [
      ["from=2090-01-01", 422, "from"],
      [`from=${untilMs - 2 * DAY_MS}&to=${untilMs + 2 * DAY_MS}`, 422, "to"],
      ["from=1971-01-01&to=1971-01-02", 422, "from"],
      ["from=2025-01-02&to=2025-01-01", 422, "to"],
      ["from=2025-01-01&to=2026-02-01", 400, "to"],
      ["from=x", 400, "from"],
      ["tf=1H", 400, "tf"],
    ] as const
  ) {
    const response = await fetch(`${gateway.url}calendar/EURUSD?${query}`);
    const problem = await response.json();
    assert.deepEqual([response.status, problem.field], [status, field], query);
  }
  const lastDays = await fetch(`${gateway.url}calendar/EURUSD?from=${untilMs - 2 * DAY_MS}`);
  assert.equal((await lastDays.json()).to, answer.known_until);
  const unknown = await fetch(`${gateway.url}calendar/NOSUCH`);
  assert.equal(unknown.status, 404);
  await unknown.body?.cancel();
});
