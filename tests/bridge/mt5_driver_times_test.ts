import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Ticks } from "../../lib/market/tick.ts";
import {
  delivered,
  FakeTerminal,
  isMissing,
  quotes,
  recordedDay,
  serverMs,
  sortedRows,
} from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";

const ignore = pythonWithNumpy() === undefined;
const HOUR = 3_600_000, DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 5, 10, 12);

Deno.test({
  name:
    "a closed market is no dead feed: frozen ticks tell no time, and the terminal is left alone",
  ignore,
  async fn() {
    const friday = Date.UTC(2026, 5, 12, 20, 59);
    await using terminal = await FakeTerminal.start({ symbols: {} });
    await terminal.rewrite({
      clock: { startUtcMs: friday + 20 * HOUR, hostMs: Date.now(), speed: 1 },
      report: terminal.path("report.json"),
      symbols: {
        EURUSD: { ticks: Ticks.from(quotes(friday, 100, 500)) },
        GBPUSD: { ticks: Ticks.from(quotes(friday, 130, 400)) },
      },
    });
    const driver = await terminal.opened({
      pollMs: 50,
      maxPollMs: 100,
      closedAfterMs: 200,
      closedPollMs: 60_000,
    });
    await driver.watch("EURUSD", "GBPUSD");
    await driver.history("EURUSD", serverMs(friday));
    await driver.until(() => driver.saidOf("present").length >= 4);
    assert.equal(driver.liveCount("EURUSD"), 0);
    for (const present of driver.saidOf("present")) {
      assert.equal(present.newestServerMs, null);
      assert.ok(present.watermarkUtcMs <= present.nowUtcMs);
    }
    assert.deepEqual(driver.saidOf("feed"), []);
    await driver.close();
    const { calls } = JSON.parse(await Deno.readTextFile(terminal.path("report.json")));
    assert.ok(calls.copy_ticks_from < 100, `${calls.copy_ticks_from} reads in two seconds`);
  },
});

Deno.test({
  name:
    "ticks of an outage that come into history only afterwards are delivered, and the feed says so",
  ignore,
  async fn() {
    const ticks = quotes(NOON, 50, 3600);
    const outage = { fromUtcMs: NOON + 60_000, toUtcMs: NOON + 150_000, healMs: 20_000 };
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON + 30_000, hostMs: Date.now(), speed: 30 },
      outages: [outage],
      symbols: { EURUSD: { ticks: Ticks.from(ticks) } },
    });
    const driver = await terminal.opened({ pollMs: 10, healMs: 2500 });
    await driver.watch("EURUSD");
    const history = await driver.history("EURUSD", serverMs(NOON));
    await driver.until(() => history.count + driver.liveCount("EURUSD") >= ticks.length);
    const got = Ticks.concat([history, driver.live("EURUSD")]);
    assert.deepEqual(sortedRows(got), sortedRows(delivered(ticks, serverMs)));
    const [down, up] = driver.saidOf("feed");
    assert.equal(down?.state, "down");
    assert.equal(up?.state, "up");
    const silent = driver.saidOf("present").filter(({ nowUtcMs }) =>
      nowUtcMs > (down?.nowUtcMs ?? 0) && nowUtcMs < (up?.nowUtcMs ?? 0)
    );
    assert.deepEqual(silent, [], "a feed that is down has no present");
    const downMs = down?.nowUtcMs ?? 0, upMs = up?.nowUtcMs ?? 0;
    await driver.until(() =>
      driver.saidOf("present").some(({ watermarkUtcMs }) => watermarkUtcMs > upMs)
    );
    for (const { nowUtcMs, watermarkUtcMs } of driver.saidOf("present")) {
      const isHealing = nowUtcMs > downMs && nowUtcMs < upMs + 2000;
      assert.ok(!isHealing || watermarkUtcMs <= downMs, "what is not healed yet is not delivered");
    }
  },
});

