import assert from "node:assert/strict";
import { SteadySession } from "../../../../bridge/logins/session_steady.ts";
import { Sessions } from "../../../../bridge/sessions.ts";
import type { BarRequest, SourceBar } from "../../../../lib/bridge/feed.ts";
import { readUniverse } from "../../../../lib/capture/universe_file.ts";
import { type BarCycle, listCycles } from "../../../../lib/capture/bars/bar_cycle.ts";
import { parseTimeframe } from "../../../../lib/market/timeframe.ts";
import { FX } from "../../../../lib/time/calendar/calendars.ts";
import { statedClock } from "../../../../lib/time/server_clock.ts";
import { startBridge } from "../../../support/bridge_server.ts";
import { runIngest, startIngest } from "../../../support/ingest_program.ts";
import { ScriptedSource } from "../../../support/scripted_source.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { until } from "../../../support/until.ts";

/** The command against a vendor that fails, lacks and lies, as vendors do. */

const NOW_MS = Date.parse("2025-12-29T09:42:00Z");
const ZONE = { zone: "America/New_York", shiftMs: 7 * 3_600_000 };
const clock = statedClock(ZONE);
const SYMBOLS = ["EURUSD", "GBPUSD", "USDJPY"];
const BROKER = { BROKER_TZ: "America/New_York+7h", INGEST_RETRY_MS: "1" };

class Vendor extends ScriptedSource {
  readonly asked: BarRequest[] = [];
  /** What becomes of the bars that the market made. */
  answer: (bars: SourceBar[], request: BarRequest) => SourceBar[] = (bars) => bars;

  constructor(readonly nowMs = NOW_MS) {
    super((pull) =>
      pull === 0
        ? { type: "present", nowUtcMs: nowMs, watermarkUtcMs: nowMs, newestServerMs: null }
        : undefined
    );
    this.described = SYMBOLS.map((symbol) => ({
      ...{ symbol, rawName: `${symbol}.x`, digits: 5 },
      fields: { trade_mode: 4, path: `Forex\\${symbol}` },
    }));
  }

  override symbols() {
    return Promise.resolve(this.described.map(({ fields: _, ...symbol }) => symbol));
  }

  // deno-lint-ignore require-await -- what the script throws must be a rejection
  override async bars(request: BarRequest): Promise<SourceBar[]> {
    this.asked.push(request);
    const timeframe = parseTimeframe(request.timeframe);
    assert.ok(timeframe);
    const fromMs = clock.toUtcMs(request.fromServerMs);
    const toMs = Math.min(clock.toUtcMs(request.toServerMs), this.nowMs);
    const opens = FX.expectedOpens(timeframe, { fromMs, toMs, clock });
    const price = { open: 1.1, high: 1.2, low: 1, close: 1.15, tickVolume: 7 };
    const bars = opens.map((utcMs) => ({ openServerMs: clock.toServerMs(utcMs), ...price }));
    return this.answer(bars, request);
  }
}

const WEEK = ["--timeframes", "1H", "--from", "2025-12-15", "--to", "2025-12-20"];

async function rig(vendor = new Vendor()) {
  const folder = await tempFolder(), bridge = await startBridge(vendor);
  const dataDir = `${folder.path}/raw`, { port } = bridge;
  const given = { port, dir: folder.path, env: BROKER };
  return {
    ...{ vendor, dataDir, given },
    run: (...args: string[]) => runIngest(["--output-dir", dataDir, ...args], given),
    cycles: (symbol: string): Promise<BarCycle[]> =>
      listCycles(dataDir, { symbol, timeframe: "1H" }),
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a read that fails is tried again; one that goes on failing is recorded and the run goes on", async () => {
  await using it = await rig();
  let failures = 2;
  it.vendor.answer = (bars, { symbol }) => {
    if (symbol === "GBPUSD") throw new Error("terminal: no history");
    if (symbol === "EURUSD" && failures-- > 0) throw new Error("terminal: busy");
    return bars;
  };
  const { code, out, err } = await it.run(...WEEK, "--workers", "2");
  assert.equal(code, 1, err);
  assert.match(out, /EURUSD 1H .*terminal: busy; tries again/);
  assert.match(out, /GBPUSD +1H +\d+ +0 +\d+ +0 .* FAILED/);
  assert.match(out, /2 SUCCESS, 0 PARTIAL, 1 FAILED/);
  const [failed] = await it.cycles("GBPUSD");
  assert.equal(failed?.status, "FAILED");
  assert.match(failed?.error ?? "", /terminal: no history/);
  assert.equal(it.vendor.asked.filter(({ symbol }) => symbol === "GBPUSD").length, 1 + 3);
  it.vendor.answer = (bars) => bars;
  it.vendor.asked.length = 0;
  const again = await it.run(...WEEK, "--resume");
  assert.equal(again.code, 0, again.err);
  assert.deepEqual(it.vendor.asked.map(({ symbol }) => symbol), ["GBPUSD"], "only what is lacking");
});

