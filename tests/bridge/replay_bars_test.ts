import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { openReplay, type OpenReplayOptions } from "../../bridge/recordings/open_replay.ts";
import type { SkippedLines } from "../../bridge/recordings/replay_cursor.ts";
import { type ReplayOptions, ReplaySource } from "../../bridge/source_replay.ts";
import { SimulatedSource } from "../../bridge/source_simulated.ts";
import type { SourceBar } from "../../lib/bridge/feed.ts";
import { encodeBars } from "../../lib/capture/bars/bar_row.ts";
import { barsOfBars } from "../../lib/market/bars_of_bars.ts";
import { openOf, TIMEFRAMES } from "../../lib/market/timeframe.ts";
import { formatServerZone, parseServerZone, toUtcMs } from "../../lib/time/server_zone.ts";
import { startBridgeProgram } from "../support/bridge_program.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { until } from "../contract/source_suite.ts";

const DATA = join(import.meta.dirname ?? "", "../../../shared/data");
const OANDA = join(DATA, "bars/lean_oanda"), FXCM = join(DATA, "bars/lean_fxcm");
const MT5 = join(DATA, "bars/mt5_copyrates_jesiqueira");
const hasData = await Deno.stat(OANDA).then(() => true, () => false);
if (!hasData) console.log(`skips replays of real bars: ${OANDA} is missing`);

const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
const OWN_HEADING = "timestamp_utc,timestamp_broker,open,high,low,close,volume\n";

type Options = Partial<OpenReplayOptions & ReplayOptions>;

async function replay(files: string[], options: Options = {}): Promise<ReplaySource> {
  const opened = await openReplay({ rebase: "no", loop: false, ...options, files });
  return new ReplaySource(opened, { speed: Infinity, loop: false, onSkipped() {}, ...options });
}

async function bars(
  source: ReplaySource,
  timeframe: string,
  [from, to]: readonly [string, string] = ["1990-01-01T00:00Z", "2040-01-01T00:00Z"],
  symbol = "EURUSD",
): Promise<SourceBar[]> {
  const fromServerMs = Date.parse(from), toServerMs = Date.parse(to);
  return await source.bars({ symbol, timeframe, fromServerMs, toServerMs });
}

Deno.test({
  name: "twelve years of two vendors' hours and days are replayed whole, each on its clock",
  ignore: !hasData,
  async fn() {
    for (
      const [folder, zone, hours, days, last] of [
        [OANDA, "UTC", 74_439, 3738, "2018-12-31T21:00Z"],
        [FXCM, "Etc/GMT+5", 69_928, 3487, "2018-07-04T23:00Z"],
      ] as const
    ) {
      const source = await replay([`${folder}/hour/eurusd.zip`, `${folder}/daily/eurusd.zip`]);
      assert.equal(formatServerZone(source.clock), zone);
      assert.deepEqual((await source.symbols()).map(({ symbol }) => symbol), ["EURUSD"]);
      const ofHours = await bars(source, "1H"), ofDays = await bars(source, "1d");
      assert.equal(ofHours.length, hours);
      assert.equal(ofHours.at(-1)?.openServerMs, Date.parse(last));
      // The last day is over with its last hour only where that is the last of the day.
      assert.ok([days, days - 1].includes(ofDays.length));
      assert.ok(ofDays.every(({ openServerMs }) => openServerMs % DAY_MS === 0));
    }
  },
});

Deno.test({
  name: "a bar is the bid's, and has the volume that the vendor told",
  ignore: !hasData,
  async fn() {
    const source = await replay([`${OANDA}/hour/eurusd.zip`]);
    const [bar] = await bars(source, "1H", ["2014-05-06T13:00Z", "2014-05-06T14:00Z"]);
    const [first] = await bars(source, "1H");
    assert.equal(bar?.openServerMs, Date.parse("2014-05-06T13:00Z"));
    assert.deepEqual(first, {
      openServerMs: Date.parse("2007-01-01T21:00Z"),
      ...{ open: 1.31927, high: 1.31955, low: 1.3187, close: 1.31935, tickVolume: 0 },
    });
  },
});

