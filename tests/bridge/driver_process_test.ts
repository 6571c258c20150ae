import assert from "node:assert/strict";
import { DriverError, type DriverErrorCode } from "../../bridge/driver/driver_error.ts";
import type { DriverOptions } from "../../bridge/driver/driver_process.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { openScripted, type ScriptedSettings } from "../support/scripted_driver.ts";
import { until } from "../support/until.ts";

const ignore = pythonWithNumpy() === undefined;

/** A driver that must not open; how it failed. */
async function refusal(
  settings: ScriptedSettings,
  options: Partial<DriverOptions> = {},
): Promise<DriverError> {
  try {
    await using _ = await openScripted(settings, options);
  } catch (cause) {
    assert.ok(cause instanceof DriverError);
    return cause;
  }
  throw new assert.AssertionError({ message: "the driver opened" });
}

/** A driver that opens, and misbehaves when it is asked something. */
function testFault(
  name: string,
  { fault, options, code, reason }: {
    fault: string;
    options?: Partial<DriverOptions>;
    code: DriverErrorCode;
    reason: RegExp;
  },
): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      await using scripted = await openScripted({ fault }, options);
      const { driver } = scripted;
      let ends = 0;
      driver.subscribe({ ended: () => ends++ });
      await assert.rejects(driver.check(), { name: "DriverError", code });
      const end = await driver.ended;
      assert.equal(end.code, code);
      assert.match(end.reason, reason);
      assert.equal(ends, 1);
      await assert.rejects(driver.symbols(), { code }, "a dead driver refuses by its reason");
    },
  });
}

Deno.test({
  name: "a driver opens, answers in order and ends when it is disposed of",
  ignore,
  async fn() {
    const settings = { history: 3000, total: 3000, symbols: ["A", "B", "C"] };
    const scripted = await openScripted(settings);
    const { driver } = scripted;
    assert.deepEqual(driver.opened, {
      server: "Test-Server",
      clock: "learned",
      account: { id: "1", currency: "EUR" },
      facts: { build: 4000 },
    });
    const order: string[] = [];
    const [symbols, bars] = await Promise.all([
      driver.symbols().finally(() => order.push("symbols")),
      driver.bars({ rawName: "A", timeframe: "1m", fromServerMs: 0, toServerMs: 2e12 }),
      driver.check().finally(() => order.push("check")),
    ]);
    assert.deepEqual(order, ["symbols", "check"]);
    assert.deepEqual(symbols.map(({ rawName }) => rawName), ["A", "B", "C"]);
    assert.equal(bars[1]?.tickVolume, 438);
    await scripted[Symbol.asyncDispose]();
    const end = await driver.ended;
    assert.equal(end.code, "disposed");
    await assert.rejects(driver.check(), { code: "disposed" });
  },
});

testFault("a crash is told with Python's last line", {
  fault: "crash",
  code: "crashed",
  reason: /process of mt5 ended with code 1\. Its last line: RuntimeError: the terminal is gone/,
});