Deno.test("what the vendor has not is PARTIAL with its range, and --resume asks for that alone", async () => {
  await using it = await rig();
  const from = Date.parse("2025-12-17T10:00Z"), to = Date.parse("2025-12-17T13:00Z");
  const lacks = (bars: SourceBar[]) =>
    bars.filter(({ openServerMs }) => {
      const utcMs = clock.toUtcMs(openServerMs);
      return utcMs < from || utcMs >= to;
    });
  it.vendor.answer = lacks;
  const first = await it.run(...WEEK, "--symbols", "EURUSD", "--json");
  assert.equal(first.code, 1, first.err);
  const unit = first.out.trim().split("\n").map((line) => JSON.parse(line))
    .find(({ event }) => event === "unit");
  assert.equal(unit.status, "PARTIAL");
  assert.equal(unit.bars_missing, 3);
  const [cycle] = await it.cycles("EURUSD");
  assert.deepEqual(cycle?.gaps, [{
    ...{ from_utc: "2025-12-17T10:00:00.000Z", to_utc: "2025-12-17T13:00:00.000Z" },
    ...{ reason: "no bar", bars: 3 },
  }]);
  assert.equal(cycle?.symbol_raw, "EURUSD.x");
  assert.equal(cycle?.feed, "scripted:test:EURUSD.x");
  assert.equal(cycle?.broker_utc_offset_hours, 2);
  assert.match(cycle?.account_id ?? "", /^[0-9a-f]{16}$/);
  it.vendor.answer = (bars) => bars;
  it.vendor.asked.length = 0;
  const second = await it.run(...WEEK, "--symbols", "EURUSD", "--resume");
  assert.equal(second.code, 0, second.out);
  assert.deepEqual(it.vendor.asked.map(({ fromServerMs }) => clock.toUtcMs(fromServerMs)), [from]);
  const files = [...Deno.readDirSync(`${it.dataDir}/ohlcv/fx/EURUSD/1H`)].map(({ name }) => name);
  assert.ok(files.includes("2025-12-17__1.csv"), "a sealed file is superseded, never changed");
});

Deno.test("a vendor that keeps Christmas is whole, and is not asked for it again", async () => {
  await using it = await rig();
  const from = Date.parse("2025-12-24T22:00Z"), to = Date.parse("2025-12-25T22:00Z");
  it.vendor.answer = (bars) =>
    bars.filter(({ openServerMs }) => {
      const utcMs = clock.toUtcMs(openServerMs);
      return utcMs < from || utcMs >= to;
    });
  const args = ["--symbols", "EURUSD", "--timeframes", "1H"];
  const range = ["--from", "2025-12-22", "--to", "2025-12-27"];
  const { code, out, err } = await it.run(...args, ...range);
  assert.equal(code, 0, out + err);
  const [cycle] = await it.cycles("EURUSD");
  assert.deepEqual([cycle?.status, cycle?.bars_expected, cycle?.bars_received], [
    "SUCCESS",
    94,
    94,
  ]);
  assert.deepEqual(cycle?.gaps, [{
    ...{ from_utc: "2025-12-24T22:00:00.000Z", to_utc: "2025-12-25T22:00:00.000Z" },
    ...{ reason: "holiday", bars: 24 },
  }]);
  it.vendor.asked.length = 0;
  const again = await it.run(...args, ...range, "--resume");
  assert.equal(again.code, 0, again.err);
  assert.deepEqual(it.vendor.asked, []);
});

