import assert from "node:assert/strict";
import fc from "fast-check";
import { listCycles } from "../../../../lib/capture/bars/bar_cycle.ts";
import { encodeBars } from "../../../../lib/capture/bars/bar_row.ts";
import { sha256Of } from "../../../../lib/capture/chain.ts";
import type { Bar } from "../../../../lib/market/bar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { runChild, runUntilItEnds } from "../ending_child.ts";
import {
  barAt,
  DAY_MS,
  filesIn,
  FOLDER,
  HOUR_MS,
  hours,
  MONDAY_MS,
  read,
  record,
  store,
  type Stored,
} from "./series.ts";

const HERE = import.meta.dirname ?? "";
const textOf = (bars: readonly Bar[]) => new TextDecoder().decode(encodeBars(bars));

Deno.test("bars become a file of each UTC day, described as it is on the disk", async () => {
  await using folder = await tempFolder();
  const { files, unchanged, removed } = await store(folder.path, { bars: hours(20, 48) });
  assert.deepEqual([unchanged, removed], [0, 0]);
  assert.deepEqual(filesIn(folder.path), {
    "2025-12-22.csv": textOf(hours(20, 24)),
    "2025-12-23.csv": textOf(hours(24, 48)),
  });
  const path = `${FOLDER}/2025-12-22.csv`;
  const bytes = await Deno.readFile(`${folder.path}/${path}`);
  assert.deepEqual(files[0], {
    path,
    rows: 4,
    bytes: bytes.length,
    sha256: sha256Of(bytes),
    first_open_utc: "2025-12-22T20:00:00.000Z",
    last_open_utc: "2025-12-22T23:00:00.000Z",
    supersedes: null,
    bars_removed: 0,
  });
  assert.equal(files[1]?.rows, 24);
  if (Deno.build.os === "windows") return;
  assert.equal(((await Deno.stat(`${folder.path}/${path}`)).mode ?? 0) & 0o777, 0o644);
});

Deno.test("the same answer again writes nothing", async () => {
  await using folder = await tempFolder();
  const answer = { bars: hours(0, 60), nowHour: 60 };
  await record(folder.path, await store(folder.path, answer));
  const stamps = () =>
    Object.keys(filesIn(folder.path)).map((name) =>
      Deno.statSync(`${folder.path}/${FOLDER}/${name}`).mtime?.getTime()
    );
  const before = stamps();
  assert.deepEqual(await store(folder.path, answer), { files: [], unchanged: 3, removed: 0 });
  assert.deepEqual(stamps(), before);
});

Deno.test("a day that is not over lives in an open file and is sealed by the first call after it", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 10), nowHour: 10 });
  assert.deepEqual(Object.keys(filesIn(folder.path)), ["2025-12-22.csv.open"]);
  const grown = await store(folder.path, { bars: hours(8, 23), range: [0, 23], nowHour: 23.9 });
  assert.deepEqual(grown.files.map(({ path }) => path), [`${FOLDER}/2025-12-22.csv.open`]);
  assert.deepEqual(filesIn(folder.path), { "2025-12-22.csv.open": textOf(hours(0, 23)) });
  const over = await store(folder.path, { bars: hours(0, 24), nowHour: 24 });
  assert.deepEqual(over.files.map(({ path }) => path), [`${FOLDER}/2025-12-22.csv`]);
  assert.deepEqual(filesIn(folder.path), { "2025-12-22.csv": textOf(hours(0, 24)) });
});

Deno.test("an open day that nothing was added to is sealed too, by a call that reaches its end", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 10), nowHour: 10 });
  await store(folder.path, { bars: hours(-48, -24), nowHour: 40 });
  assert.ok("2025-12-22.csv.open" in filesIn(folder.path), "a call for another week says nothing");
  const { files } = await store(folder.path, { bars: [], range: [0, 40], nowHour: 40 });
  assert.deepEqual(files.map(({ path }) => path).at(-1), `${FOLDER}/2025-12-22.csv`);
  assert.deepEqual(filesIn(folder.path)["2025-12-22.csv"], textOf(hours(0, 10)));
});

