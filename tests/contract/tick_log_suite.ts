import assert from "node:assert/strict";
import fc from "fast-check";
import type { AppendResult, Segment, TickLog, TickLogReader } from "../../lib/log/tick_log.ts";
import { type Tick, Ticks } from "../../lib/market/tick.ts";
import { formatId, nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";

/** Fresh twins on one new store: the appender, and a reader of another connection. */
export interface OpenTwins extends AsyncDisposable {
  readonly log: TickLog;
  readonly reader: TickLogReader;
}

export const FEED = "simulated:test:EURUSD";
const DAY_MS = 86_400_000;
/** 2026-03-04T00:00:00Z */
export const DAY = 20_516 * DAY_MS;
const SHIFT_MS = 2 * 3_600_000;

export const TICK: Tick = {
  serverMs: DAY + SHIFT_MS,
  bid: 1.1,
  ask: 1.10002,
  last: NaN,
  volume: NaN,
  flags: 6,
};

/** Stamped ticks at these UTC ms; the bid counts, so that they differ. */
export function ticksAt(...utcMs: number[]): Ticks {
  const ticks = Ticks.from(
    utcMs.map((ms, index) => ({ ...TICK, serverMs: ms + SHIFT_MS, bid: 1.1 + index / 100_000 })),
  );
  utcMs.forEach((ms, index) => ticks.setUtcMs(index, ms));
  return ticks;
}

/** Appends and answers the last id. */
export async function appendTo(
  log: TickLog,
  { symbol = "EURUSD", tail = NO_TICK, ticks }: { symbol?: string; tail?: TickId; ticks: Ticks },
): Promise<TickId> {
  const [result] = await log.append([{ symbol, feed: FEED, expectedTail: tail, ticks }]);
  assert.equal(result?.outcome, "appended");
  return result.outcome === "appended" ? result.lastId : NO_TICK;
}

export function idsOf(segments: readonly Segment[]): string[] {
  const ids: string[] = [];
  for (const { firstId, lastId, ticks } of segments) {
    let id = firstId;
    for (let index = 0; index < ticks.count; index++) {
      if (index > 0) id = nextId(id, ticks.utcMs(index));
      ids.push(formatId(id));
    }
    assert.deepEqual(id, lastId);
  }
  return ids;
}

export async function readAll(
  reader: TickLogReader,
  symbol = "EURUSD",
  from: TickId = NO_TICK,
): Promise<Segment[]> {
  const all: Segment[] = [];
  for (let after = from;;) {
    const segments = await reader.read(new Map([[symbol, after]]));
    if (segments.length === 0) return all;
    for (const segment of segments) {
      all.push(segment);
      after = segment.lastId;
    }
  }
}

/** What every twin keeps, whatever it stores the ticks in. */
export function tickLogSuite(name: string, open: () => Promise<OpenTwins>): void {
  const test = (sentence: string, check: (twins: OpenTwins) => Promise<void>) =>
    Deno.test(`${name} ${sentence}`, async () => {
      await using twins = await open();
      await check(twins);
    });

  test("gives a tick that comes late an id after the tail and keeps its time", async ({ log, reader }) => {
    const tail = await appendTo(log, { ticks: ticksAt(DAY, DAY, DAY + 5) });
    await appendTo(log, { tail, ticks: ticksAt(DAY + 3, DAY + 5, DAY + 6) });
    const segments = await readAll(reader);
    assert.deepEqual(
      idsOf(segments),
      [`${DAY}-0`, `${DAY}-1`, `${DAY + 5}-0`, `${DAY + 5}-1`, `${DAY + 5}-2`, `${DAY + 6}-0`],
    );
    const times = segments.flatMap(({ ticks }) =>
      Array.from({ length: ticks.count }, (_, index) => ticks.utcMs(index) - DAY)
    );
    assert.deepEqual(times, [0, 0, 5, 3, 5, 6]);
  });

  test("assigns ids as a plain model does", async ({ log, reader }) => {
    let run = 0;
    const offsets = fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(offsets, async (appends) => {
        const symbol = `S${run++}`, expected: string[] = [];
        let model = NO_TICK, tail = NO_TICK;
        for (const group of appends) {
          const times = group.map((offset) => DAY + offset);
          tail = await appendTo(log, { symbol, tail, ticks: ticksAt(...times) });
          for (const ms of times) expected.push(formatId(model = nextId(model, ms)));
        }
        assert.deepEqual(idsOf(await readAll(reader, symbol)), expected);
      }),
      { numRuns: 30 },
    );
  });

  test("gives every payload back byte for byte", async ({ log, reader }) => {
    const ticks = Ticks.from([
      TICK,
      { ...TICK, last: 0, volume: 0 },
      { ...TICK, bid: -0, ask: 1e21, last: 5e-324, volume: 0.25 },
      { ...TICK, bid: 0.1 + 0.2, volume: 9_007_199_254_740_991, flags: 0xffffffff },
      { ...TICK, bid: NaN, ask: Infinity, last: 1.7976931348623157e308 },
      { ...TICK, volume: 3 },
    ]);
    const view = new DataView(ticks.bytes.buffer);
    view.setFloat64(5 * 60 + 52, 0, true); // a terminal that knows only whole units
    for (let index = 0; index < ticks.count; index++) ticks.setUtcMs(index, DAY + index);
    await appendTo(log, { ticks });
    const [segment] = await readAll(reader);
    assert.deepEqual(segment?.ticks.bytes, ticks.bytes);
  });

  test("stores nothing of an entry whose tail is another, and says what it knows", async ({ log, reader }) => {
    const tail = await appendTo(log, { ticks: ticksAt(DAY) });
    const [wrong, right, unknown] = await log.append([
      { symbol: "EURUSD", feed: FEED, expectedTail: NO_TICK, ticks: ticksAt(DAY + 1) },
      { symbol: "GBPUSD", feed: FEED, expectedTail: NO_TICK, ticks: ticksAt(DAY + 1) },
      { symbol: "USDJPY", feed: FEED, expectedTail: tail, ticks: ticksAt(DAY + 1) },
    ]);
    assert.equal(wrong?.outcome, "conflict");
    assert.deepEqual(wrong.outcome === "conflict" && wrong.checkpoint?.lastId, tail);
    assert.equal(right?.outcome, "appended");
    assert.deepEqual(unknown, { outcome: "conflict" });
    assert.equal((await readAll(reader)).length, 1);
    assert.deepEqual(await readAll(reader, "USDJPY"), []);
    assert.equal(await reader.checkpoint("USDJPY"), undefined);
  });

  test("refuses another feed by name", async ({ log, reader }) => {
    const tail = await appendTo(log, { ticks: ticksAt(DAY) });
    const append = {
      symbol: "EURUSD",
      feed: "fxcm:x:EUR/USD",
      expectedTail: tail,
      ticks: ticksAt(DAY + 1),
    };
    const [result] = await log.append([append]);
    assert.deepEqual(result, { outcome: "foreign_feed", feed: FEED } satisfies AppendResult);
    assert.equal(idsOf(await readAll(reader)).length, 1);
    const mark = { symbol: "EURUSD", feed: "fxcm:x:EUR/USD", watermarkMs: DAY, ended: false };
    await assert.rejects(log.mark([mark]), /current feed is/);
  });

  test("resumes with every tick inside the overlap, alike ones and late ones too", async ({ log }) => {
    assert.equal(await log.resume("EURUSD", 5000), undefined);
    const alike = ticksAt(DAY + 9_000);
    let tail = await appendTo(log, { ticks: ticksAt(DAY, DAY + 5_000, DAY + 10_000) });
    tail = await appendTo(log, { tail, ticks: Ticks.concat([alike, alike, ticksAt(DAY + 4_999)]) });
    const resume = await log.resume("EURUSD", 5_000);
    assert.equal(resume?.highServerMs, DAY + 10_000 + SHIFT_MS);
    assert.deepEqual(resume.lastId, tail);
    const times = Array.from(
      { length: resume.recent.count },
      (_, at) => resume.recent.utcMs(at) - DAY,
    );
    assert.deepEqual(times, [5_000, 10_000, 9_000, 9_000]);
  });

  test("keeps a closed day closed", async ({ log, reader }) => {
    let tail = await appendTo(log, { ticks: ticksAt(DAY + 1) });
    const mark = { symbol: "EURUSD", feed: FEED, ended: false };
    await log.mark([{ ...mark, watermarkMs: DAY + DAY_MS + 7 }]);
    await log.mark([{ ...mark, watermarkMs: DAY }]);
    const marked = await reader.checkpoint("EURUSD");
    assert.equal(marked?.watermarkMs, DAY + DAY_MS + 7);
    assert.equal(marked.floorMs, DAY + DAY_MS);
    tail = await appendTo(log, { tail, ticks: ticksAt(DAY + 2, DAY + 3) });
    await log.mark([{ ...mark, watermarkMs: DAY + DAY_MS + 8, ended: true }]);
    assert.equal((await reader.checkpoint("EURUSD"))?.ended, true);
    await appendTo(log, { tail, ticks: ticksAt(DAY + DAY_MS + 9) });
    assert.equal((await reader.checkpoint("EURUSD"))?.ended, false);
    assert.deepEqual(idsOf(await readAll(reader)), [
      `${DAY + 1}-0`,
      `${DAY + DAY_MS}-0`,
      `${DAY + DAY_MS}-1`,
      `${DAY + 2 * DAY_MS}-0`,
    ]);
  });

  test("stores a mark of a symbol that has no tick yet", async ({ log, reader }) => {
    await log.mark([{ symbol: "XAUUSD", feed: FEED, watermarkMs: DAY + 5, ended: false }]);
    const checkpoint = await reader.checkpoint("XAUUSD");
    assert.deepEqual(checkpoint?.lastId, NO_TICK);
    await appendTo(log, { symbol: "XAUUSD", ticks: ticksAt(DAY + 6) });
  });

  test("reads many symbols from where each reader stands, inside an append too", async ({ log, reader }) => {
    const times = Array.from({ length: 4_500 }, (_, index) => DAY + Math.floor(index / 3));
    await appendTo(log, { ticks: ticksAt(...times) });
    await appendTo(log, { symbol: "GBPUSD", ticks: ticksAt(DAY, DAY + 1) });
    const all = idsOf(await readAll(reader));
    assert.equal(all.length, 4_500);
    const middle = { ms: DAY + 100, n: 1 };
    assert.deepEqual(idsOf(await readAll(reader, "EURUSD", middle)), all.slice(302));
    const both = await reader.read(
      new Map([["EURUSD", middle], ["GBPUSD", NO_TICK], ["NONE", NO_TICK]]),
    );
    assert.deepEqual([...new Set(both.map((segment) => segment.symbol))].sort(), [
      "EURUSD",
      "GBPUSD",
    ]);
    assert.deepEqual((await reader.symbols()).sort(), ["EURUSD", "GBPUSD"]);
    assert.equal((await reader.checkpoints()).size, 2);
  });

  test("answers a waiting read when a tick comes, and when it is told to stop", async ({ log, reader }) => {
    const after = new Map([["EURUSD", NO_TICK]]);
    const waiting = reader.read(after, { waitMs: 10_000 });
    await appendTo(log, { ticks: ticksAt(DAY) });
    const segments = await waiting;
    assert.equal(idsOf(segments).length, 1);
    const stop = new AbortController();
    const second = reader.read(new Map([["EURUSD", { ms: DAY, n: 0 }]]), {
      waitMs: 600_000,
      signal: stop.signal,
    });
    stop.abort();
    assert.deepEqual(await second, []);
    assert.deepEqual(await reader.read(new Map(), { waitMs: 1 }), []);
  });

  test("moves a reader forward only, and counts what it has not committed", async ({ log, reader }) => {
    await appendTo(log, { ticks: ticksAt(DAY, DAY + 1, DAY + 2, DAY + 3) });
    await appendTo(log, { symbol: "GBPUSD", ticks: ticksAt(DAY, DAY + 1) });
    assert.deepEqual([...await reader.backlog("writer")].sort(), [["EURUSD", 4], ["GBPUSD", 2]]);
    await reader.commit(
      "writer",
      new Map([["EURUSD", { ms: DAY + 2, n: 0 }], ["GBPUSD", { ms: DAY + 1, n: 0 }]]),
    );
    await reader.commit("writer", new Map([["EURUSD", { ms: DAY + 1, n: 0 }]]));
    assert.deepEqual((await reader.committed("writer")).get("EURUSD"), { ms: DAY + 2, n: 0 });
    assert.deepEqual([...await log.backlog("writer")], [["EURUSD", 1]]);
    assert.equal((await reader.backlog("other")).get("EURUSD"), 4);
    assert.equal((await reader.committed("other")).size, 0);
  });

  test("trims only what every reader committed and no re-read needs", async ({ log, reader }) => {
    let tail = NO_TICK;
    for (let hour = 0; hour < 10; hour++) {
      tail = await appendTo(log, { tail, ticks: ticksAt(DAY + hour * 3_600_000) });
    }
    const policy = { maxAgeMs: 0, maxCount: 1_000, nowMs: DAY + DAY_MS, overlapMs: 3_600_000 };
    assert.equal(await log.trim({ ...policy, readers: ["writer"] }), 0);
    await reader.commit("writer", new Map([["EURUSD", { ms: DAY + 3_600_000, n: 0 }]]));
    assert.equal(await log.trim({ ...policy, readers: ["writer"] }), 2);
    assert.deepEqual((await reader.checkpoint("EURUSD"))?.trimmedId, { ms: DAY + 3_600_000, n: 0 });
    assert.equal((await log.backlog("writer")).get("EURUSD"), 8);
    await reader.commit("writer", new Map([["EURUSD", tail]]));
    assert.equal(
      await log.trim({ ...policy, maxAgeMs: DAY_MS, maxCount: 5, readers: ["writer"] }),
      3,
    );
    assert.equal(await log.trim({ ...policy, readers: ["writer"] }), 3);
    assert.equal(idsOf(await readAll(reader)).length, 2);
    assert.equal((await log.resume("EURUSD", 3_600_000))?.recent.count, 2);
  });

  test("gives the newest ticks, oldest first", async ({ log, reader }) => {
    let tail = await appendTo(log, { ticks: ticksAt(DAY, DAY, DAY, DAY + 1) });
    tail = await appendTo(log, { tail, ticks: ticksAt(DAY + 2) });
    assert.deepEqual(idsOf(await reader.newest("EURUSD", 3)), [
      `${DAY}-2`,
      `${DAY + 1}-0`,
      `${DAY + 2}-0`,
    ]);
    assert.equal(idsOf(await reader.newest("EURUSD", 100)).length, 5);
    assert.deepEqual(await reader.newest("NONE", 3), []);
  });

  test("keeps one name and one key for as long as it lives", async ({ log, reader }) => {
    assert.match(await log.epoch() ?? "", /^[0-9a-f]{16}$/);
    assert.equal(await reader.epoch(), await log.epoch());
    assert.equal(await reader.resumeKey(), await log.resumeKey());
    assert.notEqual(await log.resumeKey(), undefined);
  });
}