Deno.test("a range that begins before the vendor's history is whole, and says where that begins", async () => {
  await using it = await rig();
  const firstMs = Date.parse("2025-12-17T10:00Z");
  it.vendor.answer = (bars) =>
    bars.filter(({ openServerMs }) => clock.toUtcMs(openServerMs) >= firstMs);
  const args = ["--symbols", "EURUSD", "--timeframes", "1H", "--to", "2025-12-20"];
  const env = { ...BROKER, INGEST_CHUNK_BARS: "200", INGEST_GAP_RETRY_DAYS: "0" };
  const run = (...more: string[]) =>
    runIngest(["--output-dir", it.dataDir, ...args, ...more], { ...it.given, env });
  const { code, out, err } = await run("--from", "2025-10-01");
  assert.equal(code, 0, out + err);
  const cycles = await it.cycles("EURUSD");
  assert.ok(cycles.length > 3);
  assert.deepEqual(new Set(cycles.map(({ status }) => status)), new Set(["SUCCESS"]));
  const gap = cycles.flatMap(({ gaps }) => gaps).at(-1);
  assert.deepEqual([gap?.reason, gap?.to_utc], [
    "before the vendor's first bar",
    "2025-12-17T10:00:00.000Z",
  ]);
  assert.equal(cycles[0]?.bars_expected, 0);
  // The years before cost two calls beside the reads.
  assert.equal(it.vendor.asked.length, cycles.length + 2);
  it.vendor.asked.length = 0;
  assert.equal((await run("--from", "2025-10-01", "--resume")).code, 0);
  assert.deepEqual(it.vendor.asked, [], "what was missing is some days old for this setting");
});

Deno.test("a bar is believed some minutes after its end by the source's present", async () => {
  await using it = await rig();
  const lastOf = async (minutes: string) => {
    const dir = `${it.dataDir}${minutes}`;
    const args = ["--output-dir", dir, "--symbols", "EURUSD", "--timeframes", "1H"];
    const env = { ...BROKER, BAR_CLOSE_BUFFER_MINUTES: minutes };
    const { code, err } = await runIngest([...args, "--from", "2025-12-29"], { ...it.given, env });
    assert.equal(code, 0, err);
    const [cycle] = await listCycles(dir, { symbol: "EURUSD", timeframe: "1H" });
    return cycle?.files.at(-1)?.last_open_utc;
  };
  assert.equal(await lastOf("3"), "2025-12-29T08:00:00.000Z");
  assert.equal(await lastOf("43"), "2025-12-29T07:00:00.000Z");
});

Deno.test("a clock that nobody knows stops the run with what to do, and nothing is guessed", async () => {
  await using it = await rig();
  it.vendor.answer = () => [];
  const { code, err } = await runIngest(["--output-dir", it.dataDir], { ...it.given, env: {} });
  assert.equal(code, 2);
  assert.match(err, /Cannot place the bars of scripted:test in UTC: .*BROKER_TZ/s);
  await assert.rejects(Deno.stat(`${it.dataDir}/ohlcv`));
});

Deno.test("a clock that nobody stated is learned from the vendor's own weeks", async () => {
  await using it = await rig(new Vendor(Date.now()));
  const { code, out, err } = await runIngest(["--output-dir", it.dataDir, ...WEEK], {
    ...it.given,
    env: {},
  });
  assert.equal(code, 0, err + out);
  const ledger = await Deno.readTextFile(`${it.dataDir}/metadata/server_clock.json`);
  assert.match(ledger, /America\/New_York\+7h/);
});

Deno.test("--discover and --universe-only keep what the broker offers, and later runs read that", async () => {
  await using it = await rig();
  const only = await it.run("--universe-only");
  assert.equal(only.code, 0, only.err);
  assert.match(only.out, /scripted:test: 3 of 3 symbols are the universe/);
  assert.equal((await readUniverse(it.dataDir))?.symbols.length, 3);
  assert.deepEqual(it.vendor.asked, []);
  it.vendor.described = it.vendor.described.slice(0, 2);
  const check = await it.run("--universe-only");
  assert.match(check.out, /is sound: 3 symbols.*\n.*does not offer USDJPY/);
  const lacking = await it.run(...WEEK, "--dry-run");
  assert.match(lacking.out, /scripted:test does not offer USDJPY/);
  const found = await it.run(...WEEK, "--discover");
  assert.equal(found.code, 0, found.err);
  assert.match(found.out, /2 of 2 symbols are the universe/);
  assert.deepEqual(it.vendor.asked.map(({ symbol }) => symbol).sort(), ["EURUSD", "GBPUSD"]);
});