Deno.test("what differs from a sealed file takes its place and leaves it as it was", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24) });
  const changed = barAt(MONDAY_MS + 5 * HOUR_MS, { close: 1.25 });
  const first = await store(folder.path, { bars: [changed] });
  const newest = await store(folder.path, { bars: [{ ...changed, volume: 8 }] });
  assert.equal(first.files.at(-1)?.supersedes, `${FOLDER}/2025-12-22.csv`);
  assert.equal(newest.files.at(-1)?.supersedes, `${FOLDER}/2025-12-22__1.csv`);
  const expected = hours(0, 24).with(5, changed);
  assert.deepEqual(filesIn(folder.path), {
    "2025-12-22.csv": textOf(hours(0, 24)),
    "2025-12-22__1.csv": textOf(expected),
    "2025-12-22__2.csv": textOf(expected.with(5, { ...changed, volume: 8 })),
  });
});

Deno.test("what the vendor no longer shows goes, beyond its answer's ends bars stay", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24) });
  const bars = [...hours(4, 6), ...hours(8, 10)];
  const stored = await store(folder.path, { bars, range: [0, 24] });
  assert.equal(stored.removed, 2);
  await record(folder.path, stored);
  assert.deepEqual(await read(folder.path), [...hours(0, 6), ...hours(8, 24)]);
  assert.equal((await store(folder.path, { bars: [], range: [0, 24] })).removed, 0);
});

Deno.test("an open file keeps the bars that an answer leaves out, as of history that is still loading", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 20), nowHour: 20 });
  const bars = [...hours(0, 2, { close: 1.25 }), ...hours(19, 21)];
  const { removed, files } = await store(folder.path, { bars, range: [0, 21], nowHour: 21 });
  assert.deepEqual([removed, files[0]?.bars_removed], [0, 0]);
  const merged = [...hours(0, 2, { close: 1.25 }), ...hours(2, 21)];
  assert.deepEqual(filesIn(folder.path), { "2025-12-22.csv.open": textOf(merged) });
});

Deno.test("when its period is over, what an answer leaves out goes from the second version alone", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 20), nowHour: 20 });
  const bars = [...hours(0, 4), ...hours(6, 24)];
  const { removed, files } = await store(folder.path, { bars, range: [0, 24], nowHour: 24 });
  assert.equal(removed, 2);
  assert.deepEqual(
    files.slice(-2).map(({ path, supersedes, bars_removed }) => [path, supersedes, bars_removed]),
    [
      [`${FOLDER}/2025-12-22.csv`, null, 0],
      [`${FOLDER}/2025-12-22__1.csv`, `${FOLDER}/2025-12-22.csv`, 2],
    ],
  );
  assert.deepEqual(filesIn(folder.path), {
    "2025-12-22.csv": textOf(hours(0, 24)),
    "2025-12-22__1.csv": textOf(bars),
  });
});

Deno.test("what a killed program removed stands in the record of the next", async () => {
  await using folder = await tempFolder();
  await record(folder.path, await store(folder.path, { bars: hours(0, 24) }));
  const answer: Stored = { bars: [...hours(0, 4), ...hours(6, 24)], range: [0, 24] };
  assert.equal((await store(folder.path, answer)).removed, 2);
  const again = await store(folder.path, answer);
  assert.deepEqual([again.unchanged, again.removed], [1, 2]);
  await record(folder.path, again);
  assert.equal((await store(folder.path, answer)).removed, 0);
});

Deno.test("a bar that lies in the time of a new one goes, also from an open file", async () => {
  await using folder = await tempFolder();
  const timeframe = TIMEFRAMES["1D"];
  const days = (hour: number, count = 3) =>
    Array.from({ length: count }, (_, day) => barAt(Date.UTC(2025, 11, 9 + day, hour)));
  const range = [-24 * 20, -24 * 9] as const;
  await store(folder.path, { bars: days(22), timeframe, range, nowHour: -24 * 9 });
  const later = { bars: days(20, 2), timeframe, range, nowHour: -24 * 9 };
  const { removed } = await store(folder.path, later);
  assert.equal(removed, 2);
  assert.deepEqual(await read(folder.path, { timeframe }), [...days(20, 2), ...days(22).slice(2)]);
});

