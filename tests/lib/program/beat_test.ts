import assert from "node:assert/strict";
import type { Beat, Channel, ChannelMessages } from "../../../lib/log/channel.ts";
import { beatSchema } from "../../../lib/log/channel_schema.ts";
import { type BeatOptions, startBeat } from "../../../lib/program/beat.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { until } from "../../support/until.ts";

const description = {
  status: "41 symbols",
  level: "healthy",
  components: { queue: { status: "healthy", value: 0, threshold: 10_000, message: "empty" } },
} as const;

Deno.test("a beat is sent at once and then each interval, and passes the door", async () => {
  const { beats, options } = begin();
  await using _ = startBeat(options);
  await until(() => beats.length >= 3);
  const [first, second] = beats;
  assert.deepEqual(beatSchema.parse(JSON.parse(JSON.stringify(first))), first);
  assert.equal(first?.instance, second?.instance);
  assert.equal(first?.status, description.status);
  assert.equal(first?.leaving, undefined);
});

Deno.test("a beat carries the program's metrics and its memory", async () => {
  const { beats, options } = begin();
  options.telemetry.counter("arbitrex_ticks_received_total", "Ticks appended.").inc(7);
  await using _ = startBeat(options);
  await until(() => beats.length > 0);
  const metrics = beats[0]?.metrics as { name: string; values: { value: number }[] }[];
  const valueOf = (name: string) =>
    metrics.find((metric) => metric.name === name)?.values[0]?.value;
  assert.equal(valueOf("arbitrex_ticks_received_total"), 7);
  assert.ok(Number(valueOf("arbitrex_process_heap_bytes")) > 1e6);
  assert.ok(Number(valueOf("arbitrex_process_resident_bytes")) > 1e6);
});

Deno.test("only one program of a process reports the memory of the process", async () => {
  const { beats, options } = begin();
  await using _ = startBeat({ ...options, wholeProcess: false });
  await until(() => beats.length > 0);
  const metrics = beats[0]?.metrics as { name: string }[];
  assert.ok(!metrics.some((metric) => metric.name === "arbitrex_process_resident_bytes"));
});

Deno.test("a program that cannot describe itself beats on as unknown", async () => {
  const { beats, options } = begin();
  await using _ = startBeat({
    ...options,
    describe: () => {
      throw new Error("the log is away");
    },
  });
  await until(() => beats.length >= 2);
  assert.equal(beats[0]?.level, "unknown");
  assert.match(String(beats[0]?.status), /the log is away/);
});

Deno.test("the last beat says leaving, once, and nothing follows it", async () => {
  const { beats, options } = begin();
  const beating = startBeat(options);
  await until(() => beats.length > 0);
  await beating.stop();
  await beating.stop();
  const count = beats.length;
  assert.equal(beats.filter((beat) => beat.leaving === true).length, 1);
  assert.equal(beats.at(-1)?.leaving, true);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(beats.length, count);
});

Deno.test("beats go on while a program drains and say that it is leaving", async () => {
  const { beats, options, abort } = begin();
  await using _ = startBeat(options);
  await until(() => beats.length > 0);
  abort.abort();
  await until(() => beats.filter((beat) => beat.leaving === true).length >= 2);
});

Deno.test("an end does not wait for a description that never comes", async () => {
  const { beats, options } = begin();
  const beating = startBeat({ ...options, describe: () => new Promise(() => {}) });
  await beating.stop();
  assert.deepEqual(beats.map((beat) => [beat.status, beat.leaving]), [["starting", true]]);
});

Deno.test("two starts of one program have different instances", async () => {
  const first = begin();
  const second = begin();
  await using _one = startBeat(first.options);
  await using _two = startBeat(second.options);
  await until(() => first.beats.length > 0 && second.beats.length > 0);
  assert.notEqual(first.beats[0]?.instance, second.beats[0]?.instance);
});

function begin() {
  const beats: Beat[] = [];
  const channel: Channel = {
    publish<T extends keyof ChannelMessages>(topic: T, message: ChannelMessages[T]): void {
      if (topic === "beat") beats.push(message as Beat);
    },
    subscribe: () => () => {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const abort = new AbortController();
  const options: BeatOptions = {
    program: "collector",
    channel,
    telemetry: telemetryOf("collector"),
    describe: () => description,
    signal: abort.signal,
    intervalMs: 5,
  };
  return { beats, options, abort };
}
