import assert from "node:assert/strict";
import { Ticks } from "../../lib/market/tick.ts";
import { delivered, failedWith, FakeTerminal, quotes, serverMs } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";

const ignore = pythonWithNumpy() === undefined;
const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 5, 10, 12);

Deno.test({
  name: "history that is still loading is read again until two reads agree",
  ignore,
  async fn() {
    const ticks = quotes(NOON - HOUR, 1000, 3000);
    for (const keep of ["oldest", "newest"]) {
      await using terminal = await FakeTerminal.start({
        clock: { startUtcMs: NOON, hostMs: Date.now(), speed: 1 },
        symbols: { EURUSD: { ticks: Ticks.from(ticks), warmUp: { reads: 4, keep } } },
      });
      const driver = await terminal.opened({ pollMs: 10_000, maxPollMs: 10_000 });
      await driver.watch("EURUSD");
      const waits: number[] = [];
      let page = await driver.page("EURUSD", serverMs(NOON - HOUR));
      while (page.waitMs !== undefined) {
        waits.push(page.waitMs);
        assert.equal(page.ticks.count, 0, "nothing is delivered before it is believed");
        assert.equal(page.nextServerMs, serverMs(NOON - HOUR));
        page = await driver.page("EURUSD", serverMs(NOON - HOUR));
      }
      assert.ok(waits.length >= 3, `${waits.length} waits`);
      assert.deepEqual(page.ticks.bytes, delivered(ticks, serverMs).bytes);
      assert.equal(page.nextServerMs, null);
    }
  },
});

Deno.test({
  name:
    "a read that fails with any code, and one with an error beside it, loses and repeats nothing",
  ignore,
  async fn() {
    const ticks = quotes(NOON, 20, 6000);
    const codes = [-1, -2, -3, -4, -5, -6, -7, -8, -10000, -10001, -10002, -10003, -10004, -10005];
    const faults = [
      ...codes.map((code, nth) => ({ kind: "none", code, from: 20 + 12 * nth })),
      ...codes.map((code, nth) => ({ kind: "provisional", code, from: 26 + 12 * nth, rows: nth })),
    ].map((fault) => ({ fn: "copy_ticks_from", ...fault }));
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON + 20_000, hostMs: Date.now(), speed: 40 },
      faults,
      symbols: { EURUSD: { ticks: Ticks.from(ticks) } },
    });
    const driver = await terminal.opened({ pollMs: 4, maxPollMs: 6 });
    await driver.watch("EURUSD");
    const history = await driver.history("EURUSD", serverMs(NOON));
    await driver.until(() => history.count + driver.liveCount("EURUSD") >= ticks.length);
    const got = Ticks.concat([history, driver.live("EURUSD")]);
    assert.deepEqual(got.bytes, delivered(ticks, serverMs).bytes);
    assert.deepEqual(driver.saidOf("lost"), []);
    const states = driver.saidOf("feed").map(({ state }) => state);
    assert.equal(states[0], "down", "a terminal that had to be opened again was away");
    assert.ok(states.includes("up"));
    assert.match(driver.stderr, /current error is -4 \(Terminal: Not found\)/);
  },
});

Deno.test({
  name: "a page that keeps failing says so after its tries, with the vendor's code",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON, hostMs: Date.now(), speed: 1 },
      faults: [{ fn: "copy_ticks_from", kind: "none", code: -3, from: 2, to: 1000 }],
      symbols: { EURUSD: { ticks: Ticks.from(quotes(NOON - HOUR, 1000, 10)) } },
    });
    const driver = await terminal.opened({ warmTries: 3 });
    await driver.watch("EURUSD");
    await driver.until(() => driver.saidOf("present").length > 0);
    await assert.rejects(
      driver.history("EURUSD", serverMs(NOON - HOUR)),
      failedWith("vendor", /EURUSD.*-3 \(No memory\)/, -3),
    );
    await driver.ask("checked", { type: "check" });
  },
});