Deno.test({
  name: "four hours, days, weeks and months are made of hours, and minutes never are",
  ignore: !hasData,
  async fn() {
    const source = await replay([`${OANDA}/hour/eurusd.zip`]);
    const hours = await bars(source, "1H");
    for (const label of ["4H", "1D", "1W", "1M"] as const) {
      const made = await bars(source, label);
      const whole = barsOfBars(TIMEFRAMES[label], hours);
      assert.deepEqual(made, whole.slice(0, made.length));
      // The last of them ends after the recording.
      assert.equal(made.length, whole.length - 1, label);
    }
    assert.equal((await bars(source, "1M")).length, 12 * 12 - 1);
    assert.deepEqual(await bars(source, "30MIN"), []);
    await assert.rejects(bars(source, "2H"), /current value is 2H$/);
  },
});

Deno.test({
  name: "a range begins and ends where it is asked for, and parts make the whole",
  ignore: !hasData,
  async fn() {
    const source = await replay([`${OANDA}/hour/eurusd.zip`]);
    const year = ["2014-01-01T00:00Z", "2015-01-01T00:00Z"] as const;
    const cut = "2014-06-18T05:00Z", whole = await bars(source, "1D", year);
    assert.equal(whole[0]?.openServerMs, Date.parse("2014-01-01T00:00Z"));
    assert.ok(whole.every(({ openServerMs }) => openServerMs < Date.parse(year[1])));
    const parts = [
      ...await bars(source, "1D", [year[0], cut]),
      ...await bars(source, "1D", [cut, year[1]]),
    ];
    assert.deepEqual(parts, whole);
  },
});

Deno.test({
  name: "bars of a day's seconds, of its minutes and of its ticks are the same",
  ignore: !hasData,
  async fn() {
    for (const vendor of ["oanda", "fxcm"]) {
      const day = "eurusd/20140506_quote.zip", folder = `${DATA}/bars/lean_${vendor}`;
      const minutes = await bars(await replay([`${folder}/minute/${day}`]), "1MIN");
      const seconds = await bars(await replay([`${folder}/second/${day}`]), "1MIN");
      const ticks = await bars(await replay([`${DATA}/ticks/lean_${vendor}/tick/${day}`]), "1MIN");
      assert.ok(minutes.length > 1300);
      assert.deepEqual(seconds, minutes);
      const prices = (all: SourceBar[]) => all.map((bar) => ({ ...bar, tickVolume: 0 }));
      assert.deepEqual(prices(ticks), minutes);
    }
  },
});

Deno.test({
  name: "files of bars of several days are one series, and ticks are played beside them",
  ignore: !hasData,
  async fn() {
    const days = ["20140504", "20140506", "20140509"];
    const files = days.map((day) => `${OANDA}/minute/eurusd/${day}_quote.zip`);
    const tickFile = `${DATA}/ticks/lean_oanda/tick/eurusd/20140504_quote.zip`;
    const source = await replay([...files, tickFile, `${OANDA}/daily/eurusd.zip`]);
    const minutes = await bars(source, "1MIN");
    const opens = minutes.map(({ openServerMs }) => openServerMs);
    assert.deepEqual(opens, [...new Set(opens)].sort((a, b) => a - b));
    assert.equal(new Set(opens.map((at) => openOf(TIMEFRAMES["1D"], at))).size, 3);
    // Hours are made of the minutes, days are recorded themselves.
    assert.equal((await bars(source, "1H")).length, 3 + 24 + 21);
    assert.ok((await bars(source, "1D")).length > 3700);
    const wanted = [{ symbol: "EURUSD", fromServerMs: 0 }];
    const events = await until(source, wanted, ({ type }) => type === "ended");
    assert.ok(events.some(({ type }) => type === "ticks"));
  },
});

