import assert from "node:assert/strict";
import { type Day, dayOf, startOfDayMs } from "../../../../lib/capture/day_path.ts";
import type { ServerZone } from "../../../../lib/bridge/feed.ts";
import { addTicks } from "../../../../lib/capture/additions/add_ticks.ts";
import type { DayHole } from "../../../../lib/capture/gaps.ts";
import { type Tick, Ticks } from "../../../../lib/market/tick.ts";
import { toUtcMs } from "../../../../lib/time/server_zone.ts";
import { auditDay } from "../../../../workers/writer/audit/audit_day.ts";
import {
  readAudit,
  type TickAudit,
  writeAudit,
} from "../../../../workers/writer/audit/audit_record.ts";
import { Vendors } from "../../../../workers/writer/audit/vendors.ts";
import { startBridge } from "../../../support/bridge_server.ts";
import { HistorySource } from "../../../support/history_source.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import {
  at,
  captureDay,
  DAY,
  DAY_FROM_MS,
  FEED,
  FOLDER,
  keyOf,
  LATER_MS,
  NAME,
  OF_DAY,
  OFFSET_MS,
  openDay,
  rowsOf,
  stamped,
} from "../../../lib/capture/additions/day_rig.ts";

const CLOCK: ServerZone = { zone: "UTC", shiftMs: OFFSET_MS };
/** One each second. */
const TICKS = Array.from({ length: 40 }, (_, index) => at(index * 1000));
const without = (...left: number[]) => TICKS.filter((_, index) => !left.includes(index));
const changed = (index: number, other: Partial<Tick>) =>
  TICKS.map((tick, here) => here === index ? { ...tick, ...other } : tick);
const gap = (fromMs: number, toMs: number): DayHole => {
  const reason = "the vendor's feed was down";
  return { fromMs: DAY_FROM_MS + fromMs, toMs: DAY_FROM_MS + toMs, reason };
};

const SPRING = dayOf(Date.UTC(2025, 2, 30));
/** From 02:00 to 03:00 the day after on the server's clock, which shows no time from 03:00 to 04:00. */
const SPRING_TICKS = Array.from({ length: 300 }, (_, index) => ({
  ...at(0),
  serverMs: startOfDayMs(SPRING) + 2 * 3_600_000 + index * 300_000,
})).filter(({ serverMs }) =>
  Math.floor(serverMs / 3_600_000) % 24 !== 3 ||
  serverMs > startOfDayMs(SPRING + 1)
);

interface Case {
  readonly name: string;
  readonly captured?: readonly Tick[];
  readonly gaps?: readonly DayHole[];
  readonly vendor?: readonly Tick[];
  readonly feed?: string;
  readonly clock?: ServerZone | "learned";
  readonly day?: Day;
  /** After the day was captured. */
  readonly prepare?: (dataDir: string, source: HistorySource) => void | Promise<void>;
  readonly bridgeIsAway?: boolean;
  readonly expected: Partial<TickAudit>;
  /** What its reason says. */
  readonly reason?: RegExp;
}

const EQUAL = { outcome: "compared", status: "SUCCESS", captured: 40 } as const;
const HEALED = { outcome: "compared", status: "SUCCESS", unwritten: 0 } as const;
const DIFFERS = { outcome: "compared", status: "PARTIAL" } as const;
const NOT_POSSIBLE = { outcome: "not possible", removed: 0, rewritten: 0 } as const;
const LATE = at(86_399_990), NEXT = at(86_400_000);
const AUTUMN = dayOf(Date.UTC(2025, 9, 26));
/** The server's clock shows 03:00 to 04:00 twice; it is read as the first of the two. */
const AUTUMN_TICKS = Array.from({ length: 300 }, (_, index) => ({
  ...at(0),
  serverMs: startOfDayMs(AUTUMN) + 3 * 3_600_000 + (index * 300_000) % (23 * 3_600_000),
  bid: 1 + index / 1000,
}));

