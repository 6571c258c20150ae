import assert from "node:assert/strict";
import { ProcessQueue } from "../../bridge/driver/process_queue.ts";
import type { SourceEvent } from "../../lib/bridge/feed.ts";
import { Ticks } from "../../lib/market/tick.ts";

function ticks(count: number): Extract<SourceEvent, { type: "ticks" }> {
  return { type: "ticks", symbol: "EURUSD", ticks: Ticks.ofLength(count) };
}

function clock(nowServerMs: number): Extract<SourceEvent, { type: "clock" }> {
  return { type: "clock", nowServerMs, watermarkServerMs: 0 };
}

Deno.test("history and live ticks are counted apart, and a small frame is not nothing", () => {
  const queue = new ProcessQueue();
  queue.pushHistory(ticks(100));
  queue.pushLive(ticks(1));
  queue.pushLive({ type: "live" });
  assert.deepEqual([queue.historyTicks, queue.liveTicks], [100, 10]);
  queue.shift();
  queue.shift();
  queue.shift();
  assert.deepEqual([queue.historyTicks, queue.liveTicks], [0, 0]);
  assert.equal(queue.shift(), undefined);
});

Deno.test("a clock takes the place of one that nothing follows, and of no other", () => {
  const queue = new ProcessQueue();
  queue.pushTime(clock(1));
  queue.pushTime(clock(2));
  queue.pushLive(ticks(1));
  queue.pushTime(clock(3));
  const types: (number | string)[] = [];
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    types.push(event.type === "clock" ? event.nowServerMs : event.type);
  }
  assert.deepEqual(types, [2, "ticks", 3]);
  queue.pushTime(clock(4));
  assert.deepEqual(queue.shift(), clock(4));
});

Deno.test("a queue that is never empty keeps its order", () => {
  const queue = new ProcessQueue();
  const taken: number[] = [];
  for (let count = 1; count <= 20_000; count++) {
    queue.pushLive(ticks(count % 7));
    if (count < 10) continue;
    const event = queue.shift();
    if (event?.type === "ticks") taken.push(event.ticks.count);
  }
  assert.deepEqual(taken, Array.from({ length: taken.length }, (_, index) => (index + 1) % 7));
});
