import assert from "node:assert/strict";
import { DriverProcess } from "../../bridge/driver/driver_process.ts";
import { DriverError } from "../../bridge/driver/driver_error.ts";
import { VendorSession, type VendorSessionOptions } from "../../bridge/logins/session_vendor.ts";
import { Sessions } from "../../bridge/sessions.ts";
import { SymbolOwners } from "../../bridge/logins/symbol_owners.ts";
import type { SessionStatus } from "../../lib/bridge/feed.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { SCRIPT, type ScriptedSettings } from "../support/scripted_driver.ts";
import { until } from "../support/until.ts";

const python = pythonWithNumpy();
const ignore = python === undefined;
const QUICK = { minMs: 5, maxMs: 20 };

interface Logged {
  readonly session: VendorSession;
  readonly changes: SessionStatus[];
  readonly counts: { attempts: number; logins: number };
}

/** A session whose logins, one after another, behave as told; the last settings hold for all later. */
function startSession(
  scripts: readonly ScriptedSettings[],
  options: Partial<VendorSessionOptions> = {},
): Logged & AsyncDisposable {
  const changes: SessionStatus[] = [];
  const counts = { attempts: 0, logins: 0 };
  const left = [...scripts];
  const session = new VendorSession({
    name: "main",
    vendor: "mt5",
    names: {},
    refusalOf: () => undefined,
    heartbeatMs: 20,
    pauses: { connecting: QUICK, waiting: QUICK, failed: QUICK },
    events: {
      loggingIn: () => {},
      sessionChanged: (status) => changes.push(status),
      loggedIn: () => counts.logins++,
      namesContested: () => {},
    },
    logIn(signal) {
      counts.attempts++;
      return DriverProcess.open({
        vendor: "mt5",
        script: SCRIPT,
        python: { command: python ?? "python3", args: [] },
        settings: { ...(left.length > 1 ? left.shift() : left[0]) },
        events: { driverSaid: () => {}, driverDropped: () => {} },
        closeLimitMs: 500,
        signal,
      });
    },
    ...options,
  });
  return {
    session,
    changes,
    counts,
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** A login that never answers. */
function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("ended")), { once: true })
  );
}

const states = ({ changes }: Logged) => changes.map(({ state }) => state);
const isConnected = ({ session }: Logged) => session.status.state === "connected";

Deno.test({
  name: "the first attempt is over with the login, its failure, or the session's end",
  ignore,
  async fn() {
    await using good = startSession([{}]);
    await good.session.attempted;
    assert.equal(good.session.status.state, "connected");
    const hangs = { logIn: (signal: AbortSignal) => endOf(signal) };
    const ended = startSession([{}], hangs);
    await ended[Symbol.asyncDispose]();
    await ended.session.attempted;
    await using bad = startSession([{}], { logIn: () => Promise.reject(new Error("no")) });
    await bad.session.attempted;
    assert.equal(bad.session.status.reason, "no");
  },
});

Deno.test({
  name: "a session logs in, is verified, and serves its vendor",
  ignore,
  async fn() {
    await using logged = startSession([{}], { names: { suffix: "@one" } });
    assert.deepEqual([logged.session.source, logged.session.status.state], [
      undefined,
      "connecting",
    ]);
    await until(() => isConnected(logged));
    const { source } = logged.session;
    assert.deepEqual([source?.name, source?.kind, source?.clock], [
      "mt5:Test-Server",
      "raw",
      "learned",
    ]);
    const symbols = await source?.symbols();
    assert.deepEqual(symbols?.map(({ symbol }) => symbol), ["EURUSD@one", "GBPUSD@one"]);
    assert.equal(logged.session.status.reason, "");
  },
});

Deno.test({
  name: "a driver that crashes or loses its terminal is replaced, and the source stays the same",
  ignore,
  async fn() {
    await using logged = startSession([{ fault: "crash" }, { fault: "session" }, {}]);
    await until(() => logged.counts.logins === 3 && isConnected(logged));
    assert.deepEqual(states(logged), [
      "connected",
      "connecting",
      "connected",
      "connecting",
      "connected",
    ]);
    assert.match(logged.changes[1]?.reason ?? "", /the terminal is gone/);
    assert.match(logged.changes[3]?.reason ?? "", /No IPC connection/);
    assert.equal((await logged.session.source?.symbols())?.length, 2);
  },
});

