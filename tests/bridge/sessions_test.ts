import assert from "node:assert/strict";
import type { Session } from "../../bridge/session.ts";
import { Sessions } from "../../bridge/sessions.ts";
import type { Source } from "../../bridge/source.ts";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import { type BridgeConnection, connectBridge } from "../../lib/bridge/client.ts";
import { FrameSocket } from "../../lib/bridge/frame_socket.ts";
import { decodeControl } from "../../lib/bridge/frames.ts";
import { newNonce } from "../../lib/bridge/proof.ts";
import type { SessionState, SessionStatus } from "../../lib/bridge/feed.ts";
import { type BridgeServer, startBridge } from "../support/bridge_server.ts";
import { ScriptedSource } from "../support/scripted_source.ts";
import { until } from "../support/until.ts";

/** A session that is as a test says. */
class StatedSession implements Session {
  status: SessionStatus;
  source: Source | undefined;
  /** How often somebody looked whether it was tried. */
  asked = 0;
  readonly #attempted = Promise.withResolvers<void>();
  readonly #listeners: ((status: SessionStatus) => void)[] = [];

  constructor(name: string, { vendor = "mt5", state = "connected" as SessionState } = {}) {
    this.status = { name, vendor, state, reason: "", sinceUtcMs: 1 };
    if (state !== "connected") return;
    this.source = new ScriptedSource(() => undefined);
    this.#attempted.resolve();
  }

  get attempted(): Promise<void> {
    this.asked++;
    return this.#attempted.promise;
  }

  onStatus(listener: (status: SessionStatus) => void): void {
    this.#listeners.push(listener);
  }

  become(state: SessionState, reason = ""): void {
    this.status = { ...this.status, state, reason };
    this.#attempted.resolve();
    if (state === "connected") this.source ??= new ScriptedSource(() => undefined);
    for (const listener of this.#listeners) listener(this.status);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function connect(bridge: BridgeServer, session?: string): Promise<BridgeConnection> {
  return connectBridge({
    ...{ host: "127.0.0.1", port: bridge.port, session },
    signal: new AbortController().signal,
  });
}

async function refusal(work: Promise<unknown>): Promise<BridgeError> {
  const error = await work.then(() => undefined, (cause: unknown) => cause);
  assert.ok(error instanceof BridgeError, `${error}`);
  return error;
}

Deno.test("a collector is given the first session, or the one it names", async () => {
  const main = new StatedSession("main");
  const other = new StatedSession("other", { vendor: "fxcm" });
  await using bridge = await startBridge(new Sessions([main, other]));
  await using first = await connect(bridge);
  await using named = await connect(bridge, "other");
  assert.deepEqual([first.session, named.session], ["main", "other"]);
  assert.deepEqual(named.sessions, [main.status, other.status]);
});

Deno.test("a session that does not exist is refused with those that do", async () => {
  const main = new StatedSession("main");
  await using bridge = await startBridge(new Sessions([main]));
  for (const wanted of ["mian", "*:fxcm", "*x"]) {
    const error = await refusal(connect(bridge, wanted));
    assert.equal(error.code, "unknown_session");
    assert.match(error.message, /current sessions are main/);
    assert.deepEqual(error.sessions, [main.status]);
  }
});

Deno.test("a session whose first login is under way is waited for", async () => {
  const main = new StatedSession("main", { state: "connecting" });
  await using bridge = await startBridge(new Sessions([main]));
  const connecting = [undefined, "main", "*"].map((wanted) => connect(bridge, wanted));
  await until(() => main.asked === 3);
  main.become("connected");
  for (const connected of connecting) {
    await using connection = await connected;
    assert.equal(connection.session, "main");
  }
});

Deno.test("a first login that takes long is not waited for to its end", async () => {
  const main = new StatedSession("main", { state: "connecting" });
  await using bridge = await startBridge(new Sessions([main]), { handshakeTimeoutMs: 100 });
  const error = await refusal(connect(bridge));
  assert.equal(error.code, "session_down");
});

Deno.test("a session that was never connected is refused with its reason, until it is", async () => {
  const main = new StatedSession("main", { state: "connecting" });
  await using bridge = await startBridge(new Sessions([main]));
  main.become("failed", "the broker refused the password");
  for (const wanted of ["main", "*", undefined]) {
    const error = await refusal(connect(bridge, wanted));
    assert.equal(error.code, "session_down");
    assert.match(error.message, /main.*failed: the broker refused the password/);
    assert.deepEqual(error.sessions, [main.status]);
  }
  main.become("connected");
  await using _ = await connect(bridge);
  main.become("connecting", "the terminal was closed");
  await using again = await connect(bridge);
  assert.equal(again.source.name, "scripted:test");
});

Deno.test("each change of a session reaches those who are connected", async () => {
  const main = new StatedSession("main");
  await using bridge = await startBridge(new Sessions([main, new StatedSession("other")]));
  await using connection = await connect(bridge, "other");
  const told: string[] = [];
  connection.onSessions((sessions) => told.push(sessions[0]?.reason ?? ""));
  main.become("waiting", "the market is closed");
  await until(() => told.includes("the market is closed"));
  assert.equal(connection.sessions[0]?.state, "waiting");
  main.become("connected");
  await until(() => connection.sessions[0]?.state === "connected");
  assert.equal((await connection.symbols()).length, 1);
});

Deno.test("a collector that did not ask for it is told nothing of sessions", async () => {
  const main = new StatedSession("main");
  await using bridge = await startBridge(new Sessions([main]), { heartbeatMs: 60_000 });
  const socket = new FrameSocket(
    await Deno.connect({ hostname: "127.0.0.1", port: bridge.port }),
  );
  const next = async () => {
    const frame = await socket.receiveOne();
    assert.ok(frame !== undefined);
    return decodeControl(frame.payload) as { type: string };
  };
  try {
    await next();
    socket.send({ type: "hello", protocol: 1, nonce: newNonce() });
    assert.equal((await next()).type, "welcome");
    main.become("waiting", "closed");
    socket.send({ type: "account", id: 1 });
    assert.equal((await next()).type, "account");
  } finally {
    socket.close();
  }
});

Deno.test("work that may share is given the least busy session that is connected", async () => {
  const sessions = new Sessions([
    new StatedSession("a"),
    new StatedSession("b"),
    new StatedSession("c", { state: "failed" }),
    new StatedSession("d", { vendor: "fxcm" }),
  ]);
  await using bridge = await startBridge(sessions);
  await using ticks = await connect(bridge, "a");
  const batch = await connect(bridge, "*:mt5");
  await using more = await connect(bridge, "*:mt5");
  assert.deepEqual([ticks.session, batch.session, more.session], ["a", "b", "a"]);
  await batch[Symbol.asyncDispose]();
  await until(() => {
    using lease = sessions.lease("mt5");
    return lease.name === "b";
  });
  using fxcm = sessions.lease("fxcm");
  assert.equal(fxcm.name, "d");
  using bySource = sessions.lease("scripted:test");
  assert.equal(bySource.name, "b");
});
