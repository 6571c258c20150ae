import assert from "node:assert/strict";
import fc from "fast-check";
import { runsOf, type StreamEntry, tickTexts } from "../../../lib/log/redis_rows.ts";
import { type StreamRuns, TickReplies } from "../../../lib/log/redis_tick_replies.ts";
import { segmentsOf } from "../../../lib/log/segments.ts";
import { type Tick, Ticks } from "../../../lib/market/tick.ts";
import { DAY, idsOf, ticksAt } from "../../contract/tick_log_suite.ts";

type Reply = readonly StreamRuns[] | Error;

const NAMES = ["ts", "bid", "ask", "last", "volume", "flags", "tb"];

/** Entries as the append script stores them; the first also has `nth`. */
function entriesOf(ticks: Ticks, firstMs = DAY): StreamEntry[] {
  return tickTexts(ticks, { ms: firstMs, n: 0 }).texts.map((text, index) => {
    const [id = "", ...values] = text.split(" ");
    const fields = NAMES.flatMap((name, at) => [name, values[at] ?? ""]);
    if (index === 0) fields.push("nth", "1");
    if (values[7]) fields.push("raw", values[7]);
    return [id, fields];
  });
}

function bulk(text: string): string {
  return `$${new TextEncoder().encode(text).length}\r\n${text}\r\n`;
}

function replyOf(streams: Record<string, readonly StreamEntry[]>): Uint8Array {
  const parts = Object.entries(streams).map(([stream, entries]) =>
    `*2\r\n${bulk(stream)}*${entries.length}\r\n` +
    entries.map(([id, fields]) =>
      `*2\r\n${bulk(id)}*${fields.length}\r\n${fields.map(bulk).join("")}`
    ).join("")
  );
  return new TextEncoder().encode(`*${parts.length}\r\n${parts.join("")}`);
}

/** What the bytes mean when they come in pieces of this size. */
function taken(bytes: Uint8Array, pieceBytes = bytes.length): Reply[] {
  const replies: Reply[] = [];
  const parser = new TickReplies((reply) => replies.push(reply));
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    parser.feed(bytes.slice(at, at + pieceBytes));
  }
  return replies;
}

function streamsOf(reply: Reply | undefined): readonly StreamRuns[] {
  assert.ok(Array.isArray(reply));
  return reply;
}

Deno.test("a reply torn at any byte gives the same ticks", () => {
  const first = ticksAt(DAY, DAY, DAY + 5, DAY + 3), second = ticksAt(DAY + 1);
  const bytes = replyOf({ "ticks:EURUSD": entriesOf(first), "ticks:XAU/€": entriesOf(second) });
  for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes++) {
    const streams = streamsOf(taken(bytes, pieceBytes)[0]);
    assert.deepEqual(streams.map(({ stream, count }) => [stream, count]), [
      ["ticks:EURUSD", 4],
      ["ticks:XAU/€", 1],
    ]);
    const [segment] = segmentsOf("EURUSD", streams[0]?.runs ?? []);
    assert.deepEqual(segment?.ticks.bytes, first.bytes);
    assert.deepEqual(idsOf(segment ? [segment] : []), [
      `${DAY}-0`,
      `${DAY}-1`,
      `${DAY + 5}-0`,
      `${DAY + 5}-1`,
    ]);
  }
});

Deno.test("every number comes back as it was, however it is written", () => {
  const number = fc.oneof(
    fc.double(),
    fc.double({ min: 0.00001, max: 100_000, noNaN: true }).map((value) => Number(value.toFixed(5))),
    fc.integer(),
    fc.constantFrom(0, -0, 1e21, 5e-324, 0.1 + 0.2, 999_999_999_999_999, 1e15, 0.000001),
  );
  const tick: fc.Arbitrary<Tick> = fc.record({
    serverMs: fc.integer({ min: 0, max: 8e15 }),
    bid: number,
    ask: number,
    last: number,
    volume: number,
    flags: fc.nat(0xffffffff),
  });
  fc.assert(fc.property(fc.array(tick, { minLength: 1, maxLength: 5 }), (ticks) => {
    const packed = Ticks.from(ticks);
    ticks.forEach((_, index) => packed.setUtcMs(index, DAY + index));
    const entries = entriesOf(packed);
    const [stream] = streamsOf(taken(replyOf({ s: entries }))[0]);
    assert.deepEqual(stream?.runs, runsOf(entries), "as the general reader reads it");
    assert.deepEqual(stream?.runs[0]?.ticks.bytes, packed.bytes);
  }));
});

Deno.test("a run ends where an id does not follow from the one before", () => {
  const entries = [...entriesOf(ticksAt(DAY)), ...entriesOf(ticksAt(DAY + 3), DAY + 9)];
  const [stream] = streamsOf(taken(replyOf({ s: entries }))[0]);
  assert.deepEqual(stream?.runs.map(({ firstId, lastId }) => [firstId, lastId]), [
    [{ ms: DAY, n: 0 }, { ms: DAY, n: 0 }],
    [{ ms: DAY + 9, n: 0 }, { ms: DAY + 9, n: 0 }],
  ]);
});

Deno.test("nothing, an error and ticks are told apart, and keep their order", () => {
  const text = "*-1\r\n-LOADING Redis is loading\r\n";
  const bytes = new Uint8Array([
    ...new TextEncoder().encode(text),
    ...replyOf({ s: entriesOf(ticksAt(DAY)) }),
  ]);
  const [nothing, refused, ticks] = taken(bytes, 7);
  assert.deepEqual(nothing, []);
  assert.equal((refused as Error).message, "LOADING Redis is loading");
  assert.equal(streamsOf(ticks).length, 1);
});

Deno.test("bytes that are no reply to XREAD are refused", () => {
  for (const text of ["*1\r\n:5\r\n", "?\r\n", "*1\r\n*2\r\n$1\r\ns\r\n$1\r\n"]) {
    assert.throws(() => taken(new TextEncoder().encode(text)), SyntaxError);
  }
});
