import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Tick, Ticks } from "../../lib/market/tick.ts";
import { toUtcMs } from "../../lib/time/server_zone.ts";
import { pythonWithNumpy } from "../support/python.ts";
import {
  DATA,
  delivered,
  FakeTerminal,
  isMissing,
  quote,
  quotes,
  recordedDay,
  SERVER_ZONE,
  serverMs,
  sortedRows,
} from "../support/fake_mt5.ts";

const ignore = pythonWithNumpy() === undefined;
const HOUR = 3_600_000;

/** What terminals put among plain quotes: undocumented flags, flags alone, trades. */
function odd(tick: Tick, nth: number): Tick {
  if (nth % 997 === 5) return { ...tick, bid: 0, ask: 0, flags: 1024 };
  if (nth % 499 === 7) return { ...tick, last: tick.bid, volume: 2.5, flags: 8 | 16 | 32 };
  return { ...tick, flags: [6, 130, 1154, 1026][nth % 4] ?? 0 };
}

for (
  const [vendor, utcOffsetHours] of [["oanda", 0], ["fxcm", 5]] as const
) {
  const path = `ticks/lean_${vendor}/tick/eurusd/20140506_quote.zip`;
  Deno.test({
    name: `a recorded ${vendor} day comes through pages and live reads as its source has it`,
    ignore: ignore || isMissing(path),
    async fn() {
      const midnightMs = Date.UTC(2014, 4, 6) + utcOffsetHours * HOUR;
      const day = await recordedDay(path, midnightMs);
      const marked = day.map(odd);
      await using terminal = await FakeTerminal.start({
        // The last hours pass in six seconds: time enough to read the others on a busy machine.
        clock: { startUtcMs: midnightMs + 22 * HOUR, hostMs: Date.now() + 4000, speed: 4000 },
        symbols: { EURUSD: { ticks: Ticks.from(marked) } },
      });
      const driver = await terminal.opened({ pageTicks: 9000, pollMs: 5 });
      await driver.watch("EURUSD");
      const history = await driver.history("EURUSD", serverMs(midnightMs));
      assert.ok(history.count < day.length, "some of it is still to come");
      await driver.until(() => history.count + driver.liveCount("EURUSD") >= day.length);
      const got = Ticks.concat([history, driver.live("EURUSD")]);
      const wanted = delivered(marked, serverMs);
      assert.equal(got.count, wanted.count);
      assert.deepEqual(got.bytes, wanted.bytes);
      assert.equal(driver.stderr, "");
      assert.equal((await driver.close()).code, 0);
    },
  });
}

const FINIEX = "ticks/mt5_finiex/20260128/";
Deno.test({
  name: "four symbols of a recorded terminal come each in its own order",
  ignore: ignore || isMissing(FINIEX),
  async fn() {
    const recorded = new Map<string, Tick[]>();
    for await (const { name } of Deno.readDir(new URL(FINIEX, DATA))) {
      const text = await Deno.readTextFile(new URL(FINIEX + name, DATA));
      const { metadata, ticks } = JSON.parse(text);
      recorded.set(
        metadata.symbol,
        ticks.map((tick: { time_msc: number; bid: number; ask: number }) =>
          quote(tick.time_msc, tick.bid, tick.ask)
        ),
      );
    }
    const stamps = [...recorded.values()].flat().map((tick) => tick.serverMs);
    const startUtcMs = toUtcMs((Math.min(...stamps) + Math.max(...stamps)) / 2, SERVER_ZONE);
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs, hostMs: Date.now(), speed: 100 },
      symbols: Object.fromEntries(
        [...recorded].map((
          [name, ticks],
        ) => [name, { ticks: Ticks.from(ticks), stamps: "server" }]),
      ),
    });
    const driver = await terminal.opened({ pollMs: 5, pageTicks: 10 });
    await driver.watch(...recorded.keys());
    for (const [name, ticks] of recorded) {
      const history = await driver.history(name, Math.min(...stamps));
      await driver.until(() => history.count + driver.liveCount(name) >= ticks.length);
      const got = Ticks.concat([history, driver.live(name)]);
      assert.deepEqual(got.bytes, delivered(ticks, (ms) => ms).bytes, name);
    }
  },
});

