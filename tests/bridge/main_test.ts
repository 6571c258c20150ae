import assert from "node:assert/strict";
import { connectBridge } from "../../lib/bridge/client.ts";
import { startBridgeProgram } from "../support/bridge_program.ts";

const FROM = "2026-03-02T00:00:00Z", UNTIL = "2026-03-02T00:10:00Z";

/** The rights it is meant to have. */
function startProgram(env: Record<string, string>, args: readonly string[] = []) {
  const flags = ["--allow-env", "--allow-net=127.0.0.1", "--allow-read"];
  return startBridgeProgram(env, { flags, args });
}

Deno.test("the program serves an invented market to its end, and then ends itself", async () => {
  const program = startProgram({
    ...{ SIMULATED_FROM: FROM, SIMULATED_UNTIL: UNTIL, SIMULATED_ONCE: "1" },
    SIMULATED_TICKS_PER_SECOND: "100",
  });
  let count = 0;
  {
    const { signal } = new AbortController();
    const port = await program.port;
    await using connection = await connectBridge({ host: "127.0.0.1", port, signal });
    const requests = (await connection.symbols()).map(({ symbol }) => ({
      symbol,
      fromServerMs: 0,
    }));
    for await (const event of connection.stream(requests, signal)) {
      if (event.type === "ticks") count += event.ticks.count;
    }
  }
  assert.equal((await program.ended()).code, 0);
  assert.ok(count > 50_000 && count < 70_000, `${count} ticks`);
});

Deno.test("the program drains when it is told to stop", async () => {
  const program = startProgram({});
  const port = await program.port;
  const { signal } = new AbortController();
  const connection = await connectBridge({ host: "127.0.0.1", port, signal });
  const events = connection.stream([{ symbol: "EURUSD", fromServerMs: "now" }], signal);
  const broken = assert.rejects(Array.fromAsync(events), { code: "closed" });
  await connection.symbols();
  program.child.kill("SIGTERM");
  await broken;
  await connection[Symbol.asyncDispose]();
  assert.equal((await program.ended()).code, 0);
});

Deno.test("settings and flags that are wrong end the program with code 2 and a reason", async () => {
  const flags = await startProgram({}, ["--replay"]).ended();
  assert.deepEqual([flags.code, /--replay needs/.test(flags.errors)], [2, true]);
  const settings = await startProgram({ SIMULATED_OUTAGE: "soon", REPLAY_SPEED: "fast" }).ended();
  assert.equal(settings.code, 2);
  assert.match(settings.errors, /SIMULATED_OUTAGE[\s\S]*REPLAY_SPEED/);
});
