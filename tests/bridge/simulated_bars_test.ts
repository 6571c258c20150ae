import assert from "node:assert/strict";
import { type SimulatedOptions, SimulatedSource } from "../../bridge/source_simulated.ts";
import { barsOfBars } from "../../lib/market/bars_of_bars.ts";
import { barsOfTicks } from "../../lib/market/bars_of_ticks.ts";
import { openOf, TIMEFRAMES } from "../../lib/market/timeframe.ts";
import { parseServerZone, toServerMs } from "../../lib/time/server_zone.ts";
import { history } from "../contract/source_suite.ts";

const clock = parseServerZone("America/New_York+7h");
const NOON = Date.parse("2026-03-04T12:00:00Z"), NOON_SERVER_MS = toServerMs(NOON, clock);
const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS, YEAR_MS = 366 * DAY_MS;

function simulated(options: Partial<SimulatedOptions> = {}): SimulatedSource {
  return new SimulatedSource({
    ...{ seed: 1, ticksPerSecond: 60, alwaysOpen: false, clock, now: () => NOON },
    ...{ historyMs: 30 * DAY_MS, barHistoryMs: 12 * YEAR_MS },
    ...options,
  });
}

function request(timeframe: string, agoMs: number, symbol = "EURUSD") {
  const toServerMs = NOON_SERVER_MS + DAY_MS;
  return { symbol, timeframe, fromServerMs: NOON_SERVER_MS - agoMs, toServerMs };
}

for (
  const zone of ["America/New_York+7h", "Europe/Athens", "Asia/Kolkata", "Australia/Lord_Howe"]
) {
  Deno.test(`on ${zone} days and months are made of their hours, summer time or not`, async () => {
    const source = simulated({ clock: parseServerZone(zone), alwaysOpen: true });
    const hours = await source.bars(request("1H", 2 * YEAR_MS));
    assert.ok(hours.every(({ openServerMs }) => openServerMs % HOUR_MS === 0));
    assert.equal(new Set(hours.map(({ openServerMs }) => openServerMs)).size, hours.length);
    for (const label of ["4H", "1D", "1W", "1M"] as const) {
      const longer = await source.bars(request(label, YEAR_MS));
      assert.ok(longer.length > 10);
      const fromServerMs = longer[0]?.openServerMs ?? NaN;
      const made = barsOfBars(
        TIMEFRAMES[label],
        hours.filter(({ openServerMs }) => openServerMs >= fromServerMs),
      );
      assert.deepEqual(longer, made.slice(0, longer.length), label);
    }
  });
}

Deno.test("bars of years are the same whatever is asked before, and in which pieces", async () => {
  const wanted = request("4H", 3 * YEAR_MS, "XAUUSD");
  const whole = await simulated().bars(wanted);
  const source = simulated();
  await source.bars(request("1D", YEAR_MS));
  const middleServerMs = NOON_SERVER_MS - YEAR_MS - 1234;
  const pieces = [
    ...await source.bars({ ...wanted, toServerMs: middleServerMs }),
    ...await source.bars({ ...wanted, fromServerMs: middleServerMs }),
  ];
  assert.deepEqual(pieces, whole);
  assert.notDeepEqual(await simulated({ seed: 2 }).bars(wanted), whole);
});

Deno.test("only finished bars are given, as far back as bars go, and ticks are not asked for", async () => {
  const barHistoryMs = 3 * YEAR_MS;
  const source = simulated({ barHistoryMs, fromUtcMs: NOON - 60_000 });
  for (const label of ["1H", "1D", "1M"] as const) {
    const bars = await source.bars(request(label, 20 * YEAR_MS));
    const [first] = bars, last = bars.at(-1);
    const timeframe = TIMEFRAMES[label], atMost = timeframe.lengthMs ?? 31 * DAY_MS;
    const oldestServerMs = toServerMs(NOON - barHistoryMs, clock);
    assert.ok((first?.openServerMs ?? 0) >= oldestServerMs);
    assert.ok((first?.openServerMs ?? 0) <= oldestServerMs + atMost + 3 * DAY_MS);
    assert.ok(bars.every(({ openServerMs: at }) => openOf(timeframe, at) === at));
    assert.ok((last?.openServerMs ?? Infinity) < openOf(timeframe, NOON_SERVER_MS));
  }
});

