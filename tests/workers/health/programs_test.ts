import assert from "node:assert/strict";
import type { Beat } from "../../../lib/log/channel.ts";
import { Programs } from "../../../workers/health/programs.ts";
import { frozenBeat } from "../../contract/channel_suite.ts";

/** Programs on a clock that stands until it is moved. */
function begin() {
  const clock = { ms: 1000 };
  const programs = new Programs({
    silentMs: 4000,
    now: () => clock.ms,
    utcNow: () => 1_766_396_400_000 + clock.ms,
  });
  const beatAt = (ms: number, ...instances: string[]) => {
    clock.ms = ms;
    for (const instance of instances) programs.hear(beat(instance));
  };
  const seen = () =>
    programs.states().map(({ beat, replica, state }) => `${beat.instance}:${replica}:${state}`);
  return { clock, programs, beatAt, seen };
}

const beat = (instance: string, rest: Partial<Beat> = {}): Beat => ({
  ...frozenBeat,
  instance,
  ...rest,
});

Deno.test("a program is alive as long as it beats and silent after four seconds without", () => {
  const { clock, beatAt, seen } = begin();
  beatAt(1000, "a");
  clock.ms = 5000;
  assert.deepEqual(seen(), ["a:0:alive"]);
  clock.ms = 5001;
  assert.deepEqual(seen(), ["a:0:silent"]);
  beatAt(6000, "a");
  assert.deepEqual(seen(), ["a:0:alive"]);
});

Deno.test("a program that said leaving is never silent", () => {
  const { clock, programs, seen } = begin();
  programs.hear(beat("a", { leaving: true }));
  clock.ms = 1_000_000;
  assert.deepEqual(seen(), ["a:0:left"]);
});

Deno.test("a restart after an end is no second program", () => {
  const { programs, beatAt, seen } = begin();
  programs.hear(beat("a", { leaving: true }));
  beatAt(2000, "b");
  assert.deepEqual(seen(), ["b:1:alive"]);
});

Deno.test("a restart after a crash takes the place of what crashed", () => {
  const { beatAt, seen } = begin();
  beatAt(1000, "a");
  beatAt(1500, "b");
  assert.deepEqual(seen(), ["a:0:alive", "b:1:alive"]);
  beatAt(5500, "b");
  assert.deepEqual(seen(), ["b:0:alive"]);
});

Deno.test("of two that ran side by side the one that dies is noticed", () => {
  const { beatAt, seen } = begin();
  beatAt(1000, "a", "b");
  beatAt(2000, "a", "b");
  beatAt(7000, "b");
  assert.deepEqual(seen(), ["a:0:silent", "b:1:alive"]);
});

Deno.test("one newcomer replaces one of two that died", () => {
  const { beatAt, seen } = begin();
  beatAt(1000, "a", "b");
  beatAt(2000, "c");
  beatAt(7000, "c");
  assert.deepEqual(seen(), ["b:1:silent", "c:0:alive"]);
});

Deno.test("a program that crashes at every start leaves one silence, not many", () => {
  const { clock, beatAt, seen } = begin();
  for (let start = 1; start <= 1000; start++) beatAt(start * 100, `i${start}`);
  clock.ms = 200_000;
  assert.deepEqual(seen().length, 1);
});

Deno.test("one that is outlived is forgotten in the end", () => {
  const { beatAt, seen } = begin();
  beatAt(1000, "a", "b");
  beatAt(2000, "a", "b");
  beatAt(700_000, "b");
  assert.deepEqual(seen(), ["b:1:alive"]);
});

Deno.test("there is room for 256 instances", () => {
  const { programs } = begin();
  for (let i = 0; i < 256; i++) assert.equal(programs.hear(beat(`i${i}`)), "new");
  assert.equal(programs.hear(beat("one more")), "refused");
  assert.equal(programs.hear(beat("i7")), "known");
});

Deno.test("a pause of health itself is not the silence of the others", () => {
  const { clock, programs, beatAt, seen } = begin();
  beatAt(1000, "a");
  clock.ms = 60_000;
  programs.excuse(58_000);
  assert.deepEqual(seen(), ["a:0:alive"]);
});

Deno.test("a sender whose clock is set back is still heard", () => {
  const { clock, programs, seen } = begin();
  programs.hear(beat("a", { atMs: 2_000_000 }));
  clock.ms = 5000;
  programs.hear(beat("a", { atMs: 1_000_000 }));
  clock.ms = 8000;
  assert.deepEqual(seen(), ["a:0:alive"]);
});
