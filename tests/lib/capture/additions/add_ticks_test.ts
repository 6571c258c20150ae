import fc from "fast-check";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type AddTicks, addTicks, checkDay } from "../../../../lib/capture/additions/add_ticks.ts";
import { DayRefused } from "../../../../lib/capture/additions/day_refused.ts";
import { finishDay } from "../../../../lib/capture/additions/finish_day.ts";
import { cycleId } from "../../../../lib/capture/day_path.ts";
import { readManifest } from "../../../../lib/capture/manifest.ts";
import type { Tick, Ticks } from "../../../../lib/market/tick.ts";
import { compareIds, formatId, NO_TICK } from "../../../../lib/market/tick_id.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import {
  at,
  captureDay,
  DAY,
  FEED,
  FOLDER,
  keyOf,
  keysOf,
  LATER_MS,
  NAME,
  namesIn,
  OF_DAY,
  openDay,
  rowsOf,
  stamped,
} from "./day_rig.ts";

const SECONDS = Array.from({ length: 10 }, (_, index) => at(index * 1000));

function add(dataDir: string, ticks: Ticks, other: Partial<AddTicks> = {}) {
  const facts = { origin: "history", feed: FEED, nowMs: LATER_MS } as const;
  return addTicks(dataDir, { ...OF_DAY, ...facts, ticks, ...other });
}

Deno.test("a day without a file gets one, with its manifest and no trace of the work", async () => {
  await using folder = await tempFolder();
  const { added, file } = await add(folder.path, stamped([...SECONDS].reverse()));
  assert.deepEqual([added, file], [10, `${FOLDER}/${NAME}.csv`]);
  assert.deepEqual(namesIn(folder.path), [`${NAME}.csv`]);
  const manifest = await readManifest(folder.path, cycleId("EURUSD", { day: DAY, part: 0 }));
  assert.deepEqual(
    [manifest?.origin, manifest?.rows, manifest?.feed, manifest?.previous],
    ["history", 10, FEED, null],
  );
});

Deno.test("only what is missing is added, to the next part, and the sealed file stays as it was", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped(SECONDS.filter((_, index) => index !== 4)));
  const before = await Deno.readFile(`${folder.path}/${FOLDER}/${NAME}.csv`);
  const first = await add(folder.path, stamped(SECONDS));
  assert.deepEqual([first.added, first.held, first.file], [1, 9, `${FOLDER}/${NAME}__1.csv`]);
  assert.equal((await add(folder.path, stamped(SECONDS))).added, 0);
  assert.deepEqual(await Deno.readFile(`${folder.path}/${FOLDER}/${NAME}.csv`), before);
  const previous = first.manifest?.previous?.cycle_id;
  assert.equal(previous, cycleId("EURUSD", { day: DAY, part: 0 }));
});

Deno.test("a tick that capture has twice as often as the vendor is not written again", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped([at(0), at(0), at(5)]));
  assert.equal((await add(folder.path, stamped([at(0), at(5)]))).added, 0);
  assert.equal((await add(folder.path, stamped([at(0), at(0), at(0), at(5)]))).added, 1);
});

Deno.test("an added tick gets the next ordinal of its own ms, past those of every part", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped([at(0), at(0), at(1)]));
  await add(folder.path, stamped([at(0, { bid: 1.3 }), at(2)]));
  await add(folder.path, stamped([at(0, { bid: 1.4 }), at(0, { bid: 1.5 })]));
  const ids = [...(await rowsOf(folder.path)).values()].map((rows) =>
    rows.map(({ id }) => `${id.ms % 1000}-${id.n}`)
  );
  assert.deepEqual(ids, [["0-0", "0-1", "1-0"], ["0-2", "2-0"], ["0-3", "0-4"]]);
});

