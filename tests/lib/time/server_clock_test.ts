import assert from "node:assert/strict";
import { writeServerClock } from "../../../lib/time/server_clock_file.ts";
import { type LedgerOptions, ServerClockLedger } from "../../../lib/time/server_clock.ts";
import { parseServerZone } from "../../../lib/time/server_zone.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { DAY_MS, HOUR_MS, hourBars, SECOND_MS, seen } from "./server_clock_series.ts";

const ATHENS = parseServerZone("Europe/Athens");
const TOKYO = parseServerZone("Asia/Tokyo");
const WEDNESDAY = Date.parse("2026-05-20T09:00Z");

function open(dataDir: string, options: Partial<LedgerOptions> = {}) {
  return ServerClockLedger.open({ dataDir, server: "mt5:Demo", nowUtcMs: WEDNESDAY, ...options });
}

async function learnAthens(ledger: ServerClockLedger): Promise<void> {
  const bars = hourBars(ATHENS, WEDNESDAY - 500 * DAY_MS, WEDNESDAY);
  for (const symbol of ["EURUSD", "USDJPY"]) ledger.learnFromHistory(symbol, bars);
  ledger.observe(seen(ATHENS, WEDNESDAY));
  ledger.observe(seen(ATHENS, WEDNESDAY + 10 * SECOND_MS));
  await ledger.save();
}

const pathOf = (dataDir: string) => `${dataDir}/metadata/server_clock.json`;
const read = async (dataDir: string) => JSON.parse(await Deno.readTextFile(pathOf(dataDir)));

Deno.test("what was learned is there after a restart, and readable in the file", async () => {
  await using folder = await tempFolder();
  {
    await using ledger = await open(folder.path);
    assert.equal(ledger.clock(), undefined);
    assert.equal(ledger.verdict().state, "unknown");
    await learnAthens(ledger);
    assert.equal(ledger.clock(), ledger.clock(), "the same object until something changes");
  }
  const entry = (await read(folder.path)).servers["mt5:Demo"];
  assert.equal(entry.intervals[0].rule, "Europe/Athens");
  assert.equal(entry.intervals[0].to_utc, null);
  assert.equal(entry.intervals[0].source, "learned");
  // New York is on summer time from the 8th, Athens from the 29th.
  assert.deepEqual(entry.week_opens["2026-03"], [2, 2, 2, 2, 3]);
  assert.equal(entry.observed[0].offset_hours, 3);
  await using again = await open(folder.path, { nowUtcMs: WEDNESDAY + DAY_MS });
  assert.equal(again.clock()?.rule, "Europe/Athens");
  assert.equal(again.verdict().evidence.samples, 1);
  assert.equal(again.verdict().evidence.weeks, 69);
});

Deno.test("a sample that teaches nothing new leaves nothing to save for an hour", async () => {
  await using folder = await tempFolder();
  await using ledger = await open(folder.path);
  await learnAthens(ledger);
  assert.equal(ledger.observe(seen(ATHENS, WEDNESDAY + 60 * SECOND_MS)), false);
  assert.equal(ledger.observe({ newestServerMs: null, nowUtcMs: WEDNESDAY + HOUR_MS }), false);
});

Deno.test("several servers share the file, and writing at once loses none", async () => {
  await using folder = await tempFolder();
  await Promise.all(Array.from({ length: 6 }, async (_, n) => {
    await using ledger = await open(folder.path, { server: `mt5:Server-${n}`, override: TOKYO });
    await ledger.save();
  }));
  assert.equal(Object.keys((await read(folder.path)).servers).length, 6);
});

Deno.test("an entry of a newer kind stays, and stops only its own server", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/metadata`);
  const newer = { version: 1, servers: { "mt5:Newer": { rules: ["lunar"] } } };
  await Deno.writeTextFile(pathOf(folder.path), JSON.stringify(newer));
  {
    await using ledger = await open(folder.path);
    await learnAthens(ledger);
  }
  assert.deepEqual((await read(folder.path)).servers["mt5:Newer"], { rules: ["lunar"] });
  await assert.rejects(open(folder.path, { server: "mt5:Newer" }), /another kind of entry/);
});

Deno.test("a torn or foreign file is refused with its path, and left as it is", async () => {
  for (const text of ['{"version":1,"servers":{"mt5:De', "[]", '{"version":2,"servers":{}}', ""]) {
    await using folder = await tempFolder();
    await using ledger = await open(folder.path, { override: TOKYO });
    await ledger.save();
    await Deno.writeTextFile(pathOf(folder.path), text);
    await assert.rejects(open(folder.path), {
      name: "SyntaxError",
      message: /Cannot read .*server_clock\.json as the ledger of server clocks.*left as it is/,
    });
    ledger.observe(seen(TOKYO, WEDNESDAY));
    ledger.observe(seen(TOKYO, WEDNESDAY + 10 * SECOND_MS));
    await assert.rejects(ledger.save(), /left as it is/);
    assert.equal(await Deno.readTextFile(pathOf(folder.path)), text);
    await Deno.remove(pathOf(folder.path));
    await ledger.save();
    assert.ok("mt5:Demo" in (await read(folder.path)).servers, "what could not be saved is kept");
  }
});

Deno.test("a write that was killed leaves the file of before", async () => {
  await using folder = await tempFolder();
  {
    await using ledger = await open(folder.path);
    await learnAthens(ledger);
  }
  await Deno.writeTextFile(`${pathOf(folder.path)}.tmp`, '{"version":1,"serv');
  await using ledger = await open(folder.path);
  assert.equal(ledger.clock()?.rule, "Europe/Athens");
  await ledger.save();
  assert.equal((await read(folder.path)).version, 1);
});

Deno.test("BROKER_TZ is obeyed at once and written down", async () => {
  await using folder = await tempFolder();
  await using ledger = await open(folder.path, { override: ATHENS });
  assert.equal(ledger.clock()?.rule, "Europe/Athens");
  assert.equal(ledger.verdict().state, "override");
  await ledger.save();
  const [interval] = (await read(folder.path)).servers["mt5:Demo"].intervals;
  assert.equal(interval.source, "override");
  assert.equal(interval.from_utc, "2026-05-20T09:00:00.000Z");
});

Deno.test("a rule in the file that is no clock is refused", async () => {
  await using folder = await tempFolder();
  await using ledger = await open(folder.path, { override: ATHENS });
  await ledger.save();
  const text = await Deno.readTextFile(pathOf(folder.path));
  await Deno.writeTextFile(pathOf(folder.path), text.replaceAll("Europe/Athens", "Mars/Base"));
  await assert.rejects(open(folder.path), /another kind of entry for mt5:Demo/);
});

Deno.test("the lock is free after a failed write", async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(pathOf(folder.path), { recursive: true });
  const record = {
    intervals: [],
    contradiction: undefined,
    evidenceFromUtcMs: -Infinity,
    runs: [],
    turns: [],
    survivors: [],
  };
  await assert.rejects(writeServerClock(folder.path, "mt5:Demo", record));
  await Deno.remove(pathOf(folder.path));
  await writeServerClock(folder.path, "mt5:Demo", record);
});
