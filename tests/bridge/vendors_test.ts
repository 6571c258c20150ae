import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { type BridgeConnection, connectBridge } from "../../lib/bridge/client.ts";
import { type PermissionSet, permissionsOf } from "../../lib/program/permissions.ts";
import type { FromProgram } from "../../lib/program/run.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { startBridgeProgram } from "../support/bridge_program.ts";
import { ACCOUNT, FakeTerminal, quotes } from "../support/fake_mt5.ts";
import { pythonWithNumpy } from "../support/python.ts";
import { until } from "../support/until.ts";

/** The whole bridge, with its own rights, over terminals that are fakes. */

const ROOT = new URL("../../", import.meta.url);
const python = pythonWithNumpy();
const ignore = python === undefined;
const LOGIN = {
  ...{ SOURCE: "mt5", MT5_LOGIN: `${ACCOUNT.login}`, MT5_PASSWORD: ACCOUNT.password },
  ...{ MT5_SERVER: ACCOUNT.server, MT5_WARM_PAUSE_MS: "1", BRIDGE_PORT: "0" },
};
const history = quotes(Date.now() - 3_600_000, 100, 5000);
const script = { symbols: { "EURUSD.r": { ticks: Ticks.from(history) } } };

const fromStart = [{ symbol: "EURUSD", fromServerMs: 0 }];
const twoDays = {
  ...{ symbol: "EURUSD", timeframe: "1m", fromServerMs: Date.now() - 86_400_000 },
  toServerMs: Date.now() + 86_400_000,
};

function connect(port: number, session?: string): Promise<BridgeConnection> {
  const { signal } = new AbortController();
  return connectBridge({ host: "127.0.0.1", port, session, signal });
}

/** What the terminal's drivers find it by: inherited, and none of the bridge's business. */
function fakes(terminal: FakeTerminal): Record<string, string> {
  return {
    FAKE_MT5: terminal.path("script.json"),
    PYTHONPATH: fileURLToPath(new URL("tests/support/vendors", ROOT)),
  };
}

async function startProgram(env: Record<string, string>) {
  const program = startBridgeProgram({ PYTHON: python ?? "", ...env }, {
    flags: [
      ...["--quiet", "--no-prompt", "-P=bridge", "--allow-net=127.0.0.1"],
      `--allow-run=${python}`,
    ],
  });
  return {
    port: await program.port,
    text: program.text,
    async stop(): Promise<number> {
      program.child.kill("SIGTERM");
      return (await program.ended()).code;
    },
  };
}

/** Connects as soon as the session was logged in once. */
async function connectOnceIn(port: number, session?: string): Promise<BridgeConnection> {
  let connection: BridgeConnection | undefined;
  await until(async () => {
    connection = await connect(port, session);
    return true;
  });
  assert.ok(connection !== undefined);
  return connection;
}

async function readHistory(
  connection: BridgeConnection,
  requests = fromStart,
): Promise<number> {
  let count = 0;
  for await (const event of connection.stream(requests, new AbortController().signal)) {
    if (event.type === "ticks") count += event.ticks.count;
    if (event.type === "live") break;
  }
  return count;
}

Deno.test({
  name: "the program serves a terminal, tells no password, and logs out at its end",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start(script);
    const program = await startProgram({ ...LOGIN, ...fakes(terminal) });
    {
      await using connection = await connectOnceIn(program.port);
      assert.deepEqual(connection.source, {
        ...{ name: "mt5:Fake-Demo", kind: "raw", clock: "learned" },
      });
      assert.equal(connection.session, "mt5");
      assert.equal(connection.sessions[0]?.state, "connected");
      const [spec] = await connection.specs();
      assert.deepEqual([spec?.symbol, spec?.rawName], ["EURUSD", "EURUSD.r"]);
      const { fields = {}, terminal: facts = {} } = await connection.account();
      assert.equal(fields.currency, "USD");
      assert.equal(facts.build, 5430);
      const told = Object.keys({ ...fields, ...facts });
      assert.deepEqual(told.filter((name) => /^(login|name|.*path)$/.test(name)), []);
      assert.equal(await readHistory(connection), history.length);
    }
    assert.equal(await program.stop(), 0);
    assert.match(program.text(), /session mt5 logged in at Fake-Demo/);
    assert.doesNotMatch(program.text(), /s3cret/);
  },
});

