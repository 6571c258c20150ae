import assert from "node:assert/strict";
import { RateLimit } from "../../../../workers/collector/ingest/rate_limit.ts";

Deno.test("calls of one session keep their distance whoever makes them, those of another do not wait", async () => {
  const rate = new RateLimit(20), { signal } = new AbortController();
  const began = performance.now(), times: number[] = [];
  await Promise.all([0, 1, 2].map(async () => {
    await rate.turn("mt5", signal);
    times.push(performance.now() - began);
  }));
  // A timer may be a millisecond early.
  assert.deepEqual(times.map((ms, index) => ms >= 20 * index - 2), [true, true, true]);
  const other = performance.now();
  await rate.turn("fxcm", signal);
  assert.ok(performance.now() - other < 20);
});

Deno.test("a stopped run waits for no turn", async () => {
  const rate = new RateLimit(3_600_000), stop = new AbortController();
  await rate.turn("mt5", stop.signal);
  const turn = rate.turn("mt5", stop.signal);
  stop.abort();
  await turn;
});