Deno.test({
  name: "a second with more ticks than a read asks for is read with a greater count, to a limit",
  ignore,
  async fn() {
    const crowd = quotes(NOON, 5, 2000).map((tick, nth) => ({
      ...tick,
      serverMs: NOON + (nth < 1200 ? 300 + nth % 3 : nth * 5),
    })).toSorted((a, b) => a.serverMs - b.serverMs);
    const symbols = { EURUSD: { ticks: Ticks.from(crowd) } };
    const clock = { startUtcMs: NOON + HOUR, hostMs: Date.now(), speed: 1 };
    await using terminal = await FakeTerminal.start({ clock, symbols });
    const driver = await terminal.opened({ pageTicks: 50 });
    await driver.watch("EURUSD");
    const history = await driver.history("EURUSD", serverMs(NOON));
    assert.deepEqual(history.bytes, delivered(crowd, serverMs).bytes);
    const limited = await terminal.opened({ pageTicks: 50, maxPageTicks: 800 });
    await limited.watch("EURUSD");
    await assert.rejects(
      limited.history("EURUSD", serverMs(NOON)),
      failedWith("vendor", new RegExp(`second ${serverMs(NOON) / 1000} of EURUSD.*800`)),
    );
  },
});

Deno.test({
  name: "pages of a few ticks lose none, though seconds are cut by the count",
  ignore,
  async fn() {
    const ticks = quotes(NOON - HOUR, 370, 400);
    await using terminal = await FakeTerminal.start({
      clock: { startUtcMs: NOON, hostMs: Date.now(), speed: 1 },
      symbols: { EURUSD: { ticks: Ticks.from(ticks) } },
    });
    const driver = await terminal.opened({ pageTicks: 4 });
    await driver.watch("EURUSD");
    const fromMs = serverMs(NOON - HOUR) + 370 * 7;
    const history = await driver.history("EURUSD", fromMs);
    assert.deepEqual(history.bytes, delivered(ticks.slice(7), serverMs).bytes);
  },
});

const NAMES = { hang: "a hang", abort: "an abort", segv: "a segmentation fault" };
for (const kind of ["hang", "abort", "segv"] as const) {
  Deno.test({
    name: `after ${NAMES[kind]} in a call the next process goes on where the first one was`,
    ignore,
    async fn() {
      const ticks = quotes(NOON, 20, 5000);
      await using terminal = await FakeTerminal.start({ symbols: {} });
      await terminal.rewrite({
        clock: { startUtcMs: NOON + 10_000, hostMs: Date.now(), speed: 60 },
        faults: [{ fn: "copy_ticks_from", kind, from: 30, marker: terminal.path("befallen") }],
        symbols: { EURUSD: { ticks: Ticks.from(ticks) } },
      });
      const first = await terminal.opened({ pollMs: 5 });
      await first.watch("EURUSD");
      const history = await first.history("EURUSD", serverMs(NOON));
      if (kind === "hang") {
        // No beat comes from within a call: that is how a hang is told from a quiet market.
        await first.until(() => first.sinceBeatMs > 1500);
        first.kill();
      }
      assert.equal((await first.status).success, false);
      await first.ended;
      const before = Ticks.concat([history, first.live("EURUSD")]);
      const fromMs = before.serverMs(before.count - 1) - 500;
      const second = await terminal.opened({ pollMs: 5 });
      await second.watch("EURUSD");
      const again = await second.history("EURUSD", fromMs);
      const kept = before.count - again.count;
      assert.ok(kept < before.count);
      const whole = delivered(ticks, serverMs);
      let at = 0;
      while (whole.serverMs(at) < fromMs) at++;
      await second.until(() => at + again.count + second.liveCount("EURUSD") >= ticks.length);
      const got = Ticks.concat([before.slice(0, at), again, second.live("EURUSD")]);
      assert.deepEqual(got.bytes, whole.bytes);
    },
  });
}