Deno.test("no bar lies in hours in which the market is closed", async () => {
  const hours = await simulated().bars(request("1H", YEAR_MS));
  const days = await simulated().bars(request("1D", YEAR_MS));
  const weekday = ({ openServerMs }: { openServerMs: number }) =>
    new Date(openServerMs).getUTCDay();
  // On a clock seven hours ahead of New York's the week is Monday to Friday, whole days.
  assert.deepEqual([...new Set(hours.map(weekday))].sort(), [1, 2, 3, 4, 5]);
  assert.deepEqual([...new Set(days.map(weekday))].sort(), [1, 2, 3, 4, 5]);
});

Deno.test("an hour of a symbol lies where its ticks lie", async () => {
  const source = simulated({ ticksPerSecond: 200 });
  for (const symbol of ["EURUSD", "XAUUSD", "USDJPY"]) {
    const wanted = { ...request("1H", 2 * HOUR_MS, symbol), toServerMs: NOON_SERVER_MS };
    const ticks = await history(source, [wanted]);
    const presentServerMs = NOON_SERVER_MS;
    const ofTicks = await barsOfTicks(wanted, { ticks, presentServerMs });
    const hours = await source.bars(wanted);
    assert.equal(hours.length, 2);
    hours.forEach((hour, at) => {
      const own = ofTicks[at];
      assert.ok(own !== undefined && own.openServerMs === hour.openServerMs);
      for (const price of ["open", "high", "low", "close"] as const) {
        assert.ok(Math.abs(hour[price] / own[price] - 1) < 0.0003, `${symbol} ${price}`);
      }
      assert.ok(hour.low <= Math.min(hour.open, hour.close));
      assert.ok(hour.high >= Math.max(hour.open, hour.close));
      assert.ok(Math.abs(hour.tickVolume / own.tickVolume - 1) < 0.4);
    });
  }
});

Deno.test("bars under an hour are those of the ticks, by every way to write them", async () => {
  const source = simulated();
  const fromServerMs = NOON_SERVER_MS - HOUR_MS;
  for (const [label, count] of [["1MIN", 60], ["5m", 12], ["30MIN", 2]] as const) {
    const wanted = { ...request(label, HOUR_MS), toServerMs: NOON_SERVER_MS };
    const ticks = await history(source, [{ symbol: "EURUSD", fromServerMs }]);
    const bars = await source.bars(wanted);
    assert.equal(bars.length, count);
    assert.deepEqual(bars, await barsOfTicks(wanted, { ticks, presentServerMs: NOON_SERVER_MS }));
  }
  await assert.rejects(source.bars(request("2H", DAY_MS)), /current value is 2H$/);
});

Deno.test("while ten years of bars are made, others have their turns", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  try {
    const bars = await simulated({ alwaysOpen: true }).bars(request("1M", 10 * YEAR_MS));
    assert.equal(bars.length, 120);
    assert.ok(turns >= 10, `${turns} turns`);
  } finally {
    clearInterval(timer);
  }
});

Deno.test("a bar is the same however much of its ticks' history is left", async () => {
  let nowMs = NOON;
  const source = simulated({ historyMs: HOUR_MS, now: () => nowMs });
  const wanted = request("5MIN", 2 * HOUR_MS);
  const before = await source.bars(wanted);
  nowMs += 7 * 60_000 + 1;
  const after = await source.bars(wanted);
  assert.equal(before[0]?.openServerMs, NOON_SERVER_MS - HOUR_MS);
  const oldest = after[0]?.openServerMs ?? NaN;
  assert.equal(oldest, NOON_SERVER_MS - HOUR_MS + 10 * 60_000);
  const shared = before.filter(({ openServerMs }) => openServerMs >= oldest);
  assert.deepEqual(after.slice(0, shared.length), shared);
});