Deno.test({
  name: "equal milliseconds in another order and late ticks are delivered once each",
  ignore,
  async fn() {
    const fromMs = Date.UTC(2026, 5, 10, 12);
    // Eight ticks a stamp, in pairs that are alike in every byte.
    const ticks = Array.from(
      { length: 6000 },
      (_, index) => quote(fromMs + (index >> 3) * 40, 1 + (index >> 1) / 100_000),
    );
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: fromMs + 10_000, hostMs: Date.now(), speed: 10 },
      reorderSeed: 7,
      symbols: { EURUSD: { ticks: Ticks.from(ticks), late: { every: 11, byMs: 1500 } } },
    });
    const driver = await terminal.opened({ pollMs: 5, pageTicks: 500 });
    await driver.watch("EURUSD");
    const history = await driver.history("EURUSD", serverMs(fromMs));
    await driver.until(() => history.count + driver.liveCount("EURUSD") >= ticks.length);
    const got = Ticks.concat([history, driver.live("EURUSD")]);
    assert.deepEqual(sortedRows(got), sortedRows(delivered(ticks, serverMs)));
  },
});

Deno.test({
  name: "a reader that joins gets by its page and what follows exactly what the first one gets",
  ignore,
  async fn() {
    const fromMs = Date.UTC(2026, 5, 10, 12);
    const ticks = quotes(fromMs, 25, 12_000);
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: fromMs + 20_000, hostMs: Date.now(), speed: 60 },
      symbols: { EURUSD: { ticks: Ticks.from(ticks), late: { every: 7, byMs: 900 } } },
    });
    const driver = await terminal.opened({ pollMs: 25, pageTicks: 3000 });
    await driver.watch("EURUSD");
    const readers = [{
      fromMs: serverMs(fromMs),
      ticks: [await driver.history("EURUSD", serverMs(fromMs))],
    }];
    // Before what is read again each time, within it, and ahead of all there is.
    for (const agoMs of [30_000, 700, -20_000]) {
      const count = driver.liveCount("EURUSD", 0);
      await driver.until(() => driver.liveCount("EURUSD", 0) > count + 500);
      const live = driver.live("EURUSD", 0);
      const from = live.serverMs(live.count - 1) - agoMs;
      readers.push({ fromMs: from, ticks: [await driver.history("EURUSD", from)] });
    }
    const wanted = delivered(ticks, serverMs);
    const first = wanted.count - (readers[0]?.ticks[0]?.count ?? 0);
    await driver.until(() => driver.liveCount("EURUSD", 0) >= first);
    for (const [nth, reader] of readers.entries()) {
      const got = Ticks.concat([...reader.ticks, driver.live("EURUSD", nth)]);
      assert.deepEqual(
        sortedRows(from(got, reader.fromMs)),
        sortedRows(from(wanted, reader.fromMs)),
      );
    }
  },
});

Deno.test({
  name: "a tick is new once, in whatever order, however late and however often it is read",
  ignore,
  async fn() {
    const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
    const { success, stderr } = await new Deno.Command(pythonWithNumpy() ?? "python3", {
      args: ["-B", here("mt5_ticks_check.py"), here("../../bridge/terminals")],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  },
});

/** Those stamped at or after a time. */
function from(ticks: Ticks, fromMs: number): Ticks {
  const parts: Ticks[] = [];
  for (let index = 0; index < ticks.count; index++) {
    if (ticks.serverMs(index) >= fromMs) parts.push(ticks.slice(index, index + 1));
  }
  return Ticks.concat(parts);
}
