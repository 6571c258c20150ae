import assert from "node:assert/strict";
import { FeedHoles } from "../../../lib/capture/feed_holes.ts";
import type { Channel, FeedFact } from "../../../lib/log/channel.ts";
import { LogUnavailable, type TickLog } from "../../../lib/log/tick_log.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { NO_TICK } from "../../../lib/market/tick_id.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { collect, type CollectOptions, WrongSource } from "../../../workers/collector/collect.ts";
import { Collecting } from "../../../workers/collector/collecting.ts";
import { DeadLetters } from "../../../workers/collector/dead_letters.ts";
import { collectorEvents } from "../../../workers/collector/events.ts";
import { Timekeeping } from "../../../workers/collector/timekeeping.ts";
import { DAY, FakeVendor, TICK } from "./fake_vendor.ts";

const FEED = "fake:server:EURUSDm";

/** Runs `collect` against the vendor until the condition holds. */
async function collectFrom(
  vendor: FakeVendor,
  log: TickLog,
  { dataDir, done, options = {} }: {
    dataDir: string;
    done: (facts: FeedFact[], collecting: Collecting) => boolean | Promise<boolean>;
    options?: Partial<CollectOptions>;
  },
): Promise<void> {
  await using bridge = await startBridge(vendor);
  const facts: FeedFact[] = [];
  const channel: Channel = {
    publish: (topic, message) => void (topic === "feed" && facts.push(message as FeedFact)),
    subscribe: () => () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const stop = new AbortController();
  const events = collectorEvents();
  const time = new Timekeeping({
    ...{ dataDir, brokerTz: undefined, events, clockApartMs: 60, clockClosedApartMs: 60 },
  });
  const collecting = new Collecting(time);
  const running = collect({
    log,
    channel,
    events,
    time,
    deadLetters: new DeadLetters(dataDir),
    holes: await FeedHoles.open(dataDir),
    collecting,
    bridge: { host: "127.0.0.1", port: bridge.port },
    kind: "raw",
    choose: (available) => Promise.resolve(available),
    captureFrom: "start",
    overlapMs: 2_000,
    groupTicks: 100,
    futureLimitMs: 60_000,
    reconnectMaxMs: 100,
    once: false,
    signal: stop.signal,
    ...options,
  });
  const over = running.then(() => true);
  try {
    await Promise.race([until(() => done(facts, collecting)), over]);
  } finally {
    stop.abort();
    await running;
  }
}

async function keysIn(log: TickLog): Promise<string[]> {
  const segments = await log.read(new Map([["EURUSD", NO_TICK]]), { maxTicks: 1e6 });
  return segments.flatMap(({ ticks }) =>
    Array.from({ length: ticks.count }, (_, i) => ticks.payloadKey(i))
  );
}

const expected = (() => {
  const all = Ticks.from(DAY);
  return Array.from({ length: all.count }, (_, index) => all.payloadKey(index)).sort();
})();

/** A log that cannot take ticks for a while, loses its answers, or has another tail each time. */
function troubled(
  log: TickLog,
  trouble: (call: number) => "fine" | "refuse" | "lose the answer" | "conflict",
): TickLog {
  let call = 0;
  return new Proxy(log, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "append") return value.bind(target);
      return async (appends: Parameters<TickLog["append"]>[0]) => {
        const what = trouble(call++);
        if (what === "conflict") return appends.map(() => ({ outcome: "conflict" }));
        if (what === "refuse") throw new LogUnavailable("the disk is full", { reason: "full" });
        const results = await target.append(appends);
        if (what === "lose the answer") throw new LogUnavailable("no answer", { reason: "down" });
        return results;
      };
    },
  });
}

Deno.test("a vendor that crashes again and again is read to the end, each tick once", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const vendor = new FakeVendor();
  vendor.breaksAfter = [40, 120, 80, 200, Infinity];
  await collectFrom(vendor, log, {
    dataDir: folder.path,
    done: async () => (await keysIn(log)).length >= DAY.length,
  });
  assert.deepEqual((await keysIn(log)).sort(), expected);
  assert.equal(vendor.asked.length, 5);
  assert.equal(vendor.asked[0]?.fromServerMs, 0);
  assert.ok(Number(vendor.asked[1]?.fromServerMs) > 0, "later reads begin at the checkpoint");
});

Deno.test("ticks are stamped with UTC by the server's zone, and keep the server's own stamp", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  await collectFrom(new FakeVendor(), log, {
    dataDir: folder.path,
    done: async () => (await keysIn(log)).length >= DAY.length,
  });
  const [first] = await log.read(new Map([["EURUSD", NO_TICK]]));
  assert.equal(first?.ticks.serverMs(0), TICK.serverMs);
  assert.equal(first.ticks.utcMs(0), TICK.serverMs - 2 * 3_600_000);
  assert.equal((await log.checkpoint("EURUSD"))?.feed, FEED);
});

