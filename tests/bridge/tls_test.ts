import assert from "node:assert/strict";
import { tlsFiles } from "../../bridge/tls_files.ts";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import { connectBridge } from "../../lib/bridge/client.ts";
import { startBridge } from "../support/bridge_server.ts";
import { selfSigned } from "../support/certificate.ts";
import { ScriptedSource } from "../support/scripted_source.ts";

const tls = await selfSigned("DNS:localhost");
if (tls === undefined) {
  console.log("skips the TLS socket: openssl is missing; apt-get install openssl");
}

Deno.test({
  name: "the socket speaks TLS to collectors that trust its certificate, and to no others",
  ignore: tls === undefined,
  async fn() {
    const source = new ScriptedSource((pull) => pull === 0 ? { type: "ended" } : undefined);
    await using bridge = await startBridge(source, { tls });
    const { signal } = new AbortController();
    const where = { host: "localhost", port: bridge.port, signal, connectTimeoutMs: 1000 };
    await using connection = await connectBridge({
      ...where,
      tls: { caCerts: [tls?.cert ?? ""] },
    });
    const requests = [{ symbol: "EURUSD", fromServerMs: 0 }];
    const events = await Array.fromAsync(connection.stream(requests, signal));
    assert.deepEqual(events, [{ type: "ended" }]);
    for (const other of [{ ...where, tls: {} }, where]) {
      await assert.rejects(
        connectBridge(other),
        (cause) => cause instanceof BridgeError && cause.code === "unreachable",
      );
    }
    assert.equal((await connection.symbols()).length, 1);
  },
});

Deno.test("a certificate that cannot be read is named with its setting", async () => {
  await assert.rejects(
    tlsFiles({ tlsCert: "/nowhere/cert.pem", tlsKey: "/nowhere/key.pem" }),
    /^SettingsError: Cannot read BRIDGE_TLS_CERT as a PEM file: current value is \/nowhere\/cert/,
  );
  await assert.rejects(tlsFiles({ tlsCert: "cert.pem", tlsKey: undefined }), /BRIDGE_TLS_KEY/);
  assert.equal(await tlsFiles({ tlsCert: undefined, tlsKey: undefined }), undefined);
});
