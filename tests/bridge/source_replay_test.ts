import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { openReplay, type OpenReplayOptions } from "../../bridge/recordings/open_replay.ts";
import { readMapping } from "../../bridge/recordings/mapped_csv.ts";
import { type ReplayOptions, ReplaySource } from "../../bridge/source_replay.ts";
import type { SkippedLines } from "../../bridge/recordings/replay_cursor.ts";
import { formatServerZone, parseServerZone } from "../../lib/time/server_zone.ts";
import { history, payloads, singles, testSource, until } from "../contract/source_suite.ts";

const TICKS = join(import.meta.dirname ?? "", "../../../shared/data/ticks");
const MAPPED = join(import.meta.dirname ?? "", "../data");
const lean = (vendor: string, day: string) =>
  join(TICKS, `lean_${vendor}/tick/eurusd/${day}_quote.zip`);
const OANDA = lean("oanda", "20140506"), FXCM = lean("fxcm", "20140506");
const hasData = await exists(OANDA);
if (!hasData) console.log(`skips replays of real ticks: ${TICKS} is missing`);

type Options = Partial<OpenReplayOptions & ReplayOptions>;

async function replay(files: string[], options: Options = {}): Promise<ReplaySource> {
  const opened = await openReplay({ rebase: "no", loop: false, ...options, files });
  return new ReplaySource(opened, { speed: Infinity, loop: false, onSkipped() {}, ...options });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const everything = [{ symbol: "EURUSD", fromServerMs: 0 }];

if (hasData) {
  testSource({
    name: "a replayed LEAN day",
    open: () => replay([lean("oanda", "20140504")]),
    symbol: "EURUSD",
    startServerMs: Date.parse("2014-05-04T21:00:00Z"),
    middleServerMs: Date.parse("2014-05-04T22:00:00Z"),
  });
}

Deno.test({
  name: "the recorded days of two vendors are replayed whole, each on its clock",
  ignore: !hasData,
  async fn() {
    for (
      const [file, count, clock] of [[OANDA, 44_864, "UTC"], [FXCM, 102_682, "Etc/GMT+5"]] as const
    ) {
      const source = await replay([file]);
      assert.equal(formatServerZone(source.clock), clock);
      const events = await until(source, everything, ({ type }) => type === "ended");
      assert.equal(singles(events).length, count);
      const nextDay = Date.parse("2014-05-07T00:00:00Z");
      const watermark = events.findLast((event) => event.type === "clock")?.watermarkServerMs;
      assert.ok((watermark ?? 0) >= nextDay);
    }
  },
});

Deno.test({
  name: "files of different clocks are merged on UTC by time",
  ignore: !hasData,
  async fn() {
    const source = await replay([OANDA, FXCM]);
    assert.equal(formatServerZone(source.clock), "UTC");
    const ticks = await history(source, everything);
    assert.equal(ticks.length, 44_864 + 102_682);
    assert.ok(
      ticks.every((tick, at) => at === 0 || tick.serverMs(0) >= (ticks[at - 1]?.serverMs(0) ?? 0)),
    );
    const lastFxcm = Date.parse("2014-05-07T04:59:59.577Z");
    assert.equal(ticks.at(-1)?.serverMs(0), lastFxcm);
  },
});

Deno.test({
  name: "Dukascopy's packed hours and their decoded text say the same",
  ignore: !hasData,
  async fn() {
    const folder = join(TICKS, "dukascopy_eurusd_20190204");
    const hours = ["00", "10", "23"].map((hour) =>
      `${folder}/EURUSD/2019/01/04/${hour}h_ticks.bi5`
    );
    const packed = await history(await replay(hours), everything);
    const text = await replay([`${folder}/decoded_ticks_00h_10h_23h.csv.gz`], { symbol: "EURUSD" });
    assert.equal(packed.length, 14_804);
    assert.deepEqual(payloads(packed), payloads(await history(text, everything)));
  },
});

Deno.test({
  name: "a vendor's disorder changes the order at each read and loses nothing",
  ignore: !hasData,
  async fn() {
    const straight = payloads(await history(await replay([OANDA]), everything));
    const source = await replay([OANDA], { disorder: { seed: 3, lateMs: 2000 } });
    const read = async () =>
      payloads(singles(await until(source, everything, ({ type }) => type === "ended")));
    const first = await read(), second = await read();
    assert.notDeepEqual(first, straight);
    assert.notDeepEqual(first, second);
    assert.deepEqual(first.toSorted(), straight.toSorted());
    assert.deepEqual(second.toSorted(), straight.toSorted());
  },
});

const EXPORT = [
  "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>",
  "2026.03.09\t00:00:00.120\t1.16250\t1.16262\t\t\t6",
  "2026.03.09\t00:00:00.120\t1.16251\t\t\t\t2",
  "2026.03.09\t00:00:01.007\t\t1.16270\t\t\t4",
  "not a line",
  "2026.03.09\t00:00:02.000\t1.16260\t1.16271\t1.1627\t3\t1158",
];

for (const encoding of ["utf-8", "utf-16le"] as const) {
  Deno.test(`an MT5 export in ${encoding} gives its ticks, and a bad line is reported`, () =>
    inFolder(async (folder) => {
      const path = join(folder, "EURUSD_202603090000_202603090010.csv");
      const text = `\ufeff${EXPORT.join("\r\n")}\r\n`;
      await Deno.writeFile(path, new Uint8Array(Buffer.from(text, encoding)));
      const skipped: SkippedLines[] = [];
      const source = await replay([path], {
        clock: parseServerZone("America/New_York+7h"),
        onSkipped: (lines) => skipped.push(lines),
      });
      assert.equal(formatServerZone(source.clock), "America/New_York+7h");
      const ticks = (await history(source, everything)).map((tick) => tick.get(0));
      const at = Date.parse("2026-03-09T00:00:00Z");
      assert.deepEqual(ticks, [
        { serverMs: at + 120, bid: 1.1625, ask: 1.16262, last: NaN, volume: NaN, flags: 6 },
        { serverMs: at + 120, bid: 1.16251, ask: 1.16262, last: NaN, volume: NaN, flags: 2 },
        { serverMs: at + 1007, bid: 1.16251, ask: 1.1627, last: NaN, volume: NaN, flags: 4 },
        { serverMs: at + 2000, bid: 1.1626, ask: 1.16271, last: 1.1627, volume: 3, flags: 1158 },
      ]);
      assert.deepEqual(skipped, [{ path, count: 1, first: "line 5: its date or time is none" }]);
    }));
}

const OWN_HEADING = "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id\n";

Deno.test("our own day files are replayed on the broker's clock, open or gzipped", () =>
  inFolder(async (folder) => {
    const rows = OWN_HEADING +
      "1703264400.123,1703271600.123,1.10012,1.10014,,,6,1703264400123-0\n" +
      "1703264400.123,1703271600.123,1.10012,1.10013,0,1.5,134,1703264400123-1\n";
    await Deno.mkdir(join(folder, "EURUSD"));
    const open = join(folder, "EURUSD", "2023-12-22.csv.open");
    const packed = join(folder, "EURUSD", "2023-12-22.csv.gz");
    await Deno.writeTextFile(open, `${rows}1703264401.000,1703271601.000,1.1,1.2,,,6,17032`);
    await Deno.writeFile(packed, new Uint8Array(gzipSync(rows)));
    const source = await replay([open]);
    assert.deepEqual(source.clock, { zone: "UTC", shiftMs: 7_200_000 });
    const ticks = await history(source, everything);
    assert.deepEqual(ticks.map((tick) => tick.get(0)), [
      { serverMs: 1703271600123, bid: 1.10012, ask: 1.10014, last: NaN, volume: NaN, flags: 6 },
      { serverMs: 1703271600123, bid: 1.10012, ask: 1.10013, last: 0, volume: 1.5, flags: 134 },
    ]);
    assert.deepEqual(payloads(await history(await replay([packed]), everything)), payloads(ticks));
  }));

Deno.test("a CSV of another maker is read by a mapping", () =>
  inFolder(async (folder) => {
    const path = join(folder, "GBPUSD_2024.csv");
    await Deno.writeTextFile(path, "when;offer;bid\n2024-01-02 03:04:05.678;1.27;1.26\n");
    const mapping = await readMapping(join(MAPPED, "mapping.json"));
    const source = await replay([path], { mapping });
    const [tick] = await history(source, [{ symbol: "GBPUSD", fromServerMs: 0 }]);
    assert.deepEqual(tick?.get(0), {
      ...{ serverMs: Date.parse("2024-01-02T03:04:05.678Z"), bid: 1.26, ask: 1.27, flags: 6 },
      ...{ last: NaN, volume: NaN },
    });
    assert.equal(formatServerZone(source.clock), "Europe/Athens");
  }));

Deno.test("files that are nothing known, or have no tick, are refused by name", () =>
  inFolder(async (folder) => {
    const odd = join(folder, "EURUSD_x.csv"), empty = join(folder, "EURUSD_y.csv");
    await Deno.writeTextFile(odd, "a,b,c\n1,2,3\n");
    await Deno.writeTextFile(empty, `${OWN_HEADING}nothing,here\n`);
    await assert.rejects(replay([odd]), /EURUSD_x\.csv.*REPLAY_MAPPING/);
    await assert.rejects(replay([empty]), /EURUSD_y\.csv.*no line is one, line 2:/);
  }));

/** Ten seconds of EURUSD and USDJPY, a tick a second each. */
async function twoSymbols(folder: string): Promise<string[]> {
  return await Promise.all(["EURUSD", "USDJPY"].map(async (symbol, shift) => {
    const path = join(folder, `${symbol}_a.csv`);
    const rows = Array.from({ length: 10 }, (_, second) => {
      const stamp = (1_700_000_000 + second + shift / 2).toFixed(3);
      return `${stamp},${stamp},1.1,1.2,,,6,0-0`;
    });
    await Deno.writeTextFile(path, `${OWN_HEADING}${rows.join("\n")}\n`);
    return path;
  }));
}

Deno.test("at a real speed ticks wait for their time, and a later stream finds all of them", () =>
  inFolder(async (folder) => {
    let elapsed = 0;
    const files = await twoSymbols(folder);
    const source = await replay(files, { speed: 60, elapsedMs: () => elapsed += 5 });
    const requests = ["EURUSD", "USDJPY"].map((symbol) => ({ symbol, fromServerMs: 0 }));
    const events = await until(source, requests, ({ type }) => type === "ended");
    const live = events.findIndex(({ type }) => type === "live");
    assert.ok(events.findIndex(({ type }) => type === "ticks") < live + 3);
    assert.ok(singles(events.slice(live)).length >= 16);
    assert.equal(singles(events).length, 20);
    assert.equal((await history(source, requests)).length, 20);
  }));

Deno.test("a replay that loops goes on in time, and can be read again from any lap", () =>
  inFolder(async (folder) => {
    const files = await twoSymbols(folder);
    const source = await replay(files, { loop: true });
    let count = 0;
    const events = await until(source, everything, (event) => {
      if (event.type === "ticks") count += event.ticks.count;
      return count >= 35;
    });
    const times = singles(events).map((tick) => tick.serverMs(0));
    assert.ok(times.every((time, at) => at === 0 || time > (times[at - 1] ?? 0)));
    const fromServerMs = times[25] ?? 0;
    let again = 0;
    const later = await until(source, [{ symbol: "EURUSD", fromServerMs }], (event) => {
      if (event.type === "ticks") again += event.ticks.count;
      return again >= 9;
    });
    assert.deepEqual(
      singles(later).map((tick) => tick.serverMs(0)).slice(0, 9),
      times.slice(25, 34),
    );
  }));

Deno.test("a rebased replay begins now", () =>
  inFolder(async (folder) => {
    const before = Date.now();
    const source = await replay(await twoSymbols(folder), { rebase: "now" });
    const [first] = await history(source, everything);
    assert.ok((first?.serverMs(0) ?? 0) >= before && (first?.serverMs(0) ?? 0) <= Date.now());
  }));