testFault("a fault in the vendor's library is told by its signal", {
  fault: "segfault",
  code: "crashed",
  reason: /crashed with SIGABRT \(the vendor's library gave up\)/,
});

testFault("a hanging call is killed when the beats fall silent", {
  fault: "hang",
  options: { callLimitMs: 300 },
  code: "wedged",
  reason: /A call into the vendor's library hung for 300 ms/,
});

testFault("a request that is never answered ends a driver that beats on", {
  fault: "unanswered",
  options: { callLimitMs: 200 },
  code: "wedged",
  reason: /did not answer check within 800 ms/,
});

testFault("a driver that floods stderr is ended", {
  fault: "flood",
  options: { callLimitMs: 1000 },
  code: "flooded",
  reason: /It wrote \d+ MB to stderr/,
});

testFault("a driver that floods with messages is ended", {
  fault: "flood_beats",
  options: { callLimitMs: 1000 },
  code: "flooded",
  reason: /It sent \d+ messages/,
});

for (
  const [fault, reason] of [
    ["unknown_type", /does something print to its stdout\? .*current type is 9/],
    ["bad_json", /Cannot read a control frame as JSON/],
    ["bad_message", /Cannot read a control frame as a message of a driver/],
    ["huge_frame", /current length is 1073741824/],
    ["unknown_stream", /Cannot take ticks of request 77/],
    ["unknown_index", /current index is 99/],
    ["other_answer", /Cannot take checked of request 3 as an answer: what is due is 2 \(check\)/],
    ["wrong_answer", /Cannot read an answer as checked: current type is watching/],
    ["closes_stdout", /closed its stdout/],
  ] as const
) {
  testFault(`what cannot be understood ends a driver: ${fault}`, {
    fault,
    code: "bad_frames",
    reason,
  });
}

testFault("a process that ends within a frame is told by its exit", {
  fault: "half_frame",
  code: "crashed",
  reason: /ended with code 7/,
});

testFault("a session that is lost ends its driver with the vendor's reason", {
  fault: "lost",
  code: "session",
  reason: /^The terminal was closed$/,
});

testFault("a request that says the session is gone ends the driver", {
  fault: "session",
  code: "session",
  reason: /^No IPC connection$/,
});

Deno.test({
  name: "an announced end is no failure",
  ignore,
  async fn() {
    await using scripted = await openScripted({ fault: "lost_closed" });
    await assert.rejects(scripted.driver.check());
    const reason = "The weekend's maintenance";
    assert.deepEqual(await scripted.driver.ended, { code: "closed", closed: true, reason });
  },
});

Deno.test({
  name: "a driver that does not read its requests is killed",
  ignore,
  async fn() {
    const options = { callLimitMs: 400, env: { SCRIPTED_DEAF: "1" } };
    await using scripted = await openScripted({}, options);
    const { driver } = scripted;
    const many = Array.from({ length: 20_000 }, (_, index) => `a symbol with a long name ${index}`);
    await assert.rejects(driver.watch(many, () => {}), { code: "stopped_reading" });
    assert.match((await driver.ended).reason, /did not read its requests for 400 ms/);
  },
});

Deno.test({
  name: "a driver whose requests wait in hundreds is busy",
  ignore,
  async fn() {
    await using scripted = await openScripted({ fault: "unanswered" }, { closeLimitMs: 50 });
    const { driver } = scripted;
    const waiting = Array.from({ length: 512 }, () => driver.check().catch((cause) => cause.code));
    await assert.rejects(driver.check(), { code: "busy" });
    await driver[Symbol.asyncDispose]();
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["disposed"]));
  },
});

Deno.test({
  name: "a refused login rejects by its code, without the password in the message",
  ignore,
  async fn() {
    const error = await refusal({ open_fault: "failed", password: "hunter22" });
    assert.equal(error.code, "login");
    assert.equal(error.message, "The server refused the password ***");
  },
});

Deno.test({
  name: "a login that takes too long is ended",
  ignore,
  async fn() {
    const error = await refusal({ open_fault: "hang" }, { openLimitMs: 300, closeLimitMs: 50 });
    assert.equal(error.code, "wedged");
    assert.match(error.message, /did not log in within 300 ms/);
  },
});

Deno.test({
  name: "a process that ends at once with code 0 names the trap of MetaTrader's terminals",
  ignore,
  async fn() {
    const error = await refusal({ open_fault: "exit_zero" });
    assert.equal(error.code, "crashed");
    assert.match(
      error.message,
      /ended at once, with code 0\. A second terminal64\.exe on the same/,
    );
  },
});

Deno.test("a command that is not there is missing", async () => {
  const error = await refusal({}, { python: { command: "no-such-python", args: [] } });
  assert.equal(error.code, "missing");
  assert.match(error.message, /Cannot start no-such-python as Python/);
});

