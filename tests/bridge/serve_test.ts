import { until } from "../support/until.ts";
import assert from "node:assert/strict";
import { SimulatedSource } from "../../bridge/source_simulated.ts";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import { type BridgeConnection, connectBridge } from "../../lib/bridge/client.ts";
import type { SourceEvent } from "../../lib/bridge/feed.ts";
import { FrameSocket } from "../../lib/bridge/frame_socket.ts";
import { decodeControl, FrameWriter } from "../../lib/bridge/frames.ts";
import { newNonce } from "../../lib/bridge/proof.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { parseServerZone } from "../../lib/time/server_zone.ts";
import { type BridgeServer, startBridge } from "../support/bridge_server.ts";
import { ScriptedSource } from "../support/scripted_source.ts";

const TOKEN = "a token of the test";
const TICK = {
  ...{ serverMs: 1_700_000_000_000, bid: 1.1, ask: 1.2 },
  ...{ last: NaN, volume: NaN, flags: 6 },
};
const BLOCK: SourceEvent = {
  type: "ticks",
  symbol: "EURUSD",
  ticks: Ticks.from(Array.from({ length: 1000 }, () => TICK)),
};
const silent = () => new ScriptedSource(() => undefined);
const fromStart = [{ symbol: "EURUSD", fromServerMs: 0 }];

