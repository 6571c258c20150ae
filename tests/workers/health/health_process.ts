const root = `${import.meta.dirname}/../../..`;
const main = `${root}/workers/health/main.ts`;
const config = `${root}/deno.json`;

export type Env = Readonly<Record<string, string>>;

export interface HealthProcess extends AsyncDisposable {
  readonly port: number;
  readonly dataDir: string;
  readonly output: () => string;
  /** Asks it to drain; resolves with its exit code. */
  stop(): Promise<number>;
  get(path: string): Promise<{ status: number; body: string }>;
  json(path: string): Promise<unknown>;
}

/** The health program as a process of its own, on a free port, with narrow permissions. */
export async function startHealth(env: Env = {}): Promise<HealthProcess> {
  const dataDir = await Deno.makeTempDir({ prefix: "arbitrex_health_" });
  const child = healthCommand([], { HEALTH_PORT: "0", DATA_DIR: dataDir, ...env }, dataDir).spawn();
  let output = "";
  const ready = Promise.withResolvers<number>();
  const reading = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      const [, port] = /ready url=http:\/\/[^:]+:(\d+)\//.exec(output) ?? [];
      if (port !== undefined) ready.resolve(Number(port));
    }
  }));
  reading.then(() => ready.reject(new Error(`Cannot start health: ${output}`)));
  const end = async () => {
    const { code } = await child.status;
    await reading;
    return code;
  };
  const dispose = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await end();
    await Deno.remove(dataDir, { recursive: true });
  };
  let port: number;
  try {
    port = await ready.promise;
  } catch (cause) {
    await dispose();
    throw cause;
  }
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: await response.text() };
  };
  return {
    port,
    dataDir,
    output: () => output,
    stop: () => {
      child.kill("SIGTERM");
      return end();
    },
    get,
    json: async (path) => JSON.parse((await get(path)).body),
    [Symbol.asyncDispose]: dispose,
  };
}

/** The command line of health: its exit code and what it printed. */
export async function runHealthCli(args: readonly string[], env: Env = {}, readable = ".") {
  const result = await healthCommand(args, env, readable).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: result.code, stdout: text(result.stdout), stderr: text(result.stderr) };
}

export function healthCommand(args: readonly string[], env: Env, readable: string): Deno.Command {
  const permissions = [
    "--no-prompt",
    "--allow-net=127.0.0.1",
    `--allow-read=${readable}`,
    "--allow-sys=statfs",
    `--allow-env=${Object.keys({ ...env, DATA_DIR: "" }).join(",")}`,
    "--ignore-env",
  ];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--config", config, ...permissions, main, ...args],
    env: { ...env, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}