Deno.test("unknown symbols, another kind of folder and no right to write end it with code 2", async () => {
  await using it = await rig();
  const unknown = await it.run("--symbols", "EURUSD,EURUS,XX");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /no such symbol: current value is EURUS, XX; it has EURUSD, GBPUSD/);
  const frame = await it.run("--timeframes", "1H,7H");
  assert.equal(frame.code, 2);
  assert.match(frame.err, /--timeframes: .*not 7H/);
  await Deno.mkdir(`${it.dataDir}2/metadata`, { recursive: true });
  const note = { kind: "simulated", id: 7, created_at: "2025-01-01T00:00:00.000Z" };
  await Deno.writeTextFile(`${it.dataDir}2/metadata/folder.json`, JSON.stringify(note));
  const kind = await runIngest(["--output-dir", `${it.dataDir}2`], it.given);
  assert.equal(kind.code, 2);
  assert.match(kind.err, /as a folder of raw data: current value is simulated/);
  const elsewhere = await runIngest(["--output-dir", "/nowhere"], it.given);
  assert.equal(elsewhere.code, 2);
  assert.match(elsewhere.err, /--allow-write=<folder>/);
});

Deno.test("Ctrl-C does not wait for a vendor that says nothing", async () => {
  await using it = await rig();
  it.vendor.bars = () => new Promise(() => {});
  const program = startIngest(["--output-dir", it.dataDir, ...WEEK], it.given);
  await until(() => program.text().includes("reads:"));
  program.child.kill("SIGINT");
  const { code, out } = await program.ended();
  assert.equal(code, 1);
  assert.match(out, /To go on: deno task ingest .* --resume/);
});

Deno.test("more workers than the bridge takes cost nothing: the others do the work", async () => {
  await using folder = await tempFolder();
  await using bridge = await startBridge(new Vendor(), { maxConnections: 2 });
  const given = { port: bridge.port, dir: folder.path, env: BROKER };
  const args = ["--output-dir", `${folder.path}/raw`, ...WEEK, "--workers", "3"];
  const { code, out, err } = await runIngest(args, given);
  assert.equal(code, 0, err + out);
  assert.match(out, /Cannot open another session of scripted:test/);
  assert.match(out, /3 SUCCESS, 0 PARTIAL, 0 FAILED/);
});

Deno.test("when no session comes back the run ends, says so, and what was read stays", async () => {
  const vendor = new Vendor();
  await using folder = await tempFolder();
  const bridge = await startBridge(vendor);
  let asked = 0;
  vendor.answer = (bars) => {
    if (++asked === 2) void bridge[Symbol.asyncDispose]();
    return bars;
  };
  const args = ["--output-dir", `${folder.path}/raw`, ...WEEK, "--workers", "1"];
  const env = { ...BROKER, INGEST_RECONNECT_MS: "300" };
  const { code, out, err } = await runIngest(args, { port: bridge.port, dir: folder.path, env });
  assert.equal(code, 1, err + out);
  assert.match(out, /All sessions of scripted:test are gone: what is left was not read/);
  assert.match(out, /To go on: deno task ingest .* --resume/);
});

Deno.test("a folder in which no cycle can be recorded ends the run with the reason", async () => {
  await using it = await rig();
  await Deno.mkdir(`${it.dataDir}/metadata`, { recursive: true });
  await Deno.writeTextFile(`${it.dataDir}/metadata/ingestion_logs`, "no folder");
  const { code, err, out } = await it.run(...WEEK, "--symbols", "EURUSD");
  assert.equal(code, 2, out);
  assert.match(err, /Cannot record that EURUSD 1H from 2025-12-15 to 2025-12-20 failed/);
});

Deno.test("sessions of one server that a suffix sets apart are each asked for their own", async () => {
  await using folder = await tempFolder();
  const vendorOf = (suffix: string) => {
    const vendor = new Vendor();
    vendor.described = vendor.described.slice(0, 1)
      .map((spec) => ({ ...spec, symbol: `${spec.symbol}${suffix}` }));
    return vendor;
  };
  const vendors = [vendorOf("@a"), vendorOf("@b")] as const;
  await using bridge = await startBridge(
    new Sessions([new SteadySession("a", vendors[0]), new SteadySession("b", vendors[1])]),
  );
  const given = { port: bridge.port, dir: folder.path, env: BROKER };
  const args = ["--output-dir", `${folder.path}/raw`, ...WEEK];
  const { code, out, err } = await runIngest(args, given);
  assert.equal(code, 0, err + out);
  assert.match(out, /2 SUCCESS, 0 PARTIAL, 0 FAILED/);
  const asked = vendors.map((vendor) => vendor.asked.map(({ symbol }) => symbol));
  assert.deepEqual(asked, [["EURUSD@a"], ["EURUSD@b"]]);
});
