import assert from "node:assert/strict";
import { PortTaken, settlePort } from "../../../lib/program/ports.ts";

Deno.test("port 0 is settled to a free port, which is free afterwards", async () => {
  const port = await settlePort({ hostname: "127.0.0.1", port: 0, setting: "GATEWAY_PORT" });
  assert.ok(port > 0);
  Deno.listen({ hostname: "127.0.0.1", port }).close();
});

Deno.test("a taken port is named with its setting and its holder", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(
    settlePort({ hostname: "127.0.0.1", port: listener.addr.port, setting: "GATEWAY_PORT" }),
    (error) =>
      error instanceof PortTaken && error.message.includes("GATEWAY_PORT") &&
      (Deno.build.os !== "linux" || error.message.includes(`process ${Deno.pid} `)),
  );
});