const CASES: readonly Case[] = [
  { name: "equal", vendor: TICKS, expected: { ...EQUAL, written: null, readings: 1 } },
  {
    name: "one tick missing at the start",
    captured: without(0),
    expected: { ...HEALED, added_later: 1, captured: 39 },
  },
  { name: "one missing in the middle", captured: without(20), expected: { added_later: 1 } },
  { name: "one missing at the end", captured: without(39), expected: { added_later: 1 } },
  {
    name: "a whole hole that was noticed",
    captured: without(10, 11, 12, 13, 14),
    gaps: [gap(9_500, 14_500)],
    expected: { ...HEALED, missed: 5, added_later: 0 },
  },
  {
    name: "a hole that was noticed and one tick beside it",
    captured: without(10, 11, 30),
    gaps: [gap(9_500, 11_500)],
    expected: { ...HEALED, missed: 2, added_later: 1 },
  },
  {
    name: "one of two real ticks that look alike",
    captured: TICKS,
    vendor: [...TICKS, at(5000)],
    expected: { ...HEALED, added_later: 1, captured: 40 },
  },
  {
    name: "ticks of one ms in another order",
    captured: [...TICKS, at(39_000, { bid: 1.3 }), at(39_000, { bid: 1.4 })],
    vendor: [...without(39), at(39_000, { bid: 1.4 }), at(39_000), at(39_000, { bid: 1.3 })],
    expected: { ...EQUAL, captured: 42 },
  },
  { name: "another bid", vendor: changed(7, { bid: 1.11 }), expected: { rewritten: 1 } },
  { name: "another ask", vendor: changed(7, { ask: 1.21 }), expected: { rewritten: 1 } },
  { name: "other flags", vendor: changed(7, { flags: 2 }), expected: { rewritten: 1 } },
  { name: "another volume", vendor: changed(7, { volume: 3 }), expected: { rewritten: 1 } },
  {
    name: "a last price of 0 for none",
    vendor: changed(7, { last: 0 }),
    expected: { rewritten: 1 },
  },
  {
    name: "a tick moved by one ms",
    vendor: changed(7, { serverMs: at(7001).serverMs }),
    expected: { ...DIFFERS, added_later: 1, removed: 1, rewritten: 0, unwritten: 0 },
  },
  {
    name: "a tick added while the feed was up",
    captured: without(3),
    expected: { added_later: 1 },
  },
  {
    name: "a tick that the vendor removed",
    vendor: without(3),
    expected: { ...DIFFERS, removed: 1 },
  },
  {
    name: "a tick that was captured twice",
    captured: [...TICKS, at(39_000)],
    vendor: TICKS,
    expected: { ...DIFFERS, removed: 1 },
  },
  {
    name: "a late tick that lies in the next day's sealed file",
    vendor: [...TICKS, LATE, NEXT],
    prepare: (dataDir) => captureDay(dataDir, stamped([NEXT, LATE]), { day: DAY + 1 }),
    expected: { ...EQUAL, captured: 41 },
  },
  {
    name: "a late tick that lies in the next day's open file",
    vendor: [...TICKS, LATE, NEXT],
    prepare: (dataDir) => openDay(dataDir, stamped([NEXT, LATE]), { day: DAY + 1 }),
    expected: { ...EQUAL, captured: 41 },
  },
  {
    name: "a late tick of the day before in this day's file",
    captured: [at(0), at(-5), ...without(0)],
    vendor: [at(-5), ...TICKS],
    expected: { ...EQUAL, captured: 40, held_ticks: 40 },
  },
  {
    name: "a day on which summer time ends",
    day: AUTUMN,
    clock: { zone: "Europe/Athens", shiftMs: 0 },
    captured: AUTUMN_TICKS,
    vendor: AUTUMN_TICKS,
    expected: { outcome: "compared", status: "SUCCESS", added_later: 0, removed: 0, captured: 300 },
  },
  {
    name: "a day on which summer time begins, and a tick missing behind it",
    day: SPRING,
    clock: { zone: "Europe/Athens", shiftMs: 0 },
    captured: SPRING_TICKS.filter((_, index) => index !== 14),
    vendor: SPRING_TICKS,
    expected: { ...HEALED, added_later: 1, removed: 0 },
  },
  {
    name: "ticks that lie in two parts",
    captured: without(1, 2),
    prepare: (dataDir) =>
      addTicks(dataDir, {
        ...OF_DAY,
        ticks: stamped(TICKS),
        origin: "history",
        feed: FEED,
        nowMs: LATER_MS,
      }).then(() => {}),
    expected: { ...EQUAL, written: null },
  },
  {
    name: "a vendor's ticks without a price",
    vendor: [...TICKS, at(100, { bid: 0, ask: 0 }), at(200, { bid: NaN })],
    expected: { ...EQUAL, impossible: 2 },
  },
  {
    name: "a vendor that loads its history when it is asked",
    prepare: (_, source) => {
      source.answer = (reading) => reading === 0 ? [] : TICKS;
    },
    expected: { ...EQUAL, readings: 2 },
    reason: /the vendor has 0, then 40 ticks where 40 were captured/,
  },
  {
    name: "a vendor that lacks a fifth, twice the same",
    vendor: without(0, 1, 2, 3, 4, 5, 6, 7),
    expected: { ...DIFFERS, removed: 8, readings: 2 },
    reason: /has 32, then 32 ticks where 40 were captured/,
  },
  {
    name: "a disk that refuses the part",
    captured: without(3),
    // What stands where the part is to be written cannot be written to.
    prepare: (dataDir) => Deno.mkdir(`${dataDir}/${FOLDER}/${NAME}__1.csv.audit.tmp`),
    expected: { ...DIFFERS, added_later: 1, unwritten: 1, written: null },
    reason: /./,
  },
  {
    name: "a part that is torn",
    prepare: async (dataDir) => {
      const path = `${dataDir}/${FOLDER}/${NAME}.csv`;
      await Deno.truncate(path, (await Deno.stat(path)).size - 3);
    },
    expected: NOT_POSSIBLE,
    reason: /has a line without its end/,
  },
  {
    name: "a row that somebody changed",
    prepare: async (dataDir) => {
      const path = `${dataDir}/${FOLDER}/${NAME}.csv`;
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace(",1.1,", ",1.2,"));
    },
    expected: NOT_POSSIBLE,
    reason: /not the file of its manifest/,
  },
  {
    name: "a sealed file that is missing",
    prepare: (dataDir) => Deno.remove(`${dataDir}/${FOLDER}/${NAME}.csv`),
    expected: NOT_POSSIBLE,
    reason: /its manifest is here, and the file is not/,
  },
  {
    name: "a day without any file",
    prepare: async (dataDir) => {
      await Deno.remove(`${dataDir}/${FOLDER}`, { recursive: true });
      await Deno.remove(`${dataDir}/metadata/ingestion_logs`, { recursive: true });
    },
    expected: NOT_POSSIBLE,
    reason: /no file of that day is here/,
  },
  {
    name: "a vendor that has nothing of the day",
    vendor: [],
    expected: { ...NOT_POSSIBLE, held_ticks: 0 },
    reason: /has 0, then 0 ticks where 40 were captured: its history does not reach that far/,
  },
  {
    name: "a vendor whose history begins in the evening",
    vendor: TICKS.slice(30),
    expected: NOT_POSSIBLE,
    reason: /has 10, then 10 ticks where 40 were captured/,
  },
  {
    name: "a vendor that is still loading",
    prepare: (_, source) => {
      source.answer = (reading) => TICKS.slice(reading === 0 ? 12 : 8);
    },
    expected: NOT_POSSIBLE,
    reason: /it is still loading its history/,
  },
  {
    name: "a vendor that fails",
    prepare: (_, source) => {
      source.answer = () => {
        throw new Error("terminal not connected");
      };
    },
    expected: NOT_POSSIBLE,
    reason: /terminal not connected/,
  },
  { name: "a bridge that is away", bridgeIsAway: true, expected: NOT_POSSIBLE, reason: /bridge/i },
  {
    name: "a symbol that the vendor no longer offers",
    prepare: (_, source) => {
      source.offered = [{ symbol: "XAUUSD", rawName: "XAUUSD", digits: 2 }];
    },
    expected: NOT_POSSIBLE,
    reason: /does not offer scripted:test:EURUSDm any more/,
  },
  {
    name: "files of another symbol of the vendor",
    feed: "scripted:test:EURUSD.raw",
    expected: NOT_POSSIBLE,
    reason: /does not offer scripted:test:EURUSD.raw any more/,
  },
  {
    name: "files of another vendor",
    feed: "mt5:Broker-Live:EURUSD",
    expected: NOT_POSSIBLE,
    reason: /Cannot lease a session of mt5:Broker-Live/,
  },
  {
    name: "a server whose clock nobody knows",
    clock: "learned",
    expected: NOT_POSSIBLE,
    reason: /Cannot audit days of scripted:test/,
  },
  {
    name: "a day that is not over by the source's clock",
    prepare: (_, source) => {
      source.nowServerMs = DAY_FROM_MS + OFFSET_MS + 50_000;
    },
    expected: NOT_POSSIBLE,
    reason: /2025-12-22 is not over/,
  },
];

