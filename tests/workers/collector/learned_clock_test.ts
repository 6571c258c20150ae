import assert from "node:assert/strict";
import { FeedHoles } from "../../../lib/capture/feed_holes.ts";
import type { Channel } from "../../../lib/log/channel.ts";
import type { TickLog } from "../../../lib/log/tick_log.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import { pause } from "../../../lib/program/pause.ts";
import { parseServerZone, toServerMs } from "../../../lib/time/server_zone.ts";
import { collect, type CollectOptions } from "../../../workers/collector/collect.ts";
import { Collecting } from "../../../workers/collector/collecting.ts";
import { DeadLetters } from "../../../workers/collector/dead_letters.ts";
import { collectorEvents } from "../../../workers/collector/events.ts";
import { Timekeeping } from "../../../workers/collector/timekeeping.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { midweek, Terminal, TICK } from "./terminal.ts";

/** The collector against a terminal whose clock is learned. */

const HOUR_MS = 3_600_000;
const OVERLAP_MS = 2_000;

const nobody: Channel = {
  publish: () => {},
  subscribe: () => () => {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** One run of the program, until the condition holds. */
async function runUntil(
  done: (collecting: Collecting) => boolean | Promise<boolean>,
  { terminal, log, dataDir, captureFrom = "now" }: {
    terminal: Terminal;
    log: TickLog;
    dataDir: string;
    captureFrom?: CollectOptions["captureFrom"];
  },
): Promise<void> {
  await using bridge = await startBridge(terminal);
  const stop = new AbortController();
  const events = collectorEvents();
  const time = new Timekeeping({
    ...{ dataDir, brokerTz: undefined, events, clockApartMs: 60, clockClosedApartMs: 60 },
    nowMs: terminal.nowMs,
  });
  const collecting = new Collecting(time);
  const running = collect({
    ...{ log, events, time, collecting, dataDir, captureFrom },
    channel: nobody,
    deadLetters: new DeadLetters(dataDir),
    holes: await FeedHoles.open(dataDir),
    bridge: { host: "127.0.0.1", port: bridge.port },
    kind: "raw",
    choose: (available) => Promise.resolve(available),
    overlapMs: OVERLAP_MS,
    groupTicks: 100,
    futureLimitMs: 60_000,
    reconnectMaxMs: 100,
    once: false,
    signal: stop.signal,
  });
  try {
    await until(() => done(collecting), { timeoutMs: 10_000 });
  } finally {
    stop.abort();
    await running;
  }
}

async function stampsIn(log: TickLog): Promise<{ utcMs: number; serverMs: number }[]> {
  const segments = await log.read(new Map([["EURUSD", NO_TICK]]), { maxTicks: 1e6 });
  return segments.flatMap(({ ticks }) =>
    Array.from({ length: ticks.count }, (_, at) => {
      return { utcMs: ticks.utcMs(at), serverMs: ticks.serverMs(at) };
    })
  );
}

Deno.test("what came between a first start without a clock and the run that learned it is captured", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const terminal = new Terminal();
  Object.assign(terminal, { frozen: true, hasBars: false });
  const run = { terminal, log, dataDir: folder.path };
  const beganMs = Date.now();
  terminal.history.push({ ...TICK, serverMs: toServerMs(beganMs - HOUR_MS, terminal.zone) });
  const waits = (collecting: Collecting) => {
    const { tick_collection: ticks, timezone } = collecting.describe();
    return ticks?.status === "unknown" && /waits until the clock/.test(ticks.message) &&
      timezone?.status === "unknown" && /BROKER_TZ/.test(timezone.message);
  };
  await runUntil(waits, run);
  assert.deepEqual(await stampsIn(log), []);

  const meanwhile = toServerMs(Date.now(), terminal.zone);
  terminal.history.push({ ...TICK, serverMs: meanwhile });
  await pause(OVERLAP_MS + 500);
  await runUntil(waits, run);
  terminal.frozen = false;
  await runUntil(async () => (await stampsIn(log)).length > 0, run);
  assert.deepEqual((await stampsIn(log)).map(({ serverMs }) => serverMs), [meanwhile]);
});

Deno.test("the first ticks of a clock that was changed are not stamped by the old rule", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const terminal = new Terminal(midweek());
  terminal.ticks = true;
  const run = { terminal, log, dataDir: folder.path };
  let told = false;
  await runUntil(async (collecting) => {
    const { timezone } = collecting.describe();
    if (terminal.zone.zone === "UTC") told ||= /UTC-3/.test(timezone?.message ?? "");
    else if ((await stampsIn(log)).length > 10) terminal.zone = parseServerZone("UTC-3h");
    return told && terminal.asked.length > 2;
  }, run);
  const stamps = await stampsIn(log);
  assert.ok(stamps.every(({ utcMs }) => Math.abs(utcMs - terminal.nowMs()) < 60_000));
});

Deno.test("a beginning whose rule is not known is told once in a while, and the terminal left alone", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const terminal = new Terminal();
  terminal.hasBars = false;
  const captureFrom = new Date(Date.now() - 250 * 24 * HOUR_MS);
  await runUntil((collecting) => {
    const report = collecting.describe().tick_collection;
    return report?.status === "critical" &&
      /^the source's clock is not known: .*BROKER_TZ.*CAPTURE_FROM/.test(report.message);
  }, { terminal, log, dataDir: folder.path, captureFrom });
  const { length } = terminal.asked;
  assert.equal(length, 1, "only the watch for the clock");
});
