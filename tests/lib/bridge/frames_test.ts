import assert from "node:assert/strict";
import fc from "fast-check";
import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import {
  CONTROL_FRAME,
  decodeControl,
  decodeTicks,
  FrameReader,
  FrameWriter,
  MAX_TICKS_PER_FRAME,
  TICKS_FRAME,
} from "../../../lib/bridge/frames.ts";
import { type Tick, Ticks } from "../../../lib/market/tick.ts";

const TICK: Tick = {
  ...{ serverMs: 1_700_000_000_123, bid: 1.1, ask: 1.10002 },
  ...{ last: NaN, volume: NaN, flags: 134 },
};

function ticksOf(count: number): Ticks {
  return Ticks.from(Array.from({ length: count }, (_, at) => ({
    ...TICK,
    serverMs: TICK.serverMs + at,
  })));
}

type Message = { control: unknown } | { stream: number; symbolIndex: number; count: number };

const message = fc.oneof(
  fc.record({ control: fc.jsonValue() }),
  fc.record({
    stream: fc.nat(0xffff_ffff),
    symbolIndex: fc.nat(40),
    count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(300, 4095, 4097)),
  }),
);

Deno.test("frames come out as they went in, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }),
      (messages: Message[], cuts) => {
        const writer = new FrameWriter();
        for (const each of messages) {
          if ("control" in each) writer.control(each.control);
          else writer.ticks(each.stream, each.symbolIndex, ticksOf(each.count));
        }
        const read = readAll(writer.take(), cuts);
        const expected = messages.map((each) =>
          "control" in each
            ? { control: JSON.parse(JSON.stringify(each.control)) }
            : { ...each, firstMs: TICK.serverMs }
        );
        assert.deepEqual(read, expected);
      },
    ),
    { numRuns: 40 },
  );
});

/** Frames of one long message are put together again. */
function readAll(bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const reader = new FrameReader();
  const read: Record<string, unknown>[] = [];
  let open = false;
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = cuts[turn % cuts.length] ?? 1;
    reader.push(bytes.subarray(at, at + length));
    at += length;
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if (frame.type === CONTROL_FRAME) {
        read.push({ control: decodeControl(frame.payload) });
        continue;
      }
      const { stream, symbolIndex, ticks } = decodeTicks(frame.payload);
      const last = read.at(-1);
      if (open && last !== undefined) last.count = Number(last.count) + ticks.count;
      else read.push({ stream, symbolIndex, count: ticks.count, firstMs: ticks.serverMs(0) });
      open = ticks.count === MAX_TICKS_PER_FRAME;
    }
  }
  assert.equal(reader.half, false);
  return read;
}

Deno.test("a frame's bytes stay as they were while later ones arrive", () => {
  const reader = new FrameReader(), writer = new FrameWriter();
  writer.ticks(1, 0, ticksOf(1000));
  const bytes = writer.take().slice();
  const kept: Ticks[] = [];
  for (let turn = 0; turn < 30; turn++) {
    reader.push(bytes);
    const frame = reader.next();
    assert.equal(frame?.type, TICKS_FRAME);
    if (frame !== undefined) kept.push(decodeTicks(frame.payload).ticks);
  }
  for (const ticks of kept) assert.deepEqual(ticks.bytes, ticksOf(1000).bytes);
});

function codeOf(read: () => unknown): string | undefined {
  try {
    read();
  } catch (cause) {
    return cause instanceof BridgeError ? cause.code : String(cause);
  }
}

Deno.test("bytes that are no frame are named", () => {
  const reading = (...bytes: number[]) => {
    const reader = new FrameReader(100);
    reader.push(new Uint8Array(bytes));
    return codeOf(() => reader.next());
  };
  assert.equal(reading(101, 0, 0, 0, 1), "oversized_frame");
  assert.equal(reading(0, 0, 0, 0), "oversized_frame");
  assert.equal(reading(2, 0, 0, 0, 9, 0), "unknown_frame");
  assert.equal(reading(100, 0, 0, 0), undefined);
  assert.equal(codeOf(() => decodeTicks(new Uint8Array(8))), "bad_message");
  assert.equal(codeOf(() => decodeTicks(new Uint8Array(69))), "bad_message");
  assert.equal(codeOf(() => decodeControl(new Uint8Array([123]))), "bad_message");
});

Deno.test("the bytes in the README are the bytes on the socket", async () => {
  const readme = await Deno.readTextFile(new URL("../../../lib/bridge/README.md", import.meta.url));
  const dump = /```hex\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const shown = dump.split("\n").map((line) => line.replace(/#.*$/, "")).join(" ");
  const writer = new FrameWriter();
  writer.control({ type: "heartbeat" });
  writer.ticks(7, 2, Ticks.from([TICK]));
  const hex = Array.from(writer.take(), (byte) => byte.toString(16).padStart(2, "0"));
  assert.equal(shown.split(/\s+/).filter((part) => part !== "").join(" "), hex.join(" "));
});
