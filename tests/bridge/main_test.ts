import assert from "node:assert/strict";
import { join } from "node:path";
import { connectBridge } from "../../lib/bridge/client.ts";

const ROOT = join(import.meta.dirname ?? "", "../..");
const FROM = "2026-03-02T00:00:00Z", UNTIL = "2026-03-02T00:10:00Z";

/** The bridge as a process of its own, with the narrow rights it is meant to have. */
function startProgram(env: Record<string, string>, args: readonly string[] = []) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-env",
      "--allow-net=127.0.0.1",
      "--allow-read",
      "bridge/main.ts",
      ...args,
    ],
    cwd: ROOT,
    env: { BRIDGE_PORT: "0", ...env },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const port = Promise.withResolvers<number>();
  let text = "";
  const read = (async () => {
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const match = /address=127\.0\.0\.1:(\d+)/.exec(text);
      if (match !== null) port.resolve(Number(match[1]));
    }
    port.reject(new Error(`the bridge did not start: ${text}`));
  })();
  port.promise.catch(() => {});
  return {
    child,
    port: port.promise,
    async ended(): Promise<{ code: number; errors: string }> {
      await read;
      return { code: (await child.status).code, errors: text };
    },
  };
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