for (const what of ["refuse", "lose the answer"] as const) {
  Deno.test(`a log that is away (${what}) makes the collector wait; then every tick is there once`, async () => {
    await using folder = await tempFolder();
    await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
    let sawCritical = false;
    const shaky = troubled(log, (call) => call >= 1 && call <= 3 ? what : "fine");
    await collectFrom(new FakeVendor(), shaky, {
      dataDir: folder.path,
      async done(_, collecting) {
        const report = collecting.describe().tick_collection;
        sawCritical ||= report?.status === "critical" &&
          /takes no ticks \((full|down)\)/.test(report.message);
        return (await keysIn(log)).length >= DAY.length;
      },
    });
    assert.deepEqual((await keysIn(log)).sort(), expected);
    assert.equal(sawCritical, true);
  });
}

Deno.test("a log that another collector appends to as well makes no storm of reconnects", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  let appends = 0;
  const contested = troubled(log, (call) => {
    appends = call + 1;
    return "conflict";
  });
  const vendor = new FakeVendor();
  const began = performance.now();
  await collectFrom(vendor, contested, { dataDir: folder.path, done: () => appends >= 6 });
  // 50 ms and then 100 ms, each cut by up to half at random.
  assert.ok(performance.now() - began > 25 + 4 * 50);
});

Deno.test("a symbol that belongs to another feed is refused by name, and the others go on", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const feed = "other:broker:GBPUSD";
  const ticks = Ticks.from([TICK]);
  ticks.setUtcMs(0, TICK.serverMs);
  await log.append([{ symbol: "GBPUSD", feed, expectedTail: NO_TICK, ticks }]);
  const vendor = new FakeVendor();
  // It is quiet: what is told of the feed alone must not break the others either.
  vendor.offered.push({ symbol: "GBPUSD", rawName: "GBPUSDm", digits: 5 });
  await collectFrom(vendor, log, {
    dataDir: folder.path,
    done: async () => ((await log.checkpoint("EURUSD"))?.watermarkMs ?? 0) > 0,
  });
  assert.deepEqual((await keysIn(log)).sort(), expected);
  assert.equal(vendor.asked.length, 1);
  assert.equal((await log.checkpoint("GBPUSD"))?.feed, feed);
  assert.equal((await log.checkpoint("GBPUSD"))?.watermarkMs, 0);
});

Deno.test("a source whose symbols all belong to other feeds is refused with what to do", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  await log.mark([{ symbol: "EURUSD", feed: "other:broker:X", watermarkMs: 1, ended: false }]);
  const vendor = new FakeVendor();
  await collectFrom(vendor, log, {
    dataDir: folder.path,
    done: (_, collecting) =>
      /other feeds own the streams of EURUSD; set another DATA_DIR/.test(
        collecting.describe().tick_collection?.message ?? "",
      ),
  });
  assert.equal(vendor.asked.length, 0);
});

Deno.test("another kind of data is refused and nothing is appended", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const vendor = new FakeVendor();
  vendor.kind = "simulated";
  const message = /current kind of the source is simulated; set DATA_KIND=simulated/;
  await assert.rejects(
    collectFrom(vendor, log, { dataDir: folder.path, done: () => false }),
    (error) => error instanceof WrongSource && message.test(error.message),
  );
  assert.deepEqual(await log.symbols(), []);
});

Deno.test("an outage of the vendor is told with its range", async () => {
  await using folder = await tempFolder();
  await using log = await SqliteTickLog.open({ folder: `${folder.path}/log`, kind: "raw" });
  const vendor = new FakeVendor();
  vendor.outage = true;
  let told: FeedFact[] = [];
  await collectFrom(vendor, log, {
    dataDir: folder.path,
    options: { holes: await FeedHoles.open(folder.path, "demo") },
    done(facts) {
      told = facts;
      return facts.some(({ state, fromMs }) => state === "up" && fromMs !== undefined);
    },
  });
  const down = told.find(({ state }) => state === "down");
  const up = told.find(({ state, fromMs }) => state === "up" && fromMs !== undefined);
  assert.equal(up?.fromMs, down?.atMs);
  assert.equal(Number(up?.atMs) - Number(down?.atMs), 5_000);
  // A folder may hold several feeds: whoever notes the hole must know whose it is.
  for (const { session, symbols } of told) {
    assert.deepEqual({ session, symbols }, { session: "demo", symbols: ["EURUSD"] });
  }
});