Deno.test("a tick that came late and lies in the next day's file is not missing", async () => {
  await using folder = await tempFolder();
  const late = at(86_399_990), next = at(86_400_000);
  await captureDay(folder.path, stamped([at(0)]));
  // The next day has begun when it comes: its id is the next day's.
  await captureDay(folder.path, stamped([next, late]), { day: DAY + 1 });
  assert.equal((await add(folder.path, stamped([at(0), late]))).added, 0);
  await Deno.remove(`${folder.path}/${FOLDER}`, { recursive: true });
  await Deno.remove(`${folder.path}/metadata`, { recursive: true });
  await captureDay(folder.path, stamped([at(0)]));
  await openDay(folder.path, stamped([next, late]), { day: DAY + 1 });
  assert.equal((await add(folder.path, stamped([at(0), late]))).added, 0);
});

Deno.test("days that may not be touched are refused by name", async () => {
  const day = stamped([at(0)]);
  const cases: [string, RegExp, (dataDir: string) => Promise<unknown>][] = [
    ["not over", /2025-12-22 is not over/, (dir) => add(dir, day, { nowMs: day.utcMs(0) })],
    ["open", /is open: the writer has not sealed it/, async (dir) => {
      await openDay(dir, day);
      await add(dir, day);
    }],
    ["torn", /has a line without its end/, async (dir) => {
      await captureDay(dir, day);
      const path = `${dir}/${FOLDER}/${NAME}.csv`;
      await Deno.truncate(path, (await Deno.stat(path)).size - 1);
      await add(dir, day);
    }],
    ["changed", /it is not the file of its manifest/, async (dir) => {
      await captureDay(dir, day);
      const path = `${dir}/${FOLDER}/${NAME}.csv`;
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("1.1,", "1.3,"));
      await add(dir, day);
    }],
    ["archived", /its manifest is here, and the file is not/, async (dir) => {
      await captureDay(dir, day);
      await Deno.remove(`${dir}/${FOLDER}/${NAME}.csv`);
      await add(dir, day);
    }],
    ["another feed", /files are of the feed other:server:EURUSD/, async (dir) => {
      await captureDay(dir, day, { feed: "other:server:EURUSD" });
      await add(dir, day);
    }],
    ["the log is not past it", /the log may still bring ticks of EURUSD of 2025-12-22/, (dir) => {
      const lastId = { ms: LATER_MS, n: 0 };
      const checkpoint = { ...{ feed: FEED, lastId, highServerMs: 0, floorMs: 0, watermarkMs: 0 } };
      return add(dir, day, {
        log: {
          checkpoint: () => Promise.resolve({ ...checkpoint, ended: false, trimmedId: NO_TICK }),
          committed: () => Promise.resolve(new Map([["EURUSD", { ms: day.utcMs(0), n: 0 }]])),
        },
      });
    }],
  ];
  for (const [name, message, act] of cases) {
    await using folder = await tempFolder();
    await assert.rejects(act(folder.path), (error) => {
      assert.ok(error instanceof DayRefused, `${name}: ${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("a dry run says what it would add and leaves nothing behind", async () => {
  await using folder = await tempFolder();
  assert.equal((await add(folder.path, stamped(SECONDS), { dryRun: true })).added, 10);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("two programs that add at once write nothing twice", async () => {
  await using folder = await tempFolder();
  const ticks = stamped(SECONDS);
  const added = await Promise.all([1, 2, 3].map(() => add(folder.path, ticks)));
  assert.deepEqual(added.map((one) => one.added).sort(), [0, 0, 10]);
  assert.deepEqual(namesIn(folder.path), [`${NAME}.csv`]);
});

const FAIL_POINTS = [
  "additions.write.before",
  "additions.write.half",
  "additions.write.after",
  "additions.manifest.before",
  "chain.next.after",
  "chain.head.before",
  "chain.head.after",
  "chain.publish.after",
  "additions.manifest.after",
  "additions.link.after",
  "additions.remove.after",
];
for (const point of FAIL_POINTS) {
  Deno.test(`an addition killed at ${point} is ended by the next one, nothing twice`, async () => {
    await using folder = await tempFolder();
    const held = Array.from({ length: 100 }, (_, index) => at(index * 500));
    await captureDay(folder.path, stamped(held.filter((_, index) => index % 3 === 0)));
    const child = new URL("./add_child.ts", import.meta.url);
    const args = ["run", "-A", "--no-check", fileURLToPath(child), folder.path];
    const run = (...more: string[]) =>
      new Deno.Command(Deno.execPath(), { args: [...args, ...more], stderr: "inherit" }).output();
    assert.equal((await run(point)).code, 137);
    // What was killed may be the last that this origin and feed ever add.
    await add(folder.path, stamped(held), { origin: "audit" });
    const rows = [...(await rowsOf(folder.path)).values()].flat();
    assert.deepEqual(rows.map(keyOf).sort(), held.map(keyOf).sort());
    assert.equal(namesIn(folder.path).length, 2);
    const manifest = await readManifest(folder.path, cycleId("EURUSD", { day: DAY, part: 1 }));
    assert.equal(manifest?.rows, 66);
    assert.equal((await add(folder.path, stamped(held))).added, 0);
  });
}

Deno.test("a day whose addition was killed before its file had its name is finished, and may be asked", async () => {
  await using folder = await tempFolder();
  const child = fileURLToPath(new URL("./add_child.ts", import.meta.url));
  const args = ["run", "-A", "--no-check", child, folder.path, "additions.manifest.after"];
  await new Deno.Command(Deno.execPath(), { args }).output();
  const check = () =>
    checkDay(folder.path, { ...OF_DAY, feed: FEED, nowMs: LATER_MS, log: undefined });
  await assert.rejects(check(), DayRefused);
  await finishDay(folder.path, OF_DAY);
  await check();
  assert.deepEqual(namesIn(folder.path), [`${NAME}.csv`]);
  await finishDay(folder.path, OF_DAY);
  await finishDay(`${folder.path}/nowhere`, OF_DAY);
});

/** Few values of each, so that many ticks are alike. */
const anyTick: fc.Arbitrary<Tick> = fc.record({
  ms: fc.integer({ min: 0, max: 5 }),
  bid: fc.constantFrom(1.1, 1.2),
  last: fc.constantFrom(NaN, 0, 1.15),
  volume: fc.constantFrom(NaN, 0, 2.5),
  flags: fc.constantFrom(2, 6),
}).map(({ ms, ...rest }) => at(ms, { ...rest, ask: 1.3 }));
const anyTicks = fc.array(anyTick, { minLength: 1, maxLength: 20 });

Deno.test("all parts together are the greater of the vendor's and the captured count of each tick", async () => {
  await fc.assert(
    fc.asyncProperty(anyTicks, anyTicks, anyTicks, async (captured, vendor, again) => {
      await using folder = await tempFolder();
      const inOrder = [...captured].sort((a, b) => a.serverMs - b.serverMs);
      await captureDay(folder.path, stamped(inOrder));
      await add(folder.path, stamped(vendor));
      await add(folder.path, stamped(again), { origin: "audit" });
      assert.equal((await add(folder.path, stamped(vendor))).added, 0);
      assert.equal((await add(folder.path, stamped(again))).added, 0);
      const parts = [...(await rowsOf(folder.path)).values()];
      assert.deepEqual(parts.flat().map(keyOf).sort(), union([captured, vendor, again]));
      for (const rows of parts) {
        for (const [index, row] of rows.entries()) {
          const before = rows[index - 1];
          if (before !== undefined) assert.ok(compareIds(row.id, before.id) > 0);
        }
      }
      const ids = parts.flat().map(({ id }) => formatId(id));
      assert.equal(new Set(ids).size, ids.length);
    }),
    { numRuns: 40 },
  );
});

/** Each tick as often as it is in the bag that has it most often. */
function union(bags: readonly (readonly Tick[])[]): string[] {
  const most = new Map<string, number>();
  for (const bag of bags) {
    const counts = new Map<string, number>();
    for (const key of keysOf(stamped(bag))) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const [key, count] of counts) most.set(key, Math.max(count, most.get(key) ?? 0));
  }
  return [...most].flatMap(([key, count]) => Array.from({ length: count }, () => key)).sort();
}
