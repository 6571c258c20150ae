import assert from "node:assert/strict";
import type { Source } from "../../bridge/source.ts";
import type { SourceEvent, TickRequest } from "../../lib/bridge/feed.ts";
import { Ticks } from "../../lib/market/tick.ts";

/** What the suite needs to know of a source that it tests. */
export interface SourceUnderTest {
  readonly name: string;
  /** A new source over the same ticks at each call. */
  open(): Promise<Source>;
  readonly symbol: string;
  /** A server time with some ticks after it, and some before. */
  readonly middleServerMs: number;
  readonly startServerMs: number;
}

/** The promises of `bridge/source.ts`; every source passes them. */
export function testSource(subject: SourceUnderTest): void {
  const { name, symbol } = subject;
  const fromStart: TickRequest = { symbol, fromServerMs: subject.startServerMs };

  Deno.test(`${name} names itself, its symbols and its account`, async () => {
    await using source = await subject.open();
    assert.match(source.name, /^[^:]+:[^:]+$/);
    const symbols = await source.symbols();
    const names = symbols.map((entry) => entry.symbol);
    assert.ok(names.includes(symbol));
    assert.equal(new Set(names).size, names.length);
    assert.ok((await source.account()).currency.length > 0);
  });

  Deno.test(`${name} gives the same ticks whenever history is read again`, async () => {
    await using first = await subject.open();
    await using second = await subject.open();
    const once = await history(first, [fromStart]);
    assert.ok(once.length > 10);
    assert.deepEqual(payloads(await history(first, [fromStart])), payloads(once));
    assert.deepEqual(payloads(await history(second, [fromStart])), payloads(once));
  });

  Deno.test(`${name} reads from a server ms inclusive and leaves out nothing after it`, async () => {
    await using source = await subject.open();
    const all = await history(source, [fromStart]);
    const middle = all.find((ticks) => ticks.serverMs(0) >= subject.middleServerMs);
    assert.ok(middle !== undefined);
    const fromServerMs = middle.serverMs(0);
    const expected = all.filter((ticks) => ticks.serverMs(0) >= fromServerMs);
    assert.ok(expected.length < all.length);
    const read = await history(source, [{ symbol, fromServerMs }]);
    assert.deepEqual(payloads(read), payloads(expected));
  });

  Deno.test(`${name} says live once, and its watermark never goes back`, async () => {
    await using source = await subject.open();
    const events = await until(source, [fromStart], (event) => event.type === "live");
    const live = events.filter((event) => event.type === "live");
    assert.equal(live.length, 1);
    let watermark = -Infinity;
    for (const event of events) {
      if (event.type !== "clock") continue;
      assert.ok(event.watermarkServerMs >= watermark);
      watermark = event.watermarkServerMs;
    }
    assert.ok(watermark > subject.startServerMs);
  });

  Deno.test(`${name} ends its stream when the signal aborts`, async () => {
    await using source = await subject.open();
    const stop = new AbortController();
    let seen = 0;
    for await (const _ of source.stream([fromStart], stop.signal)) {
      if (++seen === 1) stop.abort();
      assert.ok(seen < 100);
    }
    assert.ok(seen >= 1);
  });

  Deno.test(`${name} makes bars whose ticks are the symbol's own`, async () => {
    await using source = await subject.open();
    const fromServerMs = Math.ceil(subject.startServerMs / 60_000) * 60_000;
    const toServerMs = fromServerMs + 600_000;
    const bars = await source.bars({ symbol, timeframe: "1m", fromServerMs, toServerMs });
    const ticks = (await history(source, [fromStart])).filter((tick) =>
      bars.some(({ openServerMs }) =>
        tick.serverMs(0) >= openServerMs && tick.serverMs(0) < openServerMs + 60_000
      )
    );
    assert.ok(bars.length > 0);
    assert.equal(bars.reduce((sum, bar) => sum + bar.tickVolume, 0), ticks.length);
    for (const bar of bars) assert.ok(bar.low <= bar.open && bar.close <= bar.high);
  });
}

/** One-tick blocks of everything up to `live`. */
export async function history(
  source: Source,
  requests: readonly TickRequest[],
): Promise<Ticks[]> {
  const events = await until(source, requests, (event) => event.type === "live");
  return singles(events);
}

export function singles(events: readonly SourceEvent[]): Ticks[] {
  return events.flatMap((event) =>
    event.type === "ticks"
      ? Array.from({ length: event.ticks.count }, (_, at) => event.ticks.slice(at, at + 1))
      : []
  );
}

export function payloads(ticks: readonly Ticks[]): string[] {
  return ticks.map((tick) => tick.payloadKey(0));
}

export async function until(
  source: Source,
  requests: readonly TickRequest[],
  isLast: (event: SourceEvent) => boolean,
): Promise<SourceEvent[]> {
  const stop = new AbortController();
  const events: SourceEvent[] = [];
  for await (const event of source.stream(requests, stop.signal)) {
    events.push(event);
    if (isLast(event)) break;
  }
  return events;
}