Deno.test({
  name: "a driver that is not there is told by Python's own words",
  ignore,
  async fn() {
    const error = await refusal({}, { script: "/nowhere/mt5.py" });
    assert.equal(error.code, "crashed");
    assert.match(error.message, /ended with code 2\. Its last line: .*can't open file/);
  },
});

Deno.test({
  name: "an aborted signal ends a driver, also while it opens",
  ignore,
  async fn() {
    const abort = new AbortController();
    const opening = refusal({ open_fault: "hang" }, { signal: abort.signal, closeLimitMs: 50 });
    abort.abort();
    assert.equal((await opening).code, "disposed");
    const later = new AbortController();
    await using scripted = await openScripted({}, { signal: later.signal });
    later.abort();
    assert.equal((await scripted.driver.ended).code, "disposed");
  },
});

Deno.test({
  name: "a driver that does not log out is killed after its grace",
  ignore,
  async fn() {
    await using scripted = await openScripted({ fault: "stubborn" }, { closeLimitMs: 100 });
    await scripted.driver[Symbol.asyncDispose]();
    assert.equal((await scripted.driver.ended).code, "disposed");
  },
});

Deno.test({
  name: "stderr becomes lines without secrets, long ones are cut, and too many are counted",
  ignore,
  async fn() {
    const password = 'p"ss\\word';
    const says = [
      `login with ${password}`,
      "",
      `settings: ${JSON.stringify({ password })}`,
      `${"x".repeat(1995)}${password}${"y".repeat(9000)}`,
      ...Array.from({ length: 50 }, () => "z".repeat(1999)),
      "the end",
    ];
    await using scripted = await openScripted({ says, password });
    const { lines, dropped, driver } = scripted;
    await driver[Symbol.asyncDispose]();
    assert.equal(lines[0], "login with ***");
    assert.equal(lines[1], 'settings: {"password":"***"}');
    assert.ok((lines[2] ?? "").length <= 2000);
    assert.ok(lines.every((line) => !line.includes("ss\\")), "no part of the password");
    assert.ok(lines.length > 20 && lines.length < 40, `${lines.length} lines`);
    assert.ok(dropped() > 20 * 2000);
  },
});

Deno.test({
  name: "what the vendor's library prints to stdout goes to the log",
  ignore,
  async fn() {
    await using scripted = await openScripted({ fault: "prints" });
    await scripted.driver.check();
    await until(() => scripted.lines.length === 2);
    assert.deepEqual(scripted.lines, ["an SDK prints to stdout", "and its C code does"]);
  },
});

Deno.test({
  name: "a symbol that several watch is watched once, and no more when nobody does",
  ignore,
  async fn() {
    await using scripted = await openScripted({ total: 1e9, step_ms: 1 });
    const { driver } = scripted;
    const counts = [0, 0];
    const first = await driver.watch(["EURUSDm", "GBPUSDm"], (_, { count }) => counts[0]! += count);
    const second = await driver.watch(["EURUSDm"], (_, { count }) => counts[1]! += count);
    await until(() => counts.every((count) => count > 100));
    first();
    const before = counts[0];
    const more = counts[1]! + 100;
    await until(() => counts[1]! > more);
    assert.equal(counts[0], before);
    second();
    // The answer comes after all that the driver had sent before it stopped.
    await driver.check();
    const after = counts[1];
    await driver.check();
    assert.equal(counts[1], after);
  },
});

Deno.test({
  name: "an unknown symbol fails the watch that asked for it, and no other",
  ignore,
  async fn() {
    await using scripted = await openScripted({ total: 1e9, step_ms: 1 });
    const { driver } = scripted;
    let count = 0;
    const wrong = driver.watch(["EURUSDm", "NOPE"], () => {});
    const right = driver.watch(["EURUSDm"], (_, ticks) => count += ticks.count);
    await assert.rejects(wrong, { code: "not_found", message: "There is no symbol NOPE" });
    await right;
    await until(() => count > 0);
  },
});

Deno.test({
  name: "a driver that is opened with an aborted signal starts nothing",
  ignore,
  async fn() {
    const options = { signal: AbortSignal.abort(), python: { command: "no-such", args: [] } };
    assert.equal((await refusal({}, options)).code, "disposed");
  },
});