Deno.test({
  name: "calls to a session that is down reject with its state and its reason",
  ignore,
  async fn() {
    const slow = { minMs: 600_000, maxMs: 600_000 };
    await using logged = startSession([{ fault: "lost" }], {
      pauses: { connecting: slow, waiting: slow, failed: slow },
    });
    await until(() => logged.changes.length === 2);
    const { source } = logged.session;
    assert.ok(source !== undefined);
    const why = { code: "session_down", message: /main is connecting: The terminal was closed/ };
    await assert.rejects(source.symbols(), why);
    const requests = [{ symbol: "EURUSD", fromServerMs: 0 }];
    await assert.rejects(
      Array.fromAsync(source.stream(requests, new AbortController().signal)),
      why,
    );
  },
});

Deno.test({
  name: "a refused password needs a person, is tried again, and is never shown",
  ignore,
  async fn() {
    const refused = { open_fault: "failed", password: "tell nobody" };
    await using logged = startSession([refused, refused, {}]);
    await until(() => isConnected(logged));
    assert.deepEqual(states(logged), ["failed", "connected"]);
    assert.match(logged.changes[0]?.reason ?? "", /refused the password/);
    assert.doesNotMatch(JSON.stringify(logged.changes), /tell nobody/);
  },
});

Deno.test({
  name: "a Python that is not there needs a person",
  async fn() {
    await using logged = startSession([{}], {
      logIn: () => Promise.reject(new DriverError("missing", "No Python was found")),
    });
    await until(() => logged.session.status.state === "failed");
    assert.equal(logged.session.status.reason, "No Python was found");
  },
});

Deno.test({
  name: "a vendor that closes as announced is waited for",
  ignore,
  async fn() {
    await using logged = startSession([{ fault: "lost_closed" }, {}]);
    await until(() => logged.counts.logins === 2 && isConnected(logged));
    assert.deepEqual(states(logged), ["connected", "waiting", "connected"]);
    assert.match(logged.changes[1]?.reason ?? "", /maintenance/);
  },
});

Deno.test({
  name: "a terminal without its broker is not connected, and its history can still be read",
  ignore,
  async fn() {
    await using logged = startSession([{ fault: "feed_down" }]);
    await until(() => logged.changes.length === 2);
    assert.equal(logged.session.status.state, "connecting");
    assert.equal(logged.session.status.reason, "no connection");
    assert.equal((await logged.session.source?.symbols())?.length, 2);
    assert.equal(logged.counts.logins, 1);
  },
});

Deno.test({
  name: "a session whose symbols another feed has is refused by name until it has a suffix",
  ignore,
  async fn() {
    const owners = new SymbolOwners();
    const claims = (name: string): Partial<VendorSessionOptions> => ({
      name,
      refusalOf: (feed) => owners.claim(name, feed),
    });
    await using first = startSession([{}], claims("main"));
    await until(() => isConnected(first));
    await using same = startSession([{}], claims("spare"));
    await using other = startSession([{}], { ...claims("fx"), vendor: "fxcm" });
    await using apart = startSession([{}], {
      ...{ ...claims("fx2"), vendor: "fxcm", names: { suffix: "@fx2" } },
    });
    await until(() => isConnected(same) && isConnected(apart));
    await until(() => other.session.status.state === "failed");
    assert.match(
      other.session.status.reason,
      /EURUSD and 1 more symbols would be one with mt5:Test-Server:EURUSDm of the session main: give fx a suffix such as @fx/,
    );
    assert.equal(other.session.source, undefined);
    assert.ok(isConnected(first));
  },
});

Deno.test({
  name: "a session that breaks again and again leaves the ticks of another alone",
  ignore,
  async fn() {
    await using steady = startSession([{ history: 500, total: 100_000 }], { name: "steady" });
    await using broken = startSession([{ fault: "segfault" }], { name: "broken" });
    const sessions = new Sessions([steady.session, broken.session]);
    let told = 0;
    sessions.onChange(() => told++);
    await until(() => isConnected(steady));
    using use = sessions.get("steady");
    const stop = new AbortController();
    let ticks = 0;
    for await (
      const event of use.source.stream([{ symbol: "EURUSD", fromServerMs: 0 }], stop.signal)
    ) {
      if (event.type === "ticks") ticks += event.ticks.count;
      if (ticks > 1000 && broken.counts.logins >= 3) break;
    }
    assert.equal(steady.counts.logins, 1);
    assert.ok(told >= 4);
  },
});

Deno.test({
  name: "a session that is ended while its driver hangs in the login ends with it",
  ignore,
  async fn() {
    const logged = startSession([{ open_fault: "hang" }]);
    await until(() => logged.counts.attempts === 1);
    await logged[Symbol.asyncDispose]();
    assert.deepEqual(logged.changes, []);
  },
});
