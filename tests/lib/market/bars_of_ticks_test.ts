import assert from "node:assert/strict";
import fc from "fast-check";
import { barsOfBars, isMadeOf } from "../../../lib/market/bars_of_bars.ts";
import { barRange, barsOfTicks } from "../../../lib/market/bars_of_ticks.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { TIMEFRAME_LABELS, TIMEFRAMES } from "../../../lib/market/timeframe.ts";

const FEBRUARY = Date.parse("2024-02-01T00:00:00Z"), MARCH = Date.parse("2024-03-01T00:00:00Z");
const DAY_MS = 86_400_000;
const everything = { symbol: "EURUSD", fromServerMs: 0, toServerMs: Infinity };

function ticksAt(quotes: readonly (readonly [serverMs: number, bid: number])[]): Ticks {
  const ticks = Ticks.ofLength(quotes.length);
  quotes.forEach(([serverMs, bid], index) => {
    ticks.set(index, { serverMs, bid, ask: bid + 1, last: NaN, volume: NaN, flags: 6 });
  });
  return ticks;
}

function bars(timeframe: string, quotes: readonly (readonly [number, number])[]) {
  const ticks = [ticksAt(quotes)];
  return barsOfTicks({ ...everything, timeframe }, { ticks, presentServerMs: Infinity });
}

Deno.test("a month of ticks is one bar of bids, a leap day included", async () => {
  const quotes = [[FEBRUARY, 5], [FEBRUARY + DAY_MS, 9], [MARCH - 1, 4], [MARCH, 7]] as const;
  assert.deepEqual(await bars("1M", quotes), [
    { openServerMs: FEBRUARY, open: 5, high: 9, low: 4, close: 4, tickVolume: 3 },
    { openServerMs: MARCH, open: 7, high: 7, low: 7, close: 7, tickVolume: 1 },
  ]);
});

Deno.test("the ways of writing a timeframe mean the same bars, and m is no M", async () => {
  const quotes = [[MARCH, 1], [MARCH + 60_000, 2], [MARCH + 3_600_000, 3]] as const;
  assert.deepEqual(await bars("1h", quotes), await bars("1H", quotes));
  assert.deepEqual(await bars("1m", quotes), await bars("1MIN", quotes));
  assert.equal((await bars("1m", quotes)).length, 3);
  assert.equal((await bars("1mo", quotes)).length, 1);
});

Deno.test("a timeframe that is none is refused by its name", async () => {
  await assert.rejects(bars("2H", []), { name: "RangeError", message: /current value is 2H$/ });
  assert.throws(() => barRange({ ...everything, timeframe: "M1" }), /current value is M1$/);
});

Deno.test("only finished bars that open within the range are given", async () => {
  const quotes = [[MARCH - 1, 1], [MARCH, 2], [MARCH + DAY_MS, 3], [
    MARCH + 2 * DAY_MS,
    4,
  ]] as const;
  const request = { ...everything, timeframe: "1D", fromServerMs: MARCH };
  const presentServerMs = MARCH + 3 * DAY_MS - 1;
  const given = await barsOfTicks(request, { ticks: [ticksAt(quotes)], presentServerMs });
  assert.deepEqual(given.map(({ openServerMs }) => openServerMs), [MARCH, MARCH + DAY_MS]);
});

Deno.test("whole bars are read for a range that cuts them", () => {
  const half = { ...everything, timeframe: "1M", fromServerMs: FEBRUARY + 1 };
  assert.deepEqual(barRange({ ...half, toServerMs: MARCH + 1 }), {
    fromServerMs: MARCH,
    toServerMs: Date.parse("2024-04-01T00:00:00Z"),
  });
});

Deno.test("an hour that a clock shows twice is one bar, after an hour in between too", async () => {
  const again = [[MARCH, 2], [MARCH + 3_600_000, 3], [MARCH + 1, 1]] as const;
  assert.deepEqual(await bars("1H", again), [
    { openServerMs: MARCH, open: 2, high: 2, low: 1, close: 1, tickVolume: 2 },
    { openServerMs: MARCH + 3_600_000, open: 3, high: 3, low: 3, close: 3, tickVolume: 1 },
  ]);
});

Deno.test("bars made of shorter bars are the bars of the ticks", async () => {
  const pairs = TIMEFRAME_LABELS.flatMap((longer) =>
    TIMEFRAME_LABELS.filter((finer) => isMadeOf(TIMEFRAMES[longer], TIMEFRAMES[finer]))
      .map((finer) => [longer, finer] as const)
  );
  assert.ok(pairs.length > 25);
  assert.ok(!pairs.some(([longer, finer]) => longer === "1M" && finer === "1W"));
  const quote = fc.tuple(fc.integer({ min: 0, max: 90 * DAY_MS }), fc.integer({ min: 1, max: 99 }));
  const property = fc.asyncProperty(
    fc.constantFrom(...pairs),
    fc.array(quote, { maxLength: 60 }),
    async ([longer, finer], offsets) => {
      const quotes = offsets.map(([ms, bid]) => [FEBRUARY + ms, bid] as const)
        .sort(([a], [b]) => a - b);
      assert.deepEqual(
        barsOfBars(TIMEFRAMES[longer], await bars(finer, quotes)),
        await bars(longer, quotes),
      );
    },
  );
  await fc.assert(property);
});