function connect(bridge: BridgeServer, token?: string): Promise<BridgeConnection> {
  return connectBridge({
    ...{ host: "127.0.0.1", port: bridge.port, token },
    signal: new AbortController().signal,
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (cause) {
    return cause instanceof BridgeError ? cause.code : `no BridgeError: ${cause}`;
  }
  return "none";
}

/** What a peer of another make might send: raw bytes, after a proper hello or not. */
async function rawPeer(bridge: BridgeServer, options: { hello?: unknown } = {}) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: bridge.port });
  const socket = new FrameSocket(connection);
  const next = async (): Promise<Record<string, unknown>> => {
    const frame = await socket.receiveOne();
    return frame === undefined ? {} : decodeControl(frame.payload) as Record<string, unknown>;
  };
  assert.equal((await next()).type, "hello");
  if (options.hello !== undefined) {
    socket.send(options.hello);
    await socket.flushed();
  }
  return {
    socket,
    next,
    write: (bytes: Uint8Array) => connection.write(bytes),
    async errorCode() {
      for (;;) {
        const message = await next();
        if (message.type === "error" || message.type === undefined) return message.code;
      }
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
const hello = () => ({ type: "hello", protocol: 1, nonce: newNonce() });

Deno.test("a collector learns the source, its symbols, its account and its bars", async () => {
  const clock = parseServerZone("America/New_York+7h");
  const source = new SimulatedSource({
    ...{ seed: 1, ticksPerSecond: 60, alwaysOpen: true, clock, historyMs: 86_400_000 },
    barHistoryMs: 0,
  });
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  assert.deepEqual(connection.source, { name: "simulated:market", kind: "simulated", clock });
  assert.deepEqual(await connection.symbols(), await source.symbols());
  assert.deepEqual(await connection.account(), await source.account());
  const toServerMs = Math.floor(Date.now() / 60_000) * 60_000 - 86_400_000 / 2;
  const request = { symbol: "EURUSD", timeframe: "1m", toServerMs };
  const bars = { ...request, fromServerMs: toServerMs - 3_600_000 };
  assert.equal((await connection.bars(bars)).length, 60);
  assert.deepEqual(await connection.bars(bars), await source.bars(bars));
});

Deno.test("a stream crosses the socket in its order, and the connection serves another", async () => {
  const script: SourceEvent[] = [
    { type: "clock", nowServerMs: 5, watermarkServerMs: 4 },
    BLOCK,
    { type: "live" },
    { type: "feed", state: "down", nowServerMs: 6 },
    { type: "feed", state: "up", nowServerMs: 7 },
    { type: "ended" },
  ];
  const source = new ScriptedSource((pull) => script[pull]);
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  for (let turn = 0; turn < 2; turn++) {
    const events = await Array.fromAsync(
      connection.stream(fromStart, new AbortController().signal),
    );
    assert.deepEqual(events.map(({ type }) => type), script.map(({ type }) => type));
    assert.deepEqual(events[0], script[0]);
    const ticks = events[1]?.type === "ticks" ? events[1].ticks.bytes : undefined;
    assert.deepEqual(ticks, BLOCK.type === "ticks" ? BLOCK.ticks.bytes : undefined);
  }
});

Deno.test("the time of a source whose clock is learned crosses the socket in UTC", async () => {
  const script: SourceEvent[] = [
    { type: "present", nowUtcMs: 5, watermarkUtcMs: 4, newestServerMs: 7_200_003 },
    { type: "present", nowUtcMs: 6, watermarkUtcMs: 5, newestServerMs: null },
    { type: "feed", state: "down", nowUtcMs: 6 },
    { type: "ended" },
  ];
  await using bridge = await startBridge(new ScriptedSource((pull) => script[pull]));
  await using connection = await connect(bridge);
  const events = await Array.fromAsync(connection.stream(fromStart, new AbortController().signal));
  assert.deepEqual(events, script);
});

Deno.test("thousands of described symbols cross the socket in parts", async () => {
  const source = silent();
  source.described = Array.from({ length: 3000 }, (_, index) => ({
    ...{ symbol: `S${index}`, rawName: `S${index}.r`, digits: 2 },
    fields: { description: "ц".repeat(500), point: 0.01, custom: false, bank: null },
  }));
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  assert.deepEqual(await connection.specs(), source.described);
  source.described = [];
  assert.deepEqual(await connection.specs(), []);
});

Deno.test("a collector that stops reading makes the source wait, and loses nothing", async () => {
  const total = 3000;
  const source = new ScriptedSource((pull) => pull < total ? BLOCK : { type: "ended" });
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  const events = connection.stream(fromStart, new AbortController().signal)[Symbol.asyncIterator]();
  await events.next();
  let pulls = -1;
  // The source has come to rest when it is not pulled for a while.
  while (pulls !== source.pulls) {
    pulls = source.pulls;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(pulls < 400, `the source was pulled ${pulls} times for a collector that does not read`);
  let count = 1000;
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.type === "ticks") count += next.value.ticks.count;
  }
  assert.equal(count, total * 1000);
});

Deno.test("leaving the loop stops the source's stream, not the connection", async () => {
  const source = new ScriptedSource(() => BLOCK);
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  for await (const _ of connection.stream(fromStart, new AbortController().signal)) break;
  await until(() => source.open === 0);
  assert.equal((await connection.symbols()).length, 1);
});

Deno.test("a stream ends when its signal aborts while it waits", async () => {
  const source = silent();
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  const stop = new AbortController();
  const events = Array.fromAsync(connection.stream(fromStart, stop.signal));
  await until(() => source.open === 1);
  stop.abort();
  assert.deepEqual(await events, []);
});

Deno.test("a symbol the source lacks fails the request and leaves the connection", async () => {
  await using bridge = await startBridge(silent());
  await using connection = await connect(bridge);
  const { signal } = new AbortController();
  const requests = [{ symbol: "NOPE", fromServerMs: 0 }];
  assert.equal(
    await codeOf(Array.fromAsync(connection.stream(requests, signal))),
    "unknown_symbol",
  );
  assert.equal((await connection.symbols()).length, 1);
});

Deno.test("a source that fails fails its stream by name", async () => {
  const source = new ScriptedSource(() => {
    throw new Error("the terminal is gone");
  });
  await using bridge = await startBridge(source);
  await using connection = await connect(bridge);
  await assert.rejects(
    Array.fromAsync(connection.stream(fromStart, new AbortController().signal)),
    { code: "source_failed", message: "the terminal is gone" },
  );
  assert.equal((await connection.symbols()).length, 1);
});

Deno.test("both sides must know the token", async () => {
  await using bridge = await startBridge(silent(), { token: TOKEN });
  await using open = await startBridge(silent());
  await using connection = await connect(bridge, TOKEN);
  assert.equal(connection.source.name, "scripted:test");
  assert.equal(await codeOf(connect(bridge)), "unauthenticated");
  assert.equal(await codeOf(connect(bridge, "another token of it")), "wrong_token");
  assert.equal(await codeOf(connect(open, TOKEN)), "wrong_token");
});

Deno.test("a bridge is not opened to a network without a token", async () => {
  await assert.rejects(startBridge(silent(), { hostname: "0.0.0.0" }), /set BRIDGE_TOKEN/);
  await using _ = await startBridge(silent(), { hostname: "0.0.0.0", token: TOKEN });
});

Deno.test("a port that is taken is named with its setting", async () => {
  await using bridge = await startBridge(silent());
  const again = startBridge(silent(), { port: bridge.port });
  await assert.rejects(again, new RegExp(`port ${bridge.port} is taken.*BRIDGE_PORT`));
});

const control = (message: unknown) => {
  const writer = new FrameWriter();
  writer.control(message);
  return writer.take();
};
const wrongBytes: readonly { code: string; hello?: unknown; bytes?: Uint8Array }[] = [
  { code: "unknown_frame", bytes: new Uint8Array([2, 0, 0, 0, 9, 0]) },
  { code: "unknown_frame", hello: hello(), bytes: new Uint8Array([2, 0, 0, 0, 2, 0]) },
  { code: "oversized_frame", bytes: new Uint8Array([0, 0, 1, 0, 1]) },
  { code: "oversized_frame", hello: hello(), bytes: new Uint8Array([255, 255, 255, 255, 1]) },
  { code: "bad_message", bytes: new Uint8Array([3, 0, 0, 0, 1, 123, 125]) },
  { code: "bad_message", hello: hello(), bytes: control({ type: "order" }) },
  { code: "bad_message", hello: { type: "hello", protocol: 1, nonce: "short" } },
  { code: "version_mismatch", hello: { ...hello(), protocol: 2 } },
  { code: "unauthenticated", hello: hello() },
  { code: "wrong_token", hello: { ...hello(), proof: "00".repeat(32) } },
];
for (const { code, hello, bytes } of wrongBytes) {
  const when = hello === undefined ? "before its hello" : bytes === undefined ? "in" : "after it";
  Deno.test(`${code} (${when}) ends that connection alone`, async () => {
    const guarded = code === "unauthenticated" || code === "wrong_token";
    const options = guarded ? { token: TOKEN } : {};
    await using bridge = await startBridge(silent(), options);
    await using other = await connect(bridge, guarded ? TOKEN : undefined);
    using peer = await rawPeer(bridge, { hello });
    if (bytes !== undefined) await peer.write(bytes);
    assert.equal(await peer.errorCode(), code);
    assert.equal((await other.symbols()).length, 1);
  });
}

Deno.test("half_frame: a peer that ends inside a frame leaves the others alone", async () => {
  await using bridge = await startBridge(silent());
  await using other = await connect(bridge);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: bridge.port });
  const socket = new FrameSocket(connection);
  await socket.receiveOne();
  await connection.write(new Uint8Array([9, 0, 0, 0, 1, 2]));
  await connection.closeWrite();
  const frame = await socket.receiveOne();
  socket.close();
  assert.ok(frame !== undefined);
  assert.equal((decodeControl(frame.payload) as { code: string }).code, "half_frame");
  assert.equal((await other.symbols()).length, 1);
});