Deno.test({
  name: "a replay of bars alone stands still at the end of the last one",
  ignore: !hasData,
  async fn() {
    const source = await replay([`${OANDA}/hour/eurusd.zip`], { speed: 1 });
    const endServerMs = Date.parse("2018-12-31T22:00Z");
    for (const fromServerMs of ["now", 0] as const) {
      const events = await until(
        source,
        [{ symbol: "EURUSD", fromServerMs }],
        ({ type }) => type === "ended",
      );
      assert.deepEqual(events, [
        { type: "clock", nowServerMs: endServerMs, watermarkServerMs: endServerMs },
        { type: "live" },
        { type: "ended" },
      ]);
    }
  },
});

Deno.test({
  name:
    "hours of two clocks are one series on UTC; days that fit no grid there are refused by name",
  ignore: !hasData,
  async fn() {
    const hours = [`${OANDA}/hour/eurusd.zip`, `${FXCM}/hour/eurusd.zip`];
    const source = await replay(hours);
    assert.equal(formatServerZone(source.clock), "UTC");
    const alone = await replay([`${FXCM}/hour/eurusd.zip`]);
    const [own] = await bars(alone, "1H", ["2014-05-06T08:00Z", "2014-05-06T09:00Z"]);
    const [moved] = await bars(source, "1H", ["2014-05-06T13:00Z", "2014-05-06T14:00Z"]);
    assert.deepEqual(moved, { ...own, openServerMs: Date.parse("2014-05-06T13:00Z") });
    await assert.rejects(
      replay([...hours, `${FXCM}/daily/eurusd.zip`]),
      /lean_fxcm\/daily\/eurusd\.zip.*1D do not lie on the grid/,
    );
  },
});

Deno.test({
  name: "a terminal's copy of rates is replayed as it is, on the clock that is named",
  ignore: !hasData,
  async fn() {
    const clock = parseServerZone("Europe/Athens");
    const source = await replay([`${MT5}/EURUSD_M1.csv`, `${MT5}/EURUSD_M5.csv`], { clock });
    assert.deepEqual(source.clock, clock);
    const minutes = await bars(source, "1m"), fives = await bars(source, "5MIN");
    assert.equal(minutes.length, 500);
    assert.equal(fives.length, 500);
    assert.deepEqual(minutes[0], {
      openServerMs: 1636940340_000,
      ...{ open: 1.14439, high: 1.14439, low: 1.14432, close: 1.14434, tickVolume: 20 },
    });
    // A quarter of an hour is made of the fives: the longest bars that it has room for.
    assert.equal((await bars(source, "15MIN"))[0]?.openServerMs, 1636607700_000);
  },
});

Deno.test("our own bar files are replayed on the broker's clock, the later one first", async () => {
  await using folder = await tempFolder();
  const day = join(folder.path, "ohlcv/fx/EURUSD.x/1D");
  await Deno.mkdir(day, { recursive: true });
  const rows = OWN_HEADING + "1735682400,1735689600,1.1,1.4,1.05,1.2,100\n" +
    "1735768800,1735776000,1.2,1.3,1.15,1.25,90\n";
  const sealed = join(day, "2024-12.csv"), corrected = join(day, "2024-12__1.csv");
  const open = join(day, "2025-01.csv.open"), packed = join(day, "2024-12.csv.gz");
  await Deno.writeTextFile(sealed, rows);
  await Deno.writeTextFile(corrected, rows.replace("100\n", "101\n"));
  await Deno.writeTextFile(
    open,
    `${OWN_HEADING}1735855200,1735862400,1.25,1.3,1.2,1.22,80\n173594`,
  );
  await Deno.writeFile(packed, new Uint8Array(gzipSync(rows)));
  const skipped: SkippedLines[] = [];
  const source = await replay([sealed, corrected, open], {
    onSkipped: (lines) => skipped.push(lines),
  });
  assert.deepEqual(source.clock, { zone: "UTC", shiftMs: 2 * HOUR_MS });
  const days = await bars(source, "1D", undefined, "EURUSD.x");
  assert.deepEqual(days.map(({ tickVolume }) => tickVolume), [101, 90, 80]);
  assert.equal(days[0]?.openServerMs, Date.parse("2025-01-01T00:00Z"));
  assert.deepEqual(skipped, [{ path: open, count: 1, first: "line 3: it is cut off" }]);
  const again = await bars(await replay([packed]), "1D", undefined, "EURUSD.x");
  assert.equal(again.length, 2);
});

