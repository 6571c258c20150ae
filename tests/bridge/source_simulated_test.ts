import assert from "node:assert/strict";
import { type SimulatedOptions, SimulatedSource } from "../../bridge/source_simulated.ts";
import { parseServerZone, toServerMs } from "../../lib/time/server_zone.ts";
import { history, payloads, singles, testSource, until } from "../contract/source_suite.ts";

const clock = parseServerZone("America/New_York+7h");
const NOON = Date.parse("2026-03-04T12:00:00Z");
const serverMs = (utcMs: number) => toServerMs(utcMs, clock);

function simulated(options: Partial<SimulatedOptions> = {}): SimulatedSource {
  return new SimulatedSource({
    seed: 1,
    ticksPerSecond: 60,
    alwaysOpen: true,
    clock,
    historyMs: 30 * 86_400_000,
    barHistoryMs: 12 * 366 * 86_400_000,
    now: () => NOON,
    ...options,
  });
}

testSource({
  name: "the simulated market",
  open: () => Promise.resolve(simulated()),
  symbol: "EURUSD",
  startServerMs: serverMs(NOON - 600_000) + 123,
  middleServerMs: serverMs(NOON - 200_000),
});

Deno.test("a simulated second is the same whatever was read before it", async () => {
  const symbols = (await simulated().symbols()).map(({ symbol }) => symbol);
  const of = (from: number) =>
    symbols.map((symbol) => ({ symbol, fromServerMs: serverMs(NOON - from) }));
  const later = await history(simulated(), of(5000));
  const all = await history(simulated(), of(65_000));
  const tail = all.filter((tick) => tick.serverMs(0) >= serverMs(NOON - 5000));
  assert.deepEqual(payloads(tail).sort(), payloads(later).sort());
});

Deno.test("another seed invents other ticks", async () => {
  const request = [{ symbol: "EURUSD", fromServerMs: serverMs(NOON - 60_000) }];
  const one = await history(simulated(), request);
  const two = await history(simulated({ seed: 2 }), request);
  assert.notDeepEqual(payloads(one), payloads(two));
});

Deno.test("simulated prices are quotes with the symbol's decimals", async () => {
  const source = simulated({ ticksPerSecond: 2000 });
  for (const { symbol, digits } of await source.symbols()) {
    const ticks = await history(source, [{ symbol, fromServerMs: serverMs(NOON - 3000) }]);
    for (const tick of ticks) {
      assert.ok(tick.ask(0) > tick.bid(0) && tick.bid(0) > 0);
      assert.equal(Number(tick.bid(0).toFixed(digits)), tick.bid(0));
    }
  }
});

Deno.test("spreads widen at the roll and the same ms holds several ticks", async () => {
  const roll = Date.parse("2026-03-04T22:00:00Z");
  const spread = async (now: number) => {
    const source = simulated({ now: () => now, ticksPerSecond: 2000 });
    const ticks = await history(source, [{
      symbol: "EURUSD",
      fromServerMs: serverMs(now - 20_000),
    }]);
    const sum = ticks.reduce((total, tick) => total + tick.ask(0) - tick.bid(0), 0);
    const times = ticks.map((tick) => tick.serverMs(0));
    assert.ok(new Set(times).size < times.length);
    assert.deepEqual(times, times.toSorted((a, b) => a - b));
    return sum / ticks.length;
  };
  assert.ok(await spread(roll) > 3 * await spread(NOON));
});

Deno.test("a market that closes has no ticks from Friday to Sunday 17:00 New York", async () => {
  const saturday = Date.parse("2026-03-07T12:00:00Z");
  const source = simulated({ alwaysOpen: false, now: () => saturday });
  const ticks = await history(source, [
    { symbol: "EURUSD", fromServerMs: serverMs(saturday - 86_400_000) },
  ]);
  const close = serverMs(Date.parse("2026-03-06T22:00:00Z"));
  assert.ok(ticks.length > 0);
  assert.ok(ticks.every((tick) => tick.serverMs(0) < close));
});

Deno.test("history goes back as far as its limit", async () => {
  const source = simulated({ historyMs: 60_000 });
  const ticks = await history(source, [{ symbol: "EURUSD", fromServerMs: 0 }]);
  assert.ok(ticks.length > 0);
  assert.ok(ticks.every((tick) => tick.serverMs(0) >= serverMs(NOON - 60_000)));
});

Deno.test("a market with an end delivers every tick up to it, then ends", async () => {
  const source = simulated({ fromUtcMs: NOON - 60_000, untilUtcMs: NOON - 1, once: true });
  const events = await until(
    source,
    [{ symbol: "EURUSD", fromServerMs: 0 }],
    (event) => event.type === "ended",
  );
  assert.deepEqual(events.filter(({ type }) => type === "live" || type === "ended"), [
    { type: "live" },
    { type: "ended" },
  ]);
  assert.ok(singles(events).every((tick) => tick.serverMs(0) < serverMs(NOON - 1)));
});

for (const heals of [true, false]) {
  Deno.test(`after an outage the stream ${heals ? "brings" : "lacks"} its ticks`, async () => {
    const fromUtcMs = NOON + 1000, toUtcMs = NOON + 4000;
    let now = NOON;
    const source = simulated({
      now: () => now += 50,
      ticksPerSecond: 2000,
      outage: { fromUtcMs, toUtcMs, heals },
    });
    const events = await until(
      source,
      [{ symbol: "EURUSD", fromServerMs: "now" }],
      (event) => event.type === "clock" && event.watermarkServerMs > serverMs(toUtcMs + 500),
    );
    const states = events.flatMap((event) => event.type === "feed" ? [event.state] : []);
    assert.deepEqual(states, ["down", "up"]);
    const down = events.findIndex(({ type }) => type === "feed");
    assert.equal(events[down + 1]?.type, "feed");
    const missed = singles(events).filter((tick) =>
      tick.serverMs(0) >= serverMs(fromUtcMs) && tick.serverMs(0) < serverMs(toUtcMs)
    );
    assert.equal(missed.length > 0, heals);
  });
}

Deno.test("live ticks follow history without a seam", async () => {
  let now = NOON;
  const source = simulated({ now: () => now += 20, ticksPerSecond: 500 });
  const fromServerMs = serverMs(NOON - 5000);
  const events = await until(
    source,
    [{ symbol: "EURUSD", fromServerMs }],
    (event) => event.type === "clock" && event.watermarkServerMs > serverMs(NOON + 3000),
  );
  const watermark = events.findLast((event) => event.type === "clock")?.watermarkServerMs ?? 0;
  const later = simulated({ now: () => NOON + 60_000, ticksPerSecond: 500 });
  const expected = (await history(later, [{ symbol: "EURUSD", fromServerMs }]))
    .filter((tick) => tick.serverMs(0) < watermark);
  assert.deepEqual(payloads(singles(events)), payloads(expected));
});

Deno.test("a market with a vendor's habits brings the same ticks, in another order each time", async () => {
  const end = { fromUtcMs: NOON - 60_000, untilUtcMs: NOON, once: true, ticksPerSecond: 2000 };
  const requests = [{ symbol: "EURUSD", fromServerMs: 0 }];
  const read = async (source: SimulatedSource) =>
    payloads(singles(await until(source, requests, ({ type }) => type === "ended")));
  const straight = await read(simulated(end));
  const source = simulated({ ...end, disorder: { seed: 1, lateMs: 2000 } });
  const first = await read(source), second = await read(source);
  assert.notDeepEqual(first, second);
  assert.deepEqual(first.toSorted(), straight.toSorted());
  assert.deepEqual(second.toSorted(), straight.toSorted());
});