for (const one of CASES) {
  Deno.test(`audit: ${one.name}`, async () => {
    await using folder = await tempFolder();
    const { clock = CLOCK, captured = TICKS, vendor = TICKS, feed = FEED, day = DAY } = one;
    const ticks = stampedBy(captured, clock);
    await captureDay(folder.path, ticks, { day, feed, gaps: one.gaps ?? [] });
    const source = new HistorySource({ clock, nowServerMs: LATER_MS });
    source.history = vendor;
    await one.prepare?.(folder.path, source);
    const before = await filesOf(folder.path);
    const audit = await auditOf(folder.path, source, { day, bridgeIsAway: one.bridgeIsAway });
    assert.match(audit.reason ?? "", one.reason ?? /^$/);
    assert.deepEqual(pick(audit, one.expected), one.expected);
    const after = await filesOf(folder.path);
    for (const [name, text] of before) assert.equal(after.get(name), text, `${name} was changed`);
    assert.equal(after.size - before.size, audit.written === null ? 0 : 1);
    if (audit.written === null) return;
    // What was written is not found a second time, and what stays is told again.
    const again = await auditOf(folder.path, source, { day });
    assert.deepEqual(
      [again.missed, again.added_later, again.removed, again.rewritten, again.written],
      [0, 0, audit.removed, audit.rewritten, null],
    );
  });
}

