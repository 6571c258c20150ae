import assert from "node:assert/strict";
import process from "node:process";
import { pause } from "../../../lib/program/pause.ts";

Deno.test("a pause until a time that has passed ends at once, without a warning", async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => void warnings.push(warning.name);
  process.on("warning", note);
  await pause(-0.5);
  await pause(1);
  process.off("warning", note);
  assert.deepEqual(warnings, []);
});

Deno.test("a pause ends when its signal aborts, and does not begin after that", async () => {
  const stop = new AbortController();
  const paused = pause(60_000, stop.signal);
  stop.abort();
  await paused;
  await pause(60_000, stop.signal);
});
