import assert from "node:assert/strict";
import { lastIdOf } from "../../../lib/log/segments.ts";
import type { Segment } from "../../../lib/log/tick_log.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { RecentTicks } from "../../../workers/gateway/recent.ts";

const START: TickId = { ms: 1_000, n: 0 };
const PLENTY = 1 << 24;

Deno.test("what came in single ticks is given back from any position, whole and in order", () => {
  const recent = recentOf(["EURUSD"], PLENTY);
  const ids: TickId[] = [];
  for (let index = 0; index < 1_000; index++) {
    // Every third tick shares its millisecond with the one before it.
    const id = index % 3 === 2 ? { ms: 2_000 + index - 1, n: 1 } : { ms: 2_000 + index, n: 0 };
    ids.push(id);
    recent.add(segment("EURUSD", id, [id.ms]));
  }
  for (const from of [-1, 0, 1, 254, 255, 256, 257, 700, 998]) {
    const since = recent.since("EURUSD", ids[from] ?? START) ?? [];
    assert.deepEqual(timesOf(since), ids.slice(from + 1).map(({ ms }) => ms));
    assert.deepEqual(since[0]?.firstId, ids[from + 1]);
    for (const part of since) assert.deepEqual(lastIdOf(part.firstId, part.ticks), part.lastId);
  }
  assert.deepEqual(recent.since("EURUSD", ids[999] ?? START), []);
  assert.deepEqual(recent.newest("EURUSD")?.firstId, ids[999]);
});

Deno.test("ids that do not follow from the ticks before them are kept as they are", () => {
  const recent = recentOf(["EURUSD"], PLENTY);
  recent.add(segment("EURUSD", { ms: 2_000, n: 0 }, [2_000]));
  // A late tick gets the id of the day that is open: later than its own time says.
  recent.add(segment("EURUSD", { ms: 9_000, n: 0 }, [1_500]));
  recent.add(segment("EURUSD", { ms: 9_000, n: 1 }, [1_600]));
  const since = recent.since("EURUSD", START) ?? [];
  assert.deepEqual(since.map(({ firstId }) => firstId), [{ ms: 2_000, n: 0 }, { ms: 9_000, n: 0 }]);
  assert.deepEqual(timesOf(since), [2_000, 1_500, 1_600]);
});

Deno.test("a part that was given out stays as it is while more ticks come", () => {
  const recent = recentOf(["EURUSD"], PLENTY);
  recent.add(segment("EURUSD", { ms: 2_000, n: 0 }, [2_000, 2_001, 2_002]));
  const part = recent.since("EURUSD", START) ?? [];
  for (let ms = 2_003; ms < 2_600; ms++) recent.add(segment("EURUSD", { ms, n: 0 }, [ms]));
  assert.deepEqual(timesOf(part), [2_000, 2_001, 2_002]);
});

Deno.test("memory stays below its limit, forgets what was full first, and keeps each newest tick", () => {
  const recent = recentOf(["BUSY", "QUIET"], 65_536);
  recent.add(segment("QUIET", { ms: 2_000, n: 0 }, [2_000]));
  for (let ms = 2_000; ms < 12_000; ms++) {
    recent.add(segment("BUSY", { ms, n: 0 }, [ms]));
    assert.ok(recent.bytes <= 65_536);
  }
  assert.equal(recent.since("BUSY", START), undefined);
  assert.deepEqual(timesOf(recent.since("BUSY", { ms: 11_500, n: 0 }) ?? []).length, 499);
  // The quiet symbol's chunk still grows, so that it outlives many of the busy one's.
  assert.deepEqual(timesOf(recent.since("QUIET", START) ?? []), [2_000]);
});

Deno.test("with less memory than the growing chunks take, newest ticks and positions stay", () => {
  const symbols = Array.from({ length: 40 }, (_, index) => `S${index}`);
  const recent = recentOf(symbols, 4_096);
  for (let ms = 2_000; ms < 2_100; ms++) {
    for (const symbol of symbols) recent.add(segment(symbol, { ms, n: 0 }, [ms]));
    assert.ok(recent.bytes <= 4_096);
  }
  for (const symbol of symbols) {
    assert.deepEqual(recent.newest(symbol)?.firstId, { ms: 2_099, n: 0 });
    assert.deepEqual(recent.position(symbol), { ms: 2_099, n: 0 });
  }
});

Deno.test("after a skip nothing from before it is given back", () => {
  const recent = recentOf(["EURUSD"], PLENTY);
  recent.add(segment("EURUSD", { ms: 2_000, n: 0 }, [2_000]));
  recent.skipTo("EURUSD", { ms: 3_000, n: 0 });
  assert.equal(recent.bytes, 0);
  recent.add(segment("EURUSD", { ms: 3_001, n: 0 }, [3_001]));
  assert.equal(recent.since("EURUSD", START), undefined);
  assert.deepEqual(timesOf(recent.since("EURUSD", { ms: 3_000, n: 0 }) ?? []), [3_001]);
});

function recentOf(symbols: readonly string[], maxBytes: number): RecentTicks {
  const recent = new RecentTicks(maxBytes);
  for (const symbol of symbols) recent.begin(symbol, { position: START, trimmedId: NO_TICK });
  return recent;
}

function segment(symbol: string, firstId: TickId, utcMs: readonly number[]): Segment {
  const ticks = Ticks.ofLength(utcMs.length);
  utcMs.forEach((ms, index) => ticks.setUtcMs(index, ms));
  return { symbol, firstId, lastId: lastIdOf(firstId, ticks), ticks };
}

function timesOf(segments: readonly Segment[]): number[] {
  return segments.flatMap(({ ticks }) =>
    Array.from({ length: ticks.count }, (_, index) => ticks.utcMs(index))
  );
}