Deno.test("a dry run finds the same and writes nothing", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped(without(3)));
  const source = new HistorySource({ clock: CLOCK, nowServerMs: LATER_MS });
  source.history = TICKS;
  const audit = await auditOf(folder.path, source, { dryRun: true });
  assert.deepEqual([audit.added_later, audit.unwritten, audit.written], [1, 1, null]);
  assert.equal((await filesOf(folder.path)).size, 1);
});

Deno.test("what is told otherwise is in the record as both tell it, and is not written", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped(without(9)));
  const source = new HistorySource({ clock: CLOCK, nowServerMs: LATER_MS });
  source.history = changed(7, { bid: 1.15 });
  const audit = await auditOf(folder.path, source, {});
  assert.equal(audit.written?.path, `${FOLDER}/${NAME}__1.csv`);
  const [pair] = audit.examples.rewritten;
  assert.deepEqual([pair?.vendor.bid, pair?.held.bid, pair?.held.last], [1.15, 1.1, null]);
  assert.match(pair?.held.id ?? "", /^\d+-0$/);
  const added = (await rowsOf(folder.path)).get(`${NAME}__1.csv`) ?? [];
  assert.deepEqual(added.map(keyOf), [keyOf(at(9000))]);
});

Deno.test("the record replaces the one before it and remembers it", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped(without(3)));
  const source = new HistorySource({ clock: CLOCK, nowServerMs: LATER_MS });
  source.history = TICKS;
  for (let round = 0; round < 3; round++) {
    await writeAudit(folder.path, await auditOf(folder.path, source, {}), DAY);
  }
  const record = await readAudit(folder.path, "EURUSD", DAY);
  assert.equal(record?.audit_id, "2025-12-22T000000Z_EURUSD_TICK_AUDIT");
  assert.deepEqual(record?.earlier.map((one) => one.added_later), [0, 1]);
});

async function auditOf(
  dataDir: string,
  source: HistorySource,
  { day = DAY, dryRun = false, bridgeIsAway = false }: {
    day?: Day;
    dryRun?: boolean;
    bridgeIsAway?: boolean | undefined;
  },
): Promise<TickAudit> {
  const { signal } = new AbortController();
  await using bridge = await startBridge(source);
  if (bridgeIsAway) await bridge[Symbol.asyncDispose]();
  const address = { host: "127.0.0.1", port: bridge.port, token: undefined };
  const vendors = new Vendors({ bridge: address, dataDir, brokerTz: undefined, signal });
  const options = { symbol: "EURUSD", log: undefined, againAfterMs: 1, signal };
  return await auditDay({ ...options, dataDir, day, dryRun, vendors });
}

/** Stamped as the collector would, in the order of time: that is how ids are given. */
function stampedBy(ticks: readonly Tick[], clock: ServerZone | "learned"): Ticks {
  if (clock === "learned") return stamped(ticks);
  const packed = Ticks.from(ticks);
  for (let index = 0; index < packed.count; index++) {
    packed.setUtcMs(index, toUtcMs(packed.serverMs(index), clock));
  }
  return packed;
}

function pick(audit: TickAudit, like: Partial<TickAudit>): Partial<TickAudit> {
  const wanted = new Set(Object.keys(like));
  return Object.fromEntries(Object.entries(audit).filter(([key]) => wanted.has(key)));
}

async function filesOf(dataDir: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  try {
    for await (const { name } of Deno.readDir(`${dataDir}/${FOLDER}`)) {
      if (!name.includes(".csv")) continue;
      found.set(name, await Deno.readTextFile(`${dataDir}/${FOLDER}/${name}`));
    }
  } catch {
    // A case without a folder.
  }
  return found;
}