Deno.test({
  name: "a session whose password is refused says so, and leaves the other alone",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start(script);
    const { login, server, password } = ACCOUNT;
    await Deno.writeTextFile(terminal.path("wrong.txt"), "not the pass word");
    const common = { vendor: "mt5", login, server, warmPauseMs: 1 };
    const sessions = [
      { ...common, name: "wrong", terminal: "A", passwordFile: terminal.path("wrong.txt") },
      { ...common, name: "right", terminal: "B", passwordEnv: "SESSION_PASSWORD_RIGHT" },
    ];
    await Deno.writeTextFile(terminal.path("sessions.json"), JSON.stringify(sessions));
    const program = await startProgram({
      ...{ SOURCE: "sessions", SESSIONS_FILE: terminal.path("sessions.json"), BRIDGE_PORT: "0" },
      ...{ SESSION_PASSWORD_RIGHT: password, ...fakes(terminal) },
    });
    {
      await using connection = await connectOnceIn(program.port, "right");
      await until(() => connection.sessions[0]?.state === "failed");
      assert.deepEqual(connection.sessions.map(({ name }) => name), ["wrong", "right"]);
      await assert.rejects(connect(program.port, "wrong"), { code: "session_down" });
      await using shared = await connect(program.port, "*");
      assert.equal(shared.session, "right");
      assert.equal(await readHistory(connection), history.length);
      const ticks = connection.stream(fromStart, new AbortController().signal);
      let isLive = false;
      for await (const { type } of ticks) {
        // Batch work on the session whose ticks flow.
        if (type === "live") {
          assert.ok((await shared.bars(twoDays)).length > 1);
          isLive = true;
        }
        if (isLive && type === "present") break;
      }
    }
    assert.equal(await program.stop(), 0);
    assert.doesNotMatch(program.text(), /s3cret|not the pass word/);
  },
});

Deno.test({
  name: "one bridge serves both vendors, and tells their feeds of one instrument apart",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start(script);
    const { login, server, password } = ACCOUNT;
    const nowUtcMs = Date.UTC(2014, 4, 6, 12);
    const rows = Array.from({ length: 300 }, (_, index) => [
      ...[nowUtcMs - 3_600_000 + index * 5000, 1.39 + index / 100_000, 1.3902 + index / 100_000],
    ]);
    await Deno.writeTextFile(terminal.path("ticks.csv"), rows.map(String).join("\n") + "\n");
    await Deno.writeTextFile(terminal.path("fxcm.txt"), "pass 4711\n");
    const passwordFile = terminal.path("fxcm.txt");
    await Deno.writeTextFile(
      terminal.path("sessions.json"),
      JSON.stringify([
        { name: "main", vendor: "mt5", login, server, warmPauseMs: 1, passwordEnv: "MT5_PASSWORD" },
        { name: "fx", vendor: "fxcm", user: "D1", passwordFile, suffix: "@fxcm", settleMs: 100 },
      ]),
    );
    const program = await startProgram({
      ...{ SOURCE: "sessions", SESSIONS_FILE: terminal.path("sessions.json"), BRIDGE_PORT: "0" },
      ...{ MT5_PASSWORD: password, FXCM_NEWEST_PYTHON: "3.99", ...fakes(terminal) },
      FAKE_FOREXCONNECT: JSON.stringify({
        ...{ nowUtcMs, speed: 1, ticks: { "EUR/USD": terminal.path("ticks.csv") } },
      }),
    });
    {
      await using main = await connectOnceIn(program.port, "main");
      await using fx = await connectOnceIn(program.port, "fx");
      assert.deepEqual([main.source.clock, fx.source.clock], ["learned", {
        ...{ zone: "UTC", shiftMs: 0 },
      }]);
      assert.match(fx.source.name, /^fxcm:/);
      assert.equal(await readHistory(main), history.length);
      assert.equal(
        await readHistory(fx, [{ symbol: "EURUSD@fxcm", fromServerMs: nowUtcMs - 3_600_000 }]),
        rows.length,
      );
    }
    assert.equal(await program.stop(), 0);
    assert.doesNotMatch(program.text(), /s3cret|4711/);
  },
});

Deno.test({
  name: "a Web Worker that may start this Python and no other program serves a terminal",
  ignore,
  async fn() {
    await using terminal = await FakeTerminal.start(script);
    const variables = fakes(terminal);
    for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
    const set: PermissionSet = config.permissions.bridge;
    const permissions = permissionsOf("bridge", set, {
      ...{ dataDir: "data", bindHost: "127.0.0.1", gatewayPort: 0, healthPort: 0 },
      ...{ bridgeHost: "127.0.0.1", bridgePort: 0, prometheusPort: undefined },
      ...{ redisUrl: undefined, readFiles: [], interpreters: [python ?? ""] },
      ...{ kafkaServers: [], kafkaFiles: [] },
    });
    // Types of Web Workers know no permissions.
    const worker = new Worker(new URL("bridge/main.ts", ROOT), {
      type: "module",
      deno: { permissions: { ...permissions, net: ["127.0.0.1"] } },
    } as WorkerOptions);
    const port = Promise.withResolvers<number>();
    const finished = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<FromProgram>) => {
      if (data.type === "loaded") {
        worker.postMessage({ type: "start", settings: { ...LOGIN, PYTHON: python } });
      } else if (data.type === "ready") {
        port.resolve(Number(data.facts.address?.split(":").at(-1)));
      } else if (data.type === "failed") port.reject(new Error(data.message));
      else if (data.type === "finished") finished.resolve();
    };
    try {
      await using connection = await connectOnceIn(await port.promise);
      assert.equal(await readHistory(connection), history.length);
      worker.postMessage({ type: "drain" });
      await finished.promise;
    } finally {
      worker.terminate();
      for (const name of Object.keys(variables)) Deno.env.delete(name);
    }
  },
});