Deno.test({
  name: "a tick that comes late to a market that has closed is no clock that was set back",
  ignore,
  async fn() {
    const closedForMs = 20 * 60_000;
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON + closedForMs - 2000, hostMs: Date.now(), speed: 1 },
      symbols: {
        BTCUSD: { ticks: Ticks.from(quotes(NOON + closedForMs - 60_000, 900, 100)) },
        US500: {
          ticks: Ticks.from(quotes(NOON - 60_000, 100, 600)),
          late: { every: 7, byMs: closedForMs },
        },
      },
    });
    const driver = await terminal.opened({ pollMs: 20, maxPollMs: 50 });
    await driver.watch("BTCUSD", "US500");
    await driver.until(() => driver.liveCount("US500") > 0);
    const seen = driver.saidOf("present").length;
    await driver.until(() => driver.saidOf("present").length >= seen + 3);
    const shown = driver.saidOf("present").flatMap(({ newestServerMs }) => newestServerMs ?? []);
    assert.ok(shown.length > 0);
    assert.deepEqual(shown, shown.toSorted((a, b) => a - b));
  },
});

Deno.test({
  name: "the watermark never claims what is ahead of the machine's clock, nor what may still come",
  ignore,
  async fn() {
    const check = new URL("./mt5_present_check.py", import.meta.url);
    const bridge = fileURLToPath(new URL("../../bridge/", import.meta.url));
    const { success, stderr } = await new Deno.Command(pythonWithNumpy() ?? "", {
      args: ["-B", fileURLToPath(check), bridge],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  },
});

Deno.test({
  name: "the hour that the server's clock repeats is delivered of a symbol that never rests",
  ignore,
  async fn() {
    // 02:00 in New York, the first time that day.
    const changeMs = Date.UTC(2026, 10, 1, 6);
    const ticks = quotes(changeMs - 3_540_000, 400, 9000);
    assert.ok(serverMs(changeMs) < serverMs(changeMs - 1000), "the clock goes back");
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: changeMs - 30_000, hostMs: Date.now(), speed: 30 },
      symbols: { BTCUSD: { ticks: Ticks.from(ticks) } },
    });
    const driver = await terminal.opened({ pollMs: 10, maxPollMs: 20 });
    await driver.watch("BTCUSD");
    const history = await driver.history("BTCUSD", serverMs(ticks[0]?.serverMs ?? 0));
    await driver.until(() => history.count + driver.liveCount("BTCUSD") >= ticks.length);
    const got = Ticks.concat([history, driver.live("BTCUSD")]);
    assert.deepEqual(got.bytes, delivered(ticks, serverMs).bytes);
    assert.match(driver.stderr, /clock went back: the latest tick of BTCUSD/);
  },
});

const WEEK_ENDS = {
  "an ordinary week end": [Date.UTC(2014, 4, 9), Date.UTC(2014, 4, 11), 0],
  "the change to summer time": [Date.UTC(2014, 2, 7), Date.UTC(2014, 2, 9), 0],
  "the change to winter time": [Date.UTC(2014, 9, 31), Date.UTC(2014, 10, 2), HOUR],
} as const;
const FRIDAY_FILE = "ticks/lean_oanda/tick/eurusd/20140509_quote.zip";
const SUNDAY_FILE = "ticks/lean_oanda/tick/eurusd/20140504_quote.zip";
for (const [name, [friday, sunday, openLaterMs]] of Object.entries(WEEK_ENDS)) {
  Deno.test({
    name: `${name} is captured from Friday's close to Sunday's open as it was recorded`,
    ignore: ignore || isMissing(FRIDAY_FILE) || isMissing(SUNDAY_FILE),
    async fn() {
      const ticks = [
        ...(await recordedDay(FRIDAY_FILE, friday)).slice(-4000),
        ...await recordedDay(SUNDAY_FILE, sunday + openLaterMs),
      ];
      await using terminal = await FakeTerminal.start({
        clock: { startUtcMs: friday + 20.9 * HOUR, hostMs: Date.now(), speed: DAY / 900 },
        symbols: { EURUSD: { ticks: Ticks.from(ticks) } },
      });
      const driver = await terminal.opened({ pollMs: 5, maxPollMs: 20 });
      await driver.watch("EURUSD");
      const history = await driver.history("EURUSD", serverMs(friday));
      await driver.until(() => history.count + driver.liveCount("EURUSD") >= ticks.length);
      const got = Ticks.concat([history, driver.live("EURUSD")]);
      assert.deepEqual(got.bytes, delivered(ticks, serverMs).bytes);
    },
  });
}
