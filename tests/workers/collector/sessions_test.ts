import assert from "node:assert/strict";
import { SteadySession } from "../../../bridge/logins/session_steady.ts";
import type { Session } from "../../../bridge/session.ts";
import { Sessions as BridgeSessions } from "../../../bridge/sessions.ts";
import type { SessionStatus } from "../../../lib/bridge/feed.ts";
import type { Channel } from "../../../lib/log/channel.ts";
import { SqliteTickLog } from "../../../lib/log/tick_log_sqlite.ts";
import { DeadLetters } from "../../../workers/collector/dead_letters.ts";
import { describe } from "../../../workers/collector/describe.ts";
import { collectorEvents } from "../../../workers/collector/events.ts";
import { Sessions } from "../../../workers/collector/sessions.ts";
import { startBridge } from "../../support/bridge_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { Terminal } from "./terminal.ts";

const nobody: Channel = {
  publish: () => {},
  subscribe: () => () => {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** A login that was never connected yet. */
class DownSession implements Session {
  readonly status: SessionStatus;
  readonly source = undefined;
  readonly attempted = Promise.resolve();
  constructor(name: string) {
    const reason = "the password is wrong: set MT5_PASSWORD";
    this.status = { name, vendor: "mt5", state: "failed", reason, sinceUtcMs: 1_000 };
  }
  onStatus(): void {}
  [Symbol.asyncDispose]() {
    return Promise.resolve();
  }
}

const terminal = (symbol: string) => {
  return Object.assign(new Terminal(Date.now, `mt5:${symbol}`, symbol), { ticks: true });
};

/** What the collector captures of a bridge on a port. */
async function capturing(dataDir: string, port: number) {
  const log = await SqliteTickLog.open({ folder: `${dataDir}/log`, kind: "raw" });
  const stop = new AbortController();
  const sessions = new Sessions({
    ...{ log, dataDir, channel: nobody, events: collectorEvents(), signal: stop.signal },
    deadLetters: new DeadLetters(dataDir),
    bridge: { host: "127.0.0.1", port },
    kind: "raw",
    choose: (available) => Promise.resolve(available),
    captureFrom: "now",
    overlapMs: 2_000,
    groupTicks: 100,
    futureLimitMs: 60_000,
    reconnectMaxMs: 100,
    once: false,
    specsEveryMs: 60_000,
    recordAccount: false,
    brokerTz: undefined,
    clockApartMs: 60,
    clockClosedApartMs: 60,
  });
  const running = sessions.run();
  const hasTicks = async (symbol: string) =>
    ((await log.checkpoint(symbol))?.highServerMs ?? 0) > 0;
  return {
    hasTicks,
    components: () => {
      const { collecting, why } = sessions;
      return describe({ log, mirror: undefined, sessions: collecting, why }).components;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await log[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a session that is down at the start is told by name, and the other one is captured", async () => {
  await using folder = await tempFolder();
  const all = new BridgeSessions([
    new DownSession("live"),
    new SteadySession("demo", terminal("GBPUSD")),
  ]);
  await using bridge = await startBridge(all);
  await using capture = await capturing(folder.path, bridge.port);
  await until(() => capture.hasTicks("GBPUSD"));
  await until(() => {
    const { mt5, tick_collection: ticks, timezone } = capture.components();
    assert.match(ticks?.message ?? "", /live: not connected.*; demo: 1 symbols/);
    assert.match(mt5?.message ?? "", /live failed since .*set MT5_PASSWORD/);
    assert.match(timezone?.message ?? "", /demo: The server's clock is/);
    return ticks?.status === "critical" && mt5?.status === "critical";
  });
});

Deno.test("sessions that the bridge has after a restart are captured, those it lost are not waited for", async () => {
  await using folder = await tempFolder();
  const only = (symbols: Record<string, string>) =>
    new BridgeSessions(
      Object.entries(symbols).map(([name, symbol]) => new SteadySession(name, terminal(symbol))),
    );
  const first = await startBridge(only({ a: "EURUSD", b: "GBPUSD" }));
  const { port } = first;
  await using capture = await capturing(folder.path, port);
  await until(async () => await capture.hasTicks("EURUSD") && await capture.hasTicks("GBPUSD"));
  await first[Symbol.asyncDispose]();
  {
    await using _more = await startBridge(only({ a: "EURUSD", b: "GBPUSD", c: "USDJPY" }), {
      port,
    });
    await until(() => capture.hasTicks("USDJPY"));
  }
  await using _less = await startBridge(only({ b: "GBPUSD", d: "AUDUSD" }), { port });
  await until(() => capture.hasTicks("AUDUSD"));
  const message = capture.components().tick_collection?.message ?? "";
  assert.doesNotMatch(message, /a: |c: /);
});
