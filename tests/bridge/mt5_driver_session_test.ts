import assert from "node:assert/strict";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { Ticks } from "../../lib/market/tick.ts";
import { ACCOUNT, failedWith, FakeTerminal, quotes } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";

const ignore = pythonWithNumpy() === undefined;
const HOUR = 3_600_000;
const BRIDGE = fileURLToPath(new URL("../../bridge/", import.meta.url));
const NOON = Date.UTC(2026, 5, 10, 12);
const clock = { startUtcMs: NOON, hostMs: Date.now(), speed: 1 };

Deno.test({
  name: "a session opens with the account as its proof, and tells neither names, paths nor secrets",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start({ clock, symbols: {} });
    const driver = terminal.driver();
    const opened = await driver.open({
      ...ACCOUNT,
      terminal: "C:\\MT5\\terminal64.exe",
      portable: true,
    });
    const { server, clock: told, account, facts } = opened;
    assert.deepEqual({ server, told, account }, {
      server: "Fake-Demo",
      told: "learned",
      account: { id: "5012345", currency: "USD" },
    });
    assert.equal(facts.build, 5430);
    assert.equal(facts.maxbars, 100_000);
    assert.equal(facts.connected, true);
    assert.doesNotMatch(JSON.stringify(facts), /Some Body|C:\\|5012345/);
    await driver.ask("checked", { type: "check" });
    await assert.rejects(driver.open(ACCOUNT), failedWith("bad_request", /opened already/));
    assert.equal((await driver.close()).code, 0);
    assert.equal(driver.stderr, "");
  },
});

Deno.test({
  name: "settings that cannot be used are named with their value, but for the password",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start({ clock, symbols: {} });
    const driver = terminal.driver();
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ login: undefined }, /login as a whole number of at least 1: current value is None/],
      [{ login: "5012345" }, /login .*current value is 5012345/],
      [{ password: 12345678 }, /password .*current value is not shown/],
      [{ server: "" }, /server/],
      [{ pollMs: 0 }, /pollMs .*at least 1: current value is 0/],
      [{ portable: "yes" }, /portable .*current value is yes/],
      [{ overlapSeconds: 1.5 }, /overlapSeconds .*current value is 1.5/],
    ];
    for (const [wrong, text] of cases) {
      await assert.rejects(driver.open({ ...ACCOUNT, ...wrong }), failedWith("bad_request", text));
    }
    await driver.open(ACCOUNT);
  },
});

Deno.test({
  name: "what a person must do is told apart from what the bridge tries again",
  ignore,
  async fn() {
    const open = async (faults: unknown[], settings = {}, env = {}) => {
      await using terminal = await FakeTerminal.start({ clock, faults, symbols: {} });
      await terminal.driver(env).open({ ...ACCOUNT, ...settings });
    };
    await assert.rejects(
      open([], { password: "wrong" }),
      failedWith("login", /-6 .*Check the login/),
    );
    const none = (fn: string, code: number) => [{ fn, kind: "none", code }];
    await assert.rejects(
      open(none("initialize", -10005)),
      failedWith("session", /-10005 .*dialog/),
    );
    await assert.rejects(
      open(none("initialize", -5)),
      failedWith("unusable", /Update the terminal/),
    );
    await assert.rejects(open(none("account_info", -1)), failedWith("vendor", /the account/));
    await assert.rejects(
      open([], {}, { PYTHONPATH: "" }),
      failedWith("unusable", /pip install MetaTrader5/),
    );
  },
});

Deno.test({
  name: "a terminal that cannot be opened again ends the session; requests then say so",
  ignore,
  async fn() {
    const gone = { kind: "none", code: -10004, from: 2, to: 1000 };
    await using terminal = await FakeTerminal.start({
      clock,
      faults: [
        { fn: "copy_ticks_from", kind: "none", code: -10001, from: 3 },
        { fn: "initialize", ...gone },
      ],
      symbols: { EURUSD: { ticks: Ticks.from(quotes(NOON - HOUR, 1000, 10)) } },
    });
    const driver = await terminal.opened({ reopenTries: 3, reopenPauseMs: 1 });
    await driver.watch("EURUSD");
    await driver.until(() => driver.saidOf("lost").length === 1);
    assert.deepEqual(driver.saidOf("feed").map(({ state }) => state), ["down"]);
    assert.match(driver.saidOf("lost")[0]?.reason ?? "", /-10001 \(IPC send failed\)/);
    await assert.rejects(
      driver.ask("checked", { type: "check" }),
      failedWith("session", /logged in/),
    );
  },
});

Deno.test({
  name: "what the vendor's library prints goes to the log and tears no frame",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start({
      clock,
      faults: [{ fn: "account_info", kind: "print", to: 9 }],
      symbols: {},
    });
    const driver = await terminal.opened();
    await driver.ask("checked", { type: "check" });
    assert.equal((await driver.close()).code, 0);
    await driver.ended;
    assert.match(driver.stderr, /the vendor's library says hello/);
  },
});

Deno.test({
  name: "the end of stdin ends the driver in order",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start({ clock, symbols: {} });
    const driver = await terminal.opened();
    await driver.endInput();
    assert.equal((await driver.status).code, 0);
  },
});

const READING_CALLS = [
  "COPY_TICKS_ALL",
  "account_info",
  "copy_rates_from_pos",
  "copy_rates_range",
  "copy_ticks_from",
  "initialize",
  "last_error",
  "login",
  "shutdown",
  "symbol_info",
  "symbol_info_tick",
  "symbol_select",
  "symbols_get",
  "terminal_info",
  "version",
];

Deno.test("one file calls the vendor, and it calls nothing that trades", async () => {
  let files = 0;
  for (const path of driverFiles()) {
    const name = basename(path);
    files++;
    const text = await Deno.readTextFile(path);
    const calls = new Set([...text.matchAll(/\bmt5\.(\w+)/g)].map(([, call]) => call));
    for (const call of text.matchAll(/_mt5\.(\w+)/g)) calls.add(call[1]);
    const isTerminal = name === "mt5_terminal.py";
    assert.deepEqual([...calls].sort(), isTerminal ? READING_CALLS : [], name);
    // A call that forwards names fails when there are none; this one always has some.
    const forwarded = text.match(/\*\*[a-z]\w*/g) ?? [];
    assert.deepEqual(forwarded, isTerminal ? ["**named"] : [], name);
  }
  assert.ok(files >= 5);
});

Deno.test({
  name: "the driver is valid Python 3.8, and its start an older one",
  ignore: !vermin("--version"),
  fn() {
    assert.ok(vermin("-q", "-t=3.8-", "--violations", ...driverFiles()));
    assert.ok(vermin("-q", "-t=3.6-", "--violations", BRIDGE + "mt5.py"));
  },
});

function driverFiles(): string[] {
  const parts = [...Deno.readDirSync(`${BRIDGE}terminals`)].map(({ name }) => `terminals/${name}`);
  return ["mt5.py", ...parts].filter((path) => /\bmt5[^/]*\.py$/.test(path))
    .map((path) => BRIDGE + path);
}

function vermin(...args: string[]): boolean {
  try {
    return new Deno.Command("vermin", { args, stdout: "inherit" }).outputSync().success;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    console.warn("The check of Python's version is skipped: pip install vermin");
    return false;
  }
}
