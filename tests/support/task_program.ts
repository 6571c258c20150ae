import config from "../../deno.json" with { type: "json" };
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A command as its task runs it, with the permissions of the task, until it has ended. */
export async function runTask(
  task: "audit" | "verify" | "backup" | "restore",
  args: readonly string[],
  { ports, dir, env }: {
    /** What it may reach on this host. */
    ports: readonly number[];
    /** What it may write in. */
    dir: string;
    env: Readonly<Record<string, string>>;
  },
): Promise<{ code: number; out: string; err: string }> {
  // As the task has it: `deno run <flags> <main module>`.
  const words = config.tasks[task].command.split(" ").slice(1);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...words.slice(0, -1),
      ...["--no-check", "--no-prompt", "--quiet"],
      ...ports.length === 0 ? [] : [`--allow-net=${ports.map((port) => `127.0.0.1:${port}`)}`],
      ...task === "audit" ? [`--allow-write=${dir}`] : [],
      words.at(-1) ?? "",
      ...args,
    ],
    cwd: ROOT,
    env,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}
