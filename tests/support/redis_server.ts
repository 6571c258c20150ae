import { Redis } from "ioredis";
import { tempFolder } from "./temp_folder.ts";

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** An orderly end: what is in memory is saved as configured. */
  stop(): Promise<void>;
  /** Starts again on the same port and folder; `wipe` empties the folder first. */
  restart(options?: { wipe?: boolean }): Promise<void>;
}

export interface StartRedis {
  readonly appendonly?: "everysec" | "always";
  /** Made when missing and kept by the caller; without it a folder of its own is removed at the end. */
  readonly dir?: string;
  /** More arguments for redis-server, e.g. `["--maxmemory", "3mb"]`. */
  readonly args?: readonly string[];
}

/** Whether redis-server can be run here; when it must be (REQUIRE_SERVERS=1) and cannot, throws. */
export function redisIsInstalled(): boolean {
  try {
    return new Deno.Command("redis-server", { args: ["--version"], stdout: "null" }).outputSync()
      .success;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    const how = "redis-server is not installed: apt-get install redis-server, brew install redis";
    if (Deno.env.get("REQUIRE_SERVERS") === "1") throw new Error(`Cannot run this test: ${how}`);
    console.warn(`Tests against Redis are skipped: ${how}`);
    return false;
  }
}

/** Starts a real redis-server on a free port. */
export async function startRedis(options: StartRedis = {}): Promise<RedisServer> {
  const folder = options.dir === undefined ? await tempFolder() : undefined;
  const dir = options.dir ?? folder?.path ?? "";
  await Deno.mkdir(dir, { recursive: true });
  const port = freePort();
  const url = `redis://127.0.0.1:${port}/0`;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--save", ""];
  if (options.appendonly) {
    args.push("--appendonly", "yes", "--appendfsync", options.appendonly);
  }
  const spawn = () =>
    new Deno.Command("redis-server", {
      args: [...args, ...options.args ?? []],
      stdout: "null",
      stderr: "null",
    }).spawn();
  let child: Deno.ChildProcess | undefined = spawn();
  const end = async (signal: Deno.Signal) => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return;
    ending.kill(signal);
    await ending.status;
  };
  await answering(url, child);
  return {
    url,
    port,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    async restart({ wipe = false } = {}) {
      await end("SIGTERM");
      if (wipe) {
        await Deno.remove(dir, { recursive: true });
        await Deno.mkdir(dir);
      }
      child = spawn();
      await answering(url, child);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await folder?.[Symbol.asyncDispose]();
    },
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr; // listen() without a transport is TCP
  listener.close();
  return port;
}

async function answering(url: string, server: Deno.ChildProcess): Promise<void> {
  const probe = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  probe.on("error", () => {});
  const ended = server.status.then(({ code }) => {
    throw new Error(`Cannot use redis-server on ${url}: current state is ended with ${code}`);
  });
  try {
    await Promise.race([probe.ping(), ended]);
  } finally {
    probe.disconnect();
  }
}
