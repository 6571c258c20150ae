import config from "../../deno.json" with { type: "json" };
import { startRedis } from "../support/redis_server.ts";

/**
 * The programs as their users run them: child processes with the permission sets of deno.json, in
 * one of the shapes, on free ports and a folder of their own. Any of them can be killed.
 */

export type Shape = "embedded" | "processes" | "redis_everysec" | "redis_always";
export type Role = "start" | "bridge" | "collector" | "writer" | "gateway" | "health";

export const SHAPES: readonly Shape[] = ["embedded", "processes", "redis_everysec", "redis_always"];
const ROOT = new URL("../../", import.meta.url);
type Redis = Awaited<ReturnType<typeof startRedis>>;

export interface RigOptions {
  readonly shape: Shape;
  /** Settings for every program, on top of ports and folders. */
  readonly settings: Readonly<Record<string, string>>;
  /** Command line of `start` or of the bridge, such as `--replay FILE`. */
  readonly args: readonly string[];
  /** The folder that programs may write in; by default the rig's own, which goes with it. */
  readonly dir?: string;
  /** What goes before the command of a program, to run it elsewhere. */
  readonly prefixOf?: (role: Role) => readonly string[];
  /** Programs that the bridge may start, on top of what its set says. */
  readonly interpreters?: readonly string[];
  /** Hosts that programs may reach, on top of this one. */
  readonly hosts?: readonly string[];
}

interface Running {
  readonly child: Deno.ChildProcess;
  readonly status: Promise<Deno.CommandStatus>;
  readonly output: Promise<void>;
}

export class Rig implements AsyncDisposable {
  readonly dir: string;
  readonly ports: { readonly gateway: number; readonly health: number; readonly bridge: number };
  readonly roles: readonly Role[];
  readonly redis: Redis | undefined;
  readonly #options: RigOptions;
  readonly #running = new Map<Role, Running>();
  /** Everything that was printed, for a failure's message. */
  output = "";

  private constructor(options: RigOptions, dir: string, redis?: Redis, ports?: Rig["ports"]) {
    this.#options = options;
    this.dir = dir;
    this.redis = redis;
    this.roles = options.shape === "embedded"
      ? ["start"]
      : ["bridge", "collector", "writer", "gateway"];
    this.ports = ports ?? { gateway: freePort(), health: freePort(), bridge: freePort() };
  }

  static async open(options: RigOptions): Promise<Rig> {
    const dir = await Deno.makeTempDir({ prefix: "arbitrex-" });
    const fsync = options.shape === "redis_always" ? "always" : "everysec";
    const redis = options.shape.startsWith("redis")
      ? await startRedis({ appendonly: fsync, dir: `${dir}/redis` })
      : undefined;
    return new Rig(options, dir, redis);
  }

  get dataDir(): string {
    return `${this.dir}/data`;
  }

  startAll(): void {
    for (const role of this.roles) this.start(role);
  }

  start(
    role: Role,
    settings: Readonly<Record<string, string>> = {},
    dir: string = this.#options.dir ?? this.dir,
  ): void {
    const { args } = this.#options;
    const net = ["127.0.0.1", "localhost", ...this.#options.hosts ?? []].join();
    // As the task has it: `deno run <flags> <main module>`.
    const words = config.tasks[role].command.split(" ").slice(1);
    const flags = words.slice(0, -1), main = words.at(-1) ?? "";
    const [command = Deno.execPath(), ...before] = [
      ...this.#options.prefixOf?.(role) ?? [],
      Deno.execPath(),
    ];
    const child = new Deno.Command(command, {
      args: [
        ...before,
        ...flags,
        "--quiet",
        ...role === "start" || role === "bridge" ? [] : [`--allow-read=${dir}`],
        ...role === "gateway" || role === "health" || role === "bridge"
          ? []
          : [`--allow-write=${dir}`],
        `--allow-net=${net}`,
        ...(role === "bridge" || role === "start") && this.#options.interpreters !== undefined
          ? [`--allow-run=${this.#options.interpreters.join()}`]
          : [],
        main,
        ...role === "start" || role === "bridge" ? args : [],
      ],
      cwd: ROOT,
      clearEnv: true,
      env: {
        ...inherited(),
        DATA_DIR: this.dataDir,
        GATEWAY_PORT: `${this.ports.gateway}`,
        HEALTH_PORT: `${this.ports.health}`,
        BRIDGE_PORT: `${this.ports.bridge}`,
        ...(this.redis === undefined ? {} : { REDIS_URL: this.redis.url }),
        ...this.#options.settings,
        ...settings,
      },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = Promise.all([this.#collect(child.stdout), this.#collect(child.stderr)]).then(
      () => {},
    );
    this.#running.set(role, { child, status: child.status, output });
  }

  /** Another `start` with the same ports and folder, but for these settings. */
  async beside(settings: Readonly<Record<string, string>>): Promise<Rig> {
    const dir = await Deno.makeTempDir({ prefix: "arbitrex-beside-" });
    const other = new Rig(this.#options, dir, undefined, this.ports);
    const { gateway, health, bridge } = this.ports;
    other.start("start", {
      DATA_DIR: this.dataDir,
      GATEWAY_PORT: `${gateway}`,
      HEALTH_PORT: `${health}`,
      BRIDGE_PORT: `${bridge}`,
      ...settings,
    }, this.dir);
    return other;
  }

  pid(role: Role): number {
    const running = this.#running.get(role);
    if (running === undefined) {
      throw new Error(`Cannot tell the pid of ${role}: it was never started`);
    }
    return running.child.pid;
  }

  /** The end of a program, however it comes. */
  async ended(role: Role): Promise<number> {
    const running = this.#running.get(role);
    if (running === undefined) throw new Error(`Cannot wait for ${role}: it was never started`);
    const { code } = await running.status;
    await running.output;
    return code;
  }

  async kill(role: Role, signal: Deno.Signal = "SIGKILL"): Promise<number> {
    try {
      this.#running.get(role)?.child.kill(signal);
    } catch {
      // It has ended by itself already.
    }
    return await this.ended(role);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const role of this.#running.keys()) await this.kill(role);
    await this.redis?.[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.output += decoder.decode(bytes, { stream: true });
  }
}

/** What a Deno child needs of the environment to find its cache, and nothing of ours. */
function inherited(): Record<string, string> {
  const names = [
    "PATH",
    "HOME",
    "DENO_DIR",
    "TMPDIR",
    "NPM_CONFIG_REGISTRY",
    "SystemRoot",
    "LOCALAPPDATA",
  ];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