Deno.test("a series of a symbol whose name is another's on this disk is refused before anything is written", async () => {
  await using folder = await tempFolder();
  await record(folder.path, await store(folder.path, { bars: hours(0, 24) }));
  const head = `${folder.path}/metadata/chains/EURUSD_1H.json`, before = filesIn(folder.path);
  await Deno.writeTextFile(head, (await Deno.readTextFile(head)).replace("EURUSD", "eurusd"));
  await assert.rejects(
    store(folder.path, { bars: hours(24, 48) }),
    /as the chain of EURUSD.*eurusd/,
  );
  assert.deepEqual(filesIn(folder.path), before);
});

Deno.test("an open file that another program replaced is recorded by that program alone", async () => {
  await using folder = await tempFolder();
  const first = await store(folder.path, { bars: hours(0, 10), nowHour: 10 });
  const second = await store(folder.path, { bars: hours(0, 11), nowHour: 11 });
  await record(folder.path, second);
  await record(folder.path, first);
  const cycles = await listCycles(folder.path, { symbol: "EURUSD", timeframe: "1H" });
  assert.deepEqual(cycles.map(({ files }) => files.map(({ rows }) => rows)), [[11], []]);
});

Deno.test("days, weeks and months share files of a month and of a year", async () => {
  await using folder = await tempFolder();
  for (
    const [label, opens, names] of [
      ["1D", [Date.UTC(2025, 10, 30, 22), Date.UTC(2025, 11, 1, 22)], ["2025-11", "2025-12"]],
      ["1W", [Date.UTC(2024, 11, 28, 22), Date.UTC(2025, 0, 4, 22)], ["2024", "2025"]],
      ["1M", [Date.UTC(2024, 10, 30, 22), Date.UTC(2025, 0, 31, 22)], ["2024", "2025"]],
    ] as const
  ) {
    const timeframe = TIMEFRAMES[label];
    await store(folder.path, { bars: opens.map((ms) => barAt(ms)), timeframe });
    const found = Object.keys(filesIn(folder.path, `ohlcv/fx/EURUSD/${label}`));
    assert.deepEqual(found.map((name) => name.split(".", 1)[0]), names);
    assert.deepEqual((await read(folder.path, { timeframe })).map(({ utcMs }) => utcMs), opens);
  }
});

Deno.test("a year is not over while the bar that opened last in it is open", async () => {
  await using folder = await tempFolder();
  const timeframe = TIMEFRAMES["1W"];
  const weeks = [0, 1, 2].map((week) => barAt(Date.UTC(2025, 11, 6 + 7 * week, 22)));
  const fromMs = weeks[0]?.utcMs ?? 0, newYearMs = Date.UTC(2026, 0, 1);
  const hourOf = (ms: number) => (ms - MONDAY_MS) / HOUR_MS;
  const seal = (bars: Bar[], nowMs: number) =>
    store(folder.path, {
      ...{ bars, timeframe, range: [hourOf(fromMs), hourOf(nowMs)], nowHour: hourOf(nowMs) },
    });
  await seal(weeks, newYearMs + HOUR_MS);
  assert.deepEqual(Object.keys(filesIn(folder.path, "ohlcv/fx/EURUSD/1W")), ["2025.csv.open"]);
  const last = barAt(Date.UTC(2025, 11, 27, 22));
  await seal([...weeks, last], last.utcMs + 7 * DAY_MS);
  assert.deepEqual(Object.keys(filesIn(folder.path, "ohlcv/fx/EURUSD/1W")), ["2025.csv"]);
});

Deno.test("a month that a vendor begins in New York belongs to the year of its open, which waits for it", async () => {
  await using folder = await tempFolder();
  const timeframe = TIMEFRAMES["1M"], place = "ohlcv/fx/EURUSD/1M";
  // The server's clock is UTC, and a month begins at 17:00 in New York.
  const month = (utcMs: number) => barAt(utcMs, { serverMs: utcMs });
  const december = month(Date.UTC(2024, 10, 30, 22)), january = month(Date.UTC(2024, 11, 31, 22));
  const hourOf = (ms: number) => (ms - MONDAY_MS) / HOUR_MS;
  const seal = (bars: Bar[], nowMs: number) =>
    store(folder.path, {
      ...{ bars, timeframe, range: [hourOf(december.utcMs), hourOf(nowMs)] },
      nowHour: hourOf(nowMs),
    });
  await seal([december], Date.UTC(2025, 0, 10));
  assert.deepEqual(Object.keys(filesIn(folder.path, place)), ["2024.csv.open"]);
  await seal([december, january], Date.UTC(2025, 1, 2));
  assert.deepEqual(filesIn(folder.path, place), { "2024.csv": textOf([december, january]) });
});

