import assert from "node:assert/strict";
import type { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import { connectBridge } from "../../../lib/bridge/client.ts";
import { FrameSocket } from "../../../lib/bridge/frame_socket.ts";
import { newNonce } from "../../../lib/bridge/proof.ts";

/** A bridge of another make, which answers one collector's hello with this. */
function otherBridge(answer: Readonly<Record<string, unknown>>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const socket = new FrameSocket(await listener.accept());
    socket.send({ type: "hello", protocol: 1, nonce: newNonce() });
    await socket.receiveOne();
    socket.send(answer);
    // Until the collector leaves.
    while ((await socket.receive()).length > 0);
    socket.close();
  })();
  return {
    connect: (session?: string) =>
      connectBridge({
        ...{ host: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port, session },
        signal: new AbortController().signal,
      }),
    async [Symbol.asyncDispose]() {
      await served.catch(() => {});
      listener.close();
    },
  };
}

const welcome = {
  type: "welcome",
  source: { name: "mt5:Broker-Demo", kind: "raw", clock: "learned" },
};

Deno.test("a bridge that knows no sessions is one session, always connected", async () => {
  for (const wanted of [undefined, "mt5", "*"]) {
    await using bridge = otherBridge(welcome);
    await using connection = await bridge.connect(wanted);
    assert.equal(connection.session, "mt5");
    assert.deepEqual(connection.sessions.map(({ name, state }) => [name, state]), [
      ["mt5", "connected"],
    ]);
  }
});

Deno.test("a bridge that knows no sessions is not taken for the one that was asked for", async () => {
  await using bridge = otherBridge(welcome);
  await assert.rejects(bridge.connect("fx"), { code: "unknown_session" });
});

Deno.test("a session that is down is told with how all of them stand", async () => {
  const session = {
    name: "main",
    vendor: "mt5",
    state: "waiting",
    reason: "closed",
    sinceUtcMs: 5,
  };
  await using bridge = otherBridge({
    ...{ type: "error", code: "session_down", message: "main is waiting", sessions: [session] },
  });
  await assert.rejects(bridge.connect(), (cause: BridgeError) => {
    assert.equal(cause.code, "session_down");
    assert.deepEqual(cause.sessions, [session]);
    return true;
  });
});