Deno.test("our own bars across a change of the clock need its name", async () => {
  await using folder = await tempFolder();
  const hours = join(folder.path, "EURUSD", "1H");
  await Deno.mkdir(hours, { recursive: true });
  const path = join(hours, "2025-03-30.csv");
  const first = Date.parse("2025-03-30T00:00Z") / 1000;
  const rows = [[first, 2], [first + 3600, 3]].map(([utc = 0, ahead = 0]) =>
    `${utc},${utc + ahead * 3600},1,2,1,2,5\n`
  );
  await Deno.writeTextFile(path, OWN_HEADING + rows.join(""));
  await assert.rejects(replay([path]), /2025-03-30\.csv on the clock UTC\+2h.*REPLAY_ZONE/);
  const source = await replay([path], { clock: parseServerZone("Europe/Athens") });
  const opens = (await bars(source, "1H")).map(({ openServerMs }) => openServerMs);
  assert.deepEqual(opens, ["02:00", "04:00"].map((at) => Date.parse(`2025-03-30T${at}Z`)));
});

Deno.test("bars that we wrote are replayed as they came, across a change of the clock", async () => {
  await using folder = await tempFolder();
  const clock = parseServerZone("America/New_York+7h");
  const market = new SimulatedSource({
    ...{ seed: 1, ticksPerSecond: 60, alwaysOpen: true, clock, historyMs: 0 },
    ...{ barHistoryMs: 30 * DAY_MS, untilUtcMs: Date.parse("2025-03-20T00:00Z") },
  });
  const files: string[] = [], range = { fromServerMs: 0, toServerMs: Date.parse("2026-01-01") };
  for (const timeframe of ["1H", "4H", "1D"]) {
    const came = await market.bars({ symbol: "EURUSD", timeframe, ...range });
    const path = join(folder.path, "EURUSD", timeframe, "2025-03.csv");
    await Deno.mkdir(dirname(path), { recursive: true });
    const written = came.map(({ openServerMs: serverMs, tickVolume: volume, ...prices }) => ({
      ...{ utcMs: toUtcMs(serverMs, clock), serverMs, volume, ...prices },
    }));
    await Deno.writeFile(path, encodeBars(written));
    files.push(path);
  }
  const source = await replay(files, { clock });
  for (const timeframe of ["1H", "4H", "1D"]) {
    const request = { symbol: "EURUSD", timeframe, ...range };
    const given = await source.bars(request);
    assert.ok(given.length > 20);
    assert.deepEqual(given, await market.bars(request));
  }
});

Deno.test("the bridge does not promise to end with what it never delivers", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "EURUSD_H1.csv");
  await Deno.writeTextFile(path, "time,open,high,low,close\n1700006400,1,2,1,2\n");
  const env = { SOURCE: "replay", REPLAY_FILES: JSON.stringify([path]), REPLAY_ONCE: "1" };
  const { code, errors } = await startBridgeProgram(env, { flags: ["-A"] }).ended();
  assert.notEqual(code, 0);
  assert.match(errors, /REPLAY_ONCE.*bars alone/);
});