Deno.test("handshake_timeout: a peer that says nothing is let go", async () => {
  await using bridge = await startBridge(silent(), { handshakeTimeoutMs: 50 });
  using peer = await rawPeer(bridge);
  assert.equal(await peer.errorCode(), "handshake_timeout");
});

Deno.test("too_many_connections: one more is turned away until another leaves", async () => {
  await using bridge = await startBridge(silent(), { maxConnections: 1 });
  const first = await connect(bridge);
  assert.equal(await codeOf(connect(bridge)), "too_many_connections");
  assert.equal((await first.symbols()).length, 1);
  await first[Symbol.asyncDispose]();
  let code = "none";
  do code = await codeOf(connect(bridge).then((second) => second[Symbol.asyncDispose]())); while (
    code === "too_many_connections"
  );
  assert.equal(code, "none");
});

Deno.test("idle_peer: a collector that falls silent is let go, its stream with it", async () => {
  const source = silent();
  await using bridge = await startBridge(source, { heartbeatMs: 20, idleLimitMs: 100 });
  using peer = await rawPeer(bridge, { hello: hello() });
  await peer.write(control({ type: "ticks", id: 1, requests: fromStart }));
  assert.equal(await peer.errorCode(), "idle_peer");
  await until(() => source.open === 0);
});

Deno.test("a collector notices a bridge that falls silent", async () => {
  await using bridge = await startBridge(silent(), { heartbeatMs: 60_000 });
  await using connection = await connectBridge({
    ...{ host: "127.0.0.1", port: bridge.port, heartbeatMs: 20, idleLimitMs: 100 },
    signal: new AbortController().signal,
  });
  const events = connection.stream(fromStart, new AbortController().signal);
  assert.equal(await codeOf(Array.fromAsync(events)), "idle_peer");
  assert.equal(await codeOf(connection.symbols()), "idle_peer");
});

Deno.test("a bridge that ends breaks its collectors' calls, and they may connect again", async () => {
  const bridge = await startBridge(silent());
  const connection = await connect(bridge);
  const events = Array.fromAsync(connection.stream(fromStart, new AbortController().signal));
  const broken = codeOf(events);
  await connection.symbols();
  await bridge[Symbol.asyncDispose]();
  assert.equal(await broken, "closed");
  assert.equal(await codeOf(connect(bridge)), "unreachable");
  await using again = await startBridge(silent(), { port: bridge.port });
  await using second = await connect(again);
  assert.equal((await second.symbols()).length, 1);
});

Deno.test("a bridge that serves once ends after its collector has everything and leaves", async () => {
  const source = new ScriptedSource((pull) => pull === 0 ? BLOCK : { type: "ended" });
  await using bridge = await startBridge(source, { once: true });
  {
    await using connection = await connect(bridge);
    const events = connection.stream(fromStart, new AbortController().signal);
    assert.equal((await Array.fromAsync(events)).length, 2);
  }
  await bridge.served;
});
