import config from "../../deno.json" with { type: "json" };
import { fileURLToPath } from "node:url";
import { settingNames } from "../../lib/program/settings.ts";
import { ingestSettings } from "../../workers/collector/ingest/config.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface IngestProgram {
  readonly child: Deno.ChildProcess;
  /** What it has said on standard output so far. */
  text(): string;
  /** Resolves when it has ended, however it ends. */
  ended(): Promise<{ code: number; out: string; err: string }>;
}

/** `deno task ingest` as a process of its own, with the permissions of its task. */
export function startIngest(
  args: readonly string[],
  { port, dir, env = {} }: {
    /** Of the bridge. */
    port: number;
    /** What it may write in. */
    dir: string;
    env?: Readonly<Record<string, string>>;
  },
): IngestProgram {
  // As the task has it: `deno run <flags> <main module>`.
  const words = config.tasks.ingest.command.split(" ").slice(1);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...words.slice(0, -1),
      "--no-check",
      "--no-prompt",
      "--quiet",
      `--allow-net=127.0.0.1:${port}`,
      `--allow-write=${dir}`,
      `--allow-env=${settingNames(ingestSettings).join()}`,
      words.at(-1) ?? "",
      ...args,
    ],
    cwd: ROOT,
    env: { BRIDGE_PORT: String(port), NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let out = "", err = "";
  const reading = Promise.all([
    (async () => {
      for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) out += piece;
    })(),
    (async () => {
      for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) err += piece;
    })(),
  ]);
  return {
    child,
    text: () => out,
    async ended() {
      await reading;
      return { code: (await child.status).code, out, err };
    },
  };
}

export async function runIngest(...given: Parameters<typeof startIngest>) {
  return await startIngest(...given).ended();
}
