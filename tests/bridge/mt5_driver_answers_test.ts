import assert from "node:assert/strict";
import { Ticks } from "../../lib/market/tick.ts";
import { failedWith, FakeTerminal, quotes, serverMs } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";

const ignore = pythonWithNumpy() === undefined;
const HOUR = 3_600_000, DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 5, 10, 12);
const clock = { startUtcMs: NOON, hostMs: Date.now(), speed: 1 };

Deno.test({
  name: "all symbols come with all fields of the vendor, as JSON scalars, in several frames",
  ignore,
  async fn() {
    const names = Array.from({ length: 250 }, (_, nth) => `SYM${nth}.m`);
    const symbols = Object.fromEntries(names.map((name, nth) => [
      name,
      { info: { digits: nth % 6, description: "Euro \u20ac", swap_long: -1.5 } },
    ]));
    await using terminal = await FakeTerminal.start({ clock, symbols });
    const driver = await terminal.opened();
    const got: { rawName: string; digits: number; fields: Record<string, unknown> }[] = [];
    const last = await driver.ask("symbols", { type: "symbols" }, (part) => {
      assert.ok(part.type === "symbols");
      got.push(...part.symbols);
    });
    got.push(...last.symbols);
    assert.deepEqual(got.map(({ rawName }) => rawName), names);
    assert.equal(got[7]?.digits, 1);
    const { fields = {} } = got[7] ?? {};
    assert.equal(Object.keys(fields).length, 96);
    assert.equal(fields.option_strike, null, "no number");
    assert.equal(fields.description, "Euro \u20ac");
    assert.equal(fields.swap_long, -1.5);
  },
});

Deno.test({
  name: "unknown symbols fail the whole watch by name, one that is slow to be selected does not",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start({
      clock,
      faults: [{ fn: "symbol_select", symbol: "EURUSD", kind: "none", code: -1, from: 3 }],
      symbols: { EURUSD: { ticks: Ticks.from(quotes(NOON - HOUR, 1000, 10)) }, GBPUSD: {} },
    });
    const driver = await terminal.opened({ selectTries: 2 });
    await assert.rejects(
      driver.watch("EURUSD", "EURUSDm", "NONE"),
      failedWith("not_found", /EURUSDm, NONE$/),
    );
    await assert.rejects(driver.page("EURUSD", "now"), failedWith("not_found", /EURUSD/));
    await driver.watch("EURUSD", "GBPUSD");
    await driver.watch("EURUSD", "GBPUSD");
    assert.equal((await driver.history("EURUSD", serverMs(NOON - HOUR))).count, 10);
    assert.equal((await driver.history("GBPUSD", serverMs(NOON - HOUR))).count, 0);
    await driver.send({ type: "unwatch", indexes: [0] });
    await assert.rejects(driver.page("EURUSD", "now"), failedWith("not_found", /EURUSD/));
    assert.equal((await driver.page("GBPUSD", "now")).nextServerMs, null);
  },
});

Deno.test({
  name: "what follows `now` is what happens after it, also for a symbol that had no quote yet",
  ignore,
  async fn() {
    const ticks = quotes(NOON - HOUR, 1000, 5000);
    const late = quotes(NOON + 60_000, 1000, 300);
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON, hostMs: Date.now(), speed: 60 },
      symbols: { EURUSD: { ticks: Ticks.from(ticks) }, XAUUSD: { ticks: Ticks.from(late) } },
    });
    const driver = await terminal.opened({ pollMs: 5, maxPollMs: 20 });
    await driver.watch("EURUSD", "XAUUSD");
    const page = await driver.page("EURUSD", "now");
    assert.equal(page.nextServerMs, null);
    assert.equal(page.ticks.count, 0);
    await driver.page("XAUUSD", "now");
    await driver.until(() => driver.liveCount("XAUUSD") >= 100);
    await driver.until(() => driver.liveCount("EURUSD") >= 100);
    assert.equal(driver.live("XAUUSD").serverMs(0), serverMs(NOON + 60_000));
    const live = driver.live("EURUSD");
    assert.ok(live.serverMs(0) > serverMs(NOON));
    for (let nth = 1; nth < live.count; nth++) {
      assert.equal(live.serverMs(nth), live.serverMs(nth - 1) + 1000);
    }
    const shown = driver.saidOf("present").flatMap(({ newestServerMs }) => newestServerMs ?? []);
    assert.ok(shown.length > 0);
    assert.deepEqual(shown, shown.toSorted((a, b) => a - b));
  },
});