Deno.test("what a person put beside the files stays", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24) });
  const notes = [`${folder.path}/${FOLDER}/notes.csv.tmp`, `${folder.path}/${FOLDER}/2025.csv.tmp`];
  for (const path of notes) await Deno.writeTextFile(path, "mine\n");
  await store(folder.path, { bars: hours(24, 48) });
  for (const path of notes) assert.equal(await Deno.readTextFile(path), "mine\n");
});

Deno.test("an answer with a bar that cannot be true is refused by name, and nothing is written", async () => {
  await using folder = await tempFolder();
  const at = MONDAY_MS + HOUR_MS;
  const wrong: [Bar[], RegExp][] = [
    [
      [barAt(at, { high: 1.15 })],
      /1H bar of EURUSD at 2025-12-22T01:00.* high as .*1\.2.*is 1\.15/,
    ],
    [
      [barAt(at, { low: 1.15 })],
      /with low as at most open and close, 1\.1: current value is 1\.15/,
    ],
    [[barAt(at, { close: NaN })], /with close as a finite number: current value is NaN/],
    [[barAt(at, { high: Infinity })], /with high as a finite number: current value is Infinity/],
    [[barAt(at, { volume: -1 })], /with volume as a finite number from 0: current value is -1/],
    [[barAt(at + 1)], /with utcMs as a whole second/],
    [[barAt(at + 60_000)], /with serverMs as on the grid: current value is 2025-12-22T03:01/],
    [[barAt(at), barAt(at)], /with utcMs as at least one length after 2025-12-22T01:00/],
    [[barAt(at + HOUR_MS), barAt(at)], /with utcMs as at least one length after/],
    [[barAt(at - DAY_MS)], /with utcMs as from 2025-12-22T00:00:00.000Z and before/],
    [[barAt(at + 2 * HOUR_MS)], /with utcMs as closed at .*: current value is open until/],
  ];
  for (const [bars, message] of wrong) {
    await assert.rejects(store(folder.path, { bars, range: [0, 24], nowHour: 3 }), (error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("a bar of months may be shorter by the hour that the clock turned within it", async () => {
  await using folder = await tempFolder();
  const march = { ...barAt(0), utcMs: Date.UTC(2025, 1, 28, 22), serverMs: Date.UTC(2025, 2, 1) };
  const nowHour = (Date.UTC(2025, 2, 31, 21) - MONDAY_MS) / HOUR_MS;
  await store(folder.path, { bars: [march], timeframe: TIMEFRAMES["1M"], nowHour });
  assert.equal((await read(folder.path, { timeframe: TIMEFRAMES["1M"] })).length, 1);
});

Deno.test("a torn or foreign file is named, and stays", async () => {
  await using folder = await tempFolder();
  await store(folder.path, { bars: hours(0, 24) });
  const path = `${folder.path}/${FOLDER}/2025-12-22.csv`;
  await Deno.truncate(path, (await Deno.stat(path)).size - 3);
  const torn = await Deno.readTextFile(path);
  const call = store(folder.path, { bars: hours(0, 24, { close: 1.15 }) });
  await assert.rejects(
    call,
    /2025-12-22\.csv row 24 as a whole line: current value is "1766444400/,
  );
  assert.deepEqual(filesIn(folder.path), { "2025-12-22.csv": torn });
});

const CALLS = [
  { from: 0, to: 30, close: 1.2, nowHour: 30 },
  { from: 20, to: 100, leftOut: [22, 26, 27], close: 1.25, nowHour: 100 },
];
const STEPS = [
  ...["write.before:5", "write.after:5", "note.before:2", "note.after:2"],
  ...["name.before:5", "name.after:5", "name.after:6", "name.after:7"],
  ...["folder.before:2", "folder.after:2", "unlink.before:4", "unlink.after:4"],
];
for (const step of STEPS) {
  Deno.test(`a program that ended at bars.${step} and is run again leaves the same files, all recorded`, async () => {
    await using calm = await tempFolder();
    await using folder = await tempFolder();
    const calls = JSON.stringify(CALLS), last = JSON.stringify(CALLS.slice(1));
    await runChild(HERE, "store", calm.path, "", calls);
    await runUntilItEnds(HERE, "store", folder.path, `bars.${step}`, calls);
    await runChild(HERE, "store", folder.path, "", last);
    assert.deepEqual(filesIn(folder.path), filesIn(calm.path));
    assert.equal(Object.keys(filesIn(calm.path)).filter((name) => /__1/.test(name)).length, 2);
    const cycles = await listCycles(folder.path, { symbol: "EURUSD", timeframe: "1H" });
    const recorded = new Map(cycles.flatMap(({ files }) => files).map((file) => [file.path, file]));
    for (const [name, text] of Object.entries(filesIn(folder.path))) {
      const bytes = new TextEncoder().encode(text);
      assert.equal(recorded.get(`${FOLDER}/${name}`)?.sha256, sha256Of(bytes), name);
    }
    const removed = [...recorded.values()].reduce((sum, { bars_removed }) => sum + bars_removed, 0);
    assert.equal(removed, 3);
    assert.throws(() => Deno.statSync(`${folder.path}/${FOLDER}/unrecorded.json`));
  });
}

Deno.test("processes that store at once lose no bar", async () => {
  await using folder = await tempFolder();
  const calls = (offset: number) =>
    Array.from({ length: 20 }, (_, index) => {
      const from = (index * 2 + offset) * 3;
      return { from, to: from + 3, close: 1.2, nowHour: 10_000 };
    });
  const [first, second] = [calls(0), calls(1)];
  await Promise.all([
    runChild(HERE, "store", folder.path, "", JSON.stringify(first)),
    runChild(HERE, "store", folder.path, "", JSON.stringify(second)),
    ...calls(40).map(({ from, to }) => store(folder.path, { bars: hours(from, to) })),
  ]);
  const expected = [...hours(0, 120), ...calls(40).flatMap(({ from, to }) => hours(from, to))];
  assert.deepEqual(await read(folder.path), expected);
});

interface Call {
  readonly from: number;
  readonly bars: readonly (number | undefined)[];
  readonly lateBy: number;
}

const call: fc.Arbitrary<Call> = fc.record({
  from: fc.integer({ min: 0, max: 80 }),
  bars: fc.array(fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 8 }), {
    maxLength: 60,
  }),
  lateBy: fc.integer({ min: 0, max: 30 }),
});

Deno.test("whatever is stored in whatever order, the files hold the merge, and a sealed one never changes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 8 }), async (calls) => {
      await using folder = await tempFolder();
      await Deno.mkdir(`${folder.path}/${FOLDER}`, { recursive: true });
      const merge = new Map<number, Bar>();
      let nowHour = 0, sealed: [string, string][] = [];
      for (const { from, bars: given, lateBy } of calls) {
        const bars = given.flatMap((volume, index) =>
          volume === undefined ? [] : hours(from + index, from + index + 1, { volume })
        );
        nowHour = Math.max(nowHour, from + given.length + lateBy);
        await store(folder.path, { bars, range: [from, from + given.length], nowHour });

        const firstMs = bars[0]?.utcMs ?? Infinity, lastMs = bars.at(-1)?.utcMs ?? -Infinity;
        const dayOf = (utcMs: number) => Math.floor(utcMs / DAY_MS);
        const days = new Set(bars.map(({ utcMs }) => dayOf(utcMs)));
        const files = filesIn(folder.path);
        const isOpen = (day: number) =>
          `${new Date(day * DAY_MS).toISOString().slice(0, 10)}.csv.open` in files;
        for (const utcMs of merge.keys()) {
          const day = dayOf(utcMs), isLeftOut = utcMs > firstMs && utcMs < lastMs && days.has(day);
          if (isLeftOut && !isOpen(day)) merge.delete(utcMs);
        }
        for (const bar of bars) merge.set(bar.utcMs, bar);
        const expected = [...merge.values()].sort((a, b) => a.utcMs - b.utcMs);
        assert.deepEqual(await read(folder.path), expected);
        for (const [name, text] of sealed) assert.equal(files[name], text, name);
        sealed = Object.entries(files).filter(([name]) => name.endsWith(".csv"));
      }
    }),
    { numRuns: 60 },
  );
});