Deno.test("lines that are no bars are told once, and the others stay", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "hour", "gbpusd.zip");
  await Deno.mkdir(join(folder.path, "hour"));
  const good = "20140506 13:00,1.1,1.2,1.0,1.15,7,1.1,1.2,1.0,1.15,9";
  const lines = [
    ...[good, "20140231 13:00,1,1,1,1,0,1,1,1,1,0", "20140506 14:30,1,1,1,1,0,1,1,1,1,0"],
    ...["20140506 15:00,1.1,1.0,1.0,1.15,0,1,1,1,1,0", "20140506 16:00,,,,,0,1,1,1,1,0"],
    ...[
      "20140506 17:00,1,2,1,2,many,1,2,1,2,0",
      "20140506 18:00,1,2,1,2",
      "20140506 19:00:30,1,2,1,2",
    ],
    ...["20140506 12:00,2,2,2,2,,2,2,2,2,", good.replace(",7,", ",8,")],
  ];
  const bytes = new TextEncoder().encode(lines.join("\r\n"));
  await Deno.writeFile(path, zipSync({ "gbpusd.csv": bytes }));
  const skipped: SkippedLines[] = [];
  const source = await replay([path], { onSkipped: (lines) => skipped.push(lines) });
  const found = await bars(source, "1H", undefined, "GBPUSD");
  await bars(source, "4H", undefined, "GBPUSD");
  assert.deepEqual(found.map(({ openServerMs, tickVolume }) => [openServerMs, tickVolume]), [
    [Date.parse("2014-05-06T12:00Z"), 0],
    [Date.parse("2014-05-06T13:00Z"), 8],
    [Date.parse("2014-05-06T18:00Z"), 0],
  ]);
  assert.deepEqual(skipped, [{ path, count: 6, first: "line 2: its time is none" }]);
});

Deno.test("a file without bars, without a timeframe or at another time is refused by name", async () => {
  await using folder = await tempFolder();
  const rates = "time,open,high,low,close\n", row = "1700006400,1,2,1,2\n";
  const write = async (name: string, text: string) => {
    const path = join(folder.path, name);
    await Deno.writeTextFile(path, text);
    return path;
  };
  await assert.rejects(replay([await write("EURUSD_H1.csv", rates)]), /as bars: .*it is empty/);
  await assert.rejects(
    replay([await write("EURUSD_M1.csv", `${rates}x,1,2,1,2\n`)]),
    /EURUSD_M1\.csv as bars: no line is one, line 2: its time is none/,
  );
  await assert.rejects(
    replay([await write("EURUSD.csv", rates + row)]),
    /timeframe of .*EURUSD\.csv.*EURUSD_M5\.csv/,
  );
  await assert.rejects(
    replay([await write("2025.csv", `${OWN_HEADING}1,1,1,1,1,1,1\n`)]),
    /its folders are not <symbol>\/1H/,
  );
  const month = await write("EURUSD_MN1.csv", `${rates}2024-02-01,1,2,1,2\n`);
  await assert.rejects(replay([month], { rebase: "now" }), /EURUSD_MN1\.csv at another time/);
  await assert.rejects(replay([month], { loop: true }), /EURUSD_MN1\.csv at another time/);
  const [bar] = await bars(await replay([month]), "1M");
  assert.deepEqual([bar?.openServerMs, bar?.tickVolume], [Date.parse("2024-02-01"), 0]);
});

Deno.test("at a real speed recorded bars are told as the replay reaches their end", async () => {
  await using folder = await tempFolder();
  const start = Date.parse("2024-01-02T00:00Z");
  const hours = join(folder.path, "EURUSD_H1.csv"), ticks = join(folder.path, "EURUSD_t.csv");
  const rows = [-2, -1, 0, 1].map((hour) => `${start / 1000 + hour * 3600},1,2,1,2`);
  await Deno.writeTextFile(hours, `time,open,high,low,close\n${rows.join("\n")}`);
  const stamp = (start / 1000).toFixed(3), end = (start / 1000 + 7200).toFixed(3);
  await Deno.writeTextFile(
    ticks,
    "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id\n" +
      `${stamp},${stamp},1.1,1.2,,,6,0-0\n${end},${end},1.1,1.2,,,6,0-1\n`,
  );
  let elapsedMs = 0;
  const source = await replay([hours, ticks], { speed: 1, elapsedMs: () => elapsedMs });
  assert.equal((await bars(source, "1H")).length, 2);
  const wanted = [{ symbol: "EURUSD", fromServerMs: 0 }];
  await until(source, wanted, ({ type }) => type === "live");
  elapsedMs += HOUR_MS;
  assert.equal((await bars(source, "1H")).length, 3);
});
