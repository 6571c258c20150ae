import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface BridgeProgram {
  readonly child: Deno.ChildProcess;
  /** Where it listens; rejects with what it said when it ends before that. */
  readonly port: Promise<number>;
  /** What it has written to stderr. */
  text(): string;
  /** Resolves when it has ended, with everything it said. */
  ended(): Promise<{ code: number; errors: string }>;
}

/** The bridge as a process of its own on a free port; `flags` are Deno's: the rights it has. */
export function startBridgeProgram(
  env: Readonly<Record<string, string>>,
  { flags, args = [] }: { flags: readonly string[]; args?: readonly string[] },
): BridgeProgram {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...flags, "bridge/main.ts", ...args],
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
    text: () => text,
    async ended() {
      await read;
      return { code: (await child.status).code, errors: text };
    },
  };
}