Deno.test({
  name: "bars come whole in reads below the terminal's limit, without the one that is forming",
  ignore,
  async fn() {
    const from = Date.UTC(2023, 5, 1);
    const ticks = quotes(from, 20 * 60_000, 84_000).filter(({ serverMs }) => serverMs <= NOON);
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON + 10 * 60_000, hostMs: Date.now(), speed: 1 },
      maxbars: 3000,
      // A terminal that gives fewer than it says, and one that is not ready.
      faults: [
        { fn: "copy_rates_range", kind: "none", code: -2, to: 3 },
        { fn: "copy_rates_range", kind: "none", code: -1, from: 20 },
        { fn: "copy_rates_from_pos", kind: "none", code: -1 },
      ],
      symbols: { EURUSD: { ticks: Ticks.from(ticks), warmUp: { reads: 2 } } },
    });
    const driver = await terminal.opened();
    const bars = async (timeframe: string, fromServerMs: number, toServerMs: number) => {
      const got: number[][] = [];
      const answer = await driver.ask(
        "bars",
        { type: "bars", rawName: "EURUSD", timeframe, fromServerMs, toServerMs },
        (part) => got.push(...part.type === "bars" ? part.bars : []),
      );
      return [...got, ...answer.bars];
    };
    const hours = await bars("1H", serverMs(from), serverMs(NOON) + DAY);
    const lastOpen = hours.at(-1)?.[0] ?? 0;
    assert.equal(lastOpen, serverMs(NOON) - HOUR, "12:00 to 13:00 is not over at 12:10");
    assert.ok(hours.length > 26_000, `${hours.length} bars`);
    for (const [nth, [open = 0]] of hours.entries()) {
      if (nth > 0) assert.ok(open > (hours[nth - 1]?.[0] ?? 0), "oldest first, none twice");
    }
    assert.deepEqual(hours[5], hours.find(([open]) => open === serverMs(from) + 5 * HOUR));
    const [, open = 0, high = 0, low = 0, close = 0, volume] = hours[5] ?? [];
    assert.ok(low <= open && open < high && close === high);
    assert.equal(volume, 3);
    const two = await bars("1h", lastOpen - HOUR, lastOpen);
    assert.deepEqual(two.map(([at]) => at), [lastOpen - HOUR]);
    const months = await bars("1M", serverMs(from) - 40 * DAY, serverMs(NOON) + DAY);
    assert.equal(months.at(-1)?.[0], Date.UTC(2026, 4, 1), "June has not ended");
    const weeks = await bars("1W", serverMs(from), serverMs(NOON) + DAY);
    assert.ok(weeks.length > 150, `${weeks.length} weeks`);
    assert.ok(weeks.every(([at = NaN]) => new Date(at).getUTCDay() === 0 && at % DAY === 0));
    assert.ok((weeks.at(-1)?.[0] ?? NaN) + 7 * DAY <= serverMs(NOON));
    const minute = [serverMs(from), serverMs(from) + 40 * 60_000] as const;
    assert.deepEqual(await bars("1MIN", ...minute), await bars("1m", ...minute));
    await assert.rejects(bars("7m", 0, 1), failedWith("bad_request", /timeframe is 7m/));
    await assert.rejects(
      driver.ask("bars", {
        type: "bars",
        rawName: "NONE",
        timeframe: "1H",
        fromServerMs: 0,
        toServerMs: 1,
      }),
      failedWith("not_found", /NONE/),
    );
  },
});
