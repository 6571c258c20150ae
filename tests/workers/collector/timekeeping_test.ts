import assert from "node:assert/strict";
import { connectBridge } from "../../../lib/bridge/client.ts";
import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { pause } from "../../../lib/program/pause.ts";
import { parseServerZone, toServerMs } from "../../../lib/time/server_zone.ts";
import { collectorEvents } from "../../../workers/collector/events.ts";
import { ClockUnknown, Timekeeping } from "../../../workers/collector/timekeeping.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { midweek, Terminal } from "./terminal.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function timekeepingOf(
  dataDir: string,
  { brokerTz, nowMs }: { brokerTz?: ServerZone; nowMs?: () => number } = {},
): Timekeeping {
  const events = collectorEvents();
  return new Timekeeping({
    ...{ dataDir, brokerTz, clockApartMs: 60, clockClosedApartMs: 60, events },
    ...(nowMs === undefined ? {} : { nowMs }),
  });
}

async function settled(
  terminal: Terminal,
  time: Timekeeping,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  await using bridge = await startBridge(terminal);
  const where = { host: "127.0.0.1", port: bridge.port };
  await using connection = await connectBridge({ ...where, signal });
  await time.settle(connection, { symbols: await connection.symbols(), signal });
}

Deno.test("a server's clock is learned from live ticks and the openings of its weeks, and is kept", async () => {
  await using folder = await tempFolder();
  const terminal = new Terminal();
  const time = timekeepingOf(folder.path);
  await settled(terminal, time);
  assert.equal(time.verdict?.state, "known");
  assert.equal(time.rule, "America/New_York+7h");
  const summerMs = Date.UTC(2026, 6, 1, 12), winterMs = Date.UTC(2026, 0, 5, 12);
  assert.equal(time.toUtcMs(summerMs + 3 * HOUR_MS), summerMs);
  assert.equal(time.toServerMs(winterMs), winterMs + 2 * HOUR_MS);

  const asked = terminal.barsAsked;
  const again = timekeepingOf(folder.path);
  terminal.frozen = true;
  await settled(terminal, again);
  assert.equal(again.rule, "America/New_York+7h");
  assert.equal(terminal.barsAsked, asked);
});

Deno.test("a frozen terminal without history teaches nothing, and nothing is converted", async () => {
  await using folder = await tempFolder();
  const terminal = Object.assign(new Terminal(), { frozen: true });
  terminal.hasBars = false;
  const time = timekeepingOf(folder.path);
  await assert.rejects(settled(terminal, time, AbortSignal.timeout(700)));
  assert.equal(time.verdict?.state, "unknown");
  assert.throws(() => time.toUtcMs(Date.now()), ClockUnknown);
});

Deno.test("the operator's word holds without any evidence", async () => {
  await using folder = await tempFolder();
  const terminal = Object.assign(new Terminal(), { frozen: true });
  const time = timekeepingOf(folder.path, { brokerTz: parseServerZone("Asia/Tokyo") });
  await settled(terminal, time);
  assert.equal(time.verdict?.state, "override");
  assert.equal(terminal.barsAsked, 0);
  assert.equal(time.toUtcMs(9 * HOUR_MS), 0);
});

Deno.test("stamps that contradict what was learned stop the capture, and rewrite nothing", async () => {
  await using folder = await tempFolder();
  const time = timekeepingOf(folder.path);
  await settled(new Terminal(), time);
  const shifted = { zone: "UTC", shiftMs: -5 * HOUR_MS };
  const present = (nowUtcMs: number) => ({
    type: "present" as const,
    nowUtcMs,
    watermarkUtcMs: nowUtcMs,
    newestServerMs: toServerMs(nowUtcMs, shifted),
  });
  // The next Wednesday: at a weekend it would take half an hour.
  const noon = Temporal.Now.plainDateISO("UTC").toZonedDateTime({ timeZone: "UTC" }).add({
    hours: 12,
  });
  const nowUtcMs = noon.add({ days: (10 - noon.dayOfWeek) % 7 || 7 }).epochMilliseconds;
  // One such stamp is a doubt, and enough to stop; a minute of them is a contradiction.
  for (let second = 0; second < 90; second += 10) {
    await assert.rejects(time.observe(present(nowUtcMs + second * 1000)), ClockUnknown);
  }
  assert.equal(time.verdict?.state, "contradicted");
  const ledger = await Deno.readTextFile(`${folder.path}/metadata/server_clock.json`);
  assert.match(ledger, /America\/New_York/);
});

Deno.test("a clock that was changed while nobody looked is noticed before history is read by the old one", async () => {
  await using folder = await tempFolder();
  const nowMs = midweek();
  await settled(new Terminal(nowMs), timekeepingOf(folder.path, { nowMs }));
  const tomorrowMs = () => nowMs() + DAY_MS;
  const changed = new Terminal(tomorrowMs);
  changed.zone = parseServerZone("UTC+8h");
  const time = timekeepingOf(folder.path, { nowMs: tomorrowMs });
  await assert.rejects(settled(changed, time, AbortSignal.timeout(800)));
  assert.match(time.verdict?.message ?? "", /UTC\+8/);
  assert.throws(() => time.toUtcMs(tomorrowMs()), ClockUnknown);

  const same = timekeepingOf(folder.path, { nowMs: tomorrowMs });
  await settled(new Terminal(tomorrowMs), same);
  assert.equal(same.rule, "America/New_York+7h");
});

Deno.test("a vendor is not asked for years of bars at each connection", async () => {
  await using folder = await tempFolder();
  const terminal = new Terminal();
  terminal.hasBars = false;
  const time = timekeepingOf(folder.path);
  await settled(terminal, time);
  const asked = terminal.barsAsked;
  await settled(terminal, time);
  assert.equal(terminal.barsAsked, asked);
  assert.equal(time.verdict?.state, "offset_known");
});

Deno.test("a time whose rule is not known is refused with what to do", async () => {
  await using folder = await tempFolder();
  const terminal = new Terminal();
  terminal.hasBars = false;
  const time = timekeepingOf(folder.path);
  await settled(terminal, time);
  const { knownUntilUtcMs = Infinity } = time.verdict ?? {};
  for (
    const [utcMs, isLasting] of [[knownUntilUtcMs + DAY_MS, false], [
      Date.now() - 250 * DAY_MS,
      true,
    ]] as const
  ) {
    for (const convert of [() => time.toUtcMs(utcMs), () => time.toServerMs(utcMs)]) {
      assert.throws(convert, (error) => {
        assert.ok(error instanceof ClockUnknown, String(error));
        assert.match(error.message, /BROKER_TZ/);
        assert.equal(error.isLasting, isLasting);
        return true;
      });
    }
  }
});

Deno.test("a drain in the middle of learning from bars ends at once", async () => {
  await using folder = await tempFolder();
  const terminal = new Terminal();
  terminal.bars = () => new Promise(() => {});
  const stop = new AbortController();
  const settling = settled(terminal, timekeepingOf(folder.path), stop.signal);
  settling.catch(() => {});
  await pause(200);
  const began = performance.now();
  stop.abort();
  await assert.rejects(settling);
  assert.ok(performance.now() - began < 2_000);
});
