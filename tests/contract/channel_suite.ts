import { until } from "../support/until.ts";
import assert from "node:assert/strict";
import type { Beat, Channel } from "../../lib/log/channel.ts";

/** One system's channel as its programs open it. */
export interface ChannelSystem extends AsyncDisposable {
  /** Another program of the same system. */
  open(): Channel;
  /** A program of a system with other data, beside this one. */
  openForeign(): Channel;
}

const beat: Beat = {
  program: "writer",
  instance: "3f0c8f0e-0000-4000-8000-000000000001",
  atMs: 1_766_396_400_123,
  startedMs: 1_766_396_000_000,
  status: "41 symbols, 312 ticks/s",
  level: "healthy",
  components: { queue: { status: "healthy", value: 3, threshold: 10_000, message: "3 ticks" } },
  metrics: [{
    name: "arbitrex_ticks_flushed_total",
    help: "Ticks in files.",
    type: "counter",
    values: [{ value: 7, labels: {} }],
  }],
};
export const frozenBeat = Object.freeze(beat);

/** What every twin of the channel keeps that carries all topics. */
export function channelSuite(
  twin: string,
  begin: () => Promise<ChannelSystem>,
  { ignore = false } = {},
): void {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${twin}: ${name}`, ignore, fn });

  test("a beat reaches every other program whole", async () => {
    await using system = await begin();
    await using sender = system.open();
    await using first = system.open();
    await using second = system.open();
    const heard = [hearing(first), hearing(second)];
    await publishUntil(sender, () => heard.every((beats) => beats.length > 0));
    for (const beats of heard) assert.deepEqual(beats[0], frozenBeat);
  });

  test("a program does not hear itself", async () => {
    await using system = await begin();
    await using sender = system.open();
    await using witness = system.open();
    const own = hearing(sender);
    const others = hearing(witness);
    await publishUntil(sender, () => others.length > 2);
    assert.deepEqual(own, []);
  });

  test("topics do not mix, and an ended subscription hears nothing", async () => {
    await using system = await begin();
    await using sender = system.open();
    await using receiver = system.open();
    const beats = hearing(receiver);
    const wakes: string[] = [];
    receiver.subscribe("wake", ({ epoch }) => wakes.push(epoch));
    await publishUntil(sender, () => beats.length > 0);
    const ended: unknown[] = [];
    receiver.subscribe("wake", () => ended.push(1))();
    await until(() => {
      sender.publish("wake", { epoch: "a" });
      return wakes.length > 0;
    });
    assert.deepEqual(new Set(wakes), new Set(["a"]));
    assert.deepEqual(ended, []);
  });

  test("a listener that throws does not silence the next", async () => {
    await using system = await begin();
    await using sender = system.open();
    await using receiver = system.open();
    receiver.subscribe("beat", () => {
      throw new Error("a fault of the listener");
    });
    const beats = hearing(receiver);
    await publishUntil(sender, () => beats.length > 0);
  });

  test("systems with other data do not hear each other", async () => {
    await using system = await begin();
    await using sender = system.open();
    await using witness = system.open();
    await using foreign = system.openForeign();
    const strange = hearing(foreign);
    const beats = hearing(witness);
    await publishUntil(sender, () => beats.length > 2);
    assert.deepEqual(strange, []);
  });

  test("what is published last arrives though the channel closes at once", async () => {
    await using system = await begin();
    await using witness = system.open();
    const beats = hearing(witness);
    const sender = system.open();
    await publishUntil(sender, () => beats.length > 0);
    sender.publish("beat", { ...frozenBeat, leaving: true });
    await sender[Symbol.asyncDispose]();
    await until(() => beats.some((beat) => beat.leaving === true));
  });

  test("a closed channel swallows what is published", async () => {
    await using system = await begin();
    const sender = system.open();
    await sender[Symbol.asyncDispose]();
    await sender[Symbol.asyncDispose]();
    sender.publish("beat", frozenBeat);
  });
}

function hearing(channel: Channel): Beat[] {
  const beats: Beat[] = [];
  channel.subscribe("beat", (beat) => beats.push(beat));
  return beats;
}

/** The channel is best effort, also while its connections are being made: publish until heard. */
async function publishUntil(sender: Channel, condition: () => boolean): Promise<void> {
  await until(() => {
    sender.publish("beat", frozenBeat);
    return condition();
  });
}
