import { settlePort } from "../../lib/program/ports.ts";
import { memoryMb } from "./watch.ts";

/** The gateway's program as it is started, and what it has in memory. */
export class GatewayProcess implements AsyncDisposable {
  readonly url: string;
  mostMb = 0;
  readonly #child: Deno.ChildProcess;
  readonly #watch: ReturnType<typeof setInterval>;

  private constructor(url: string, child: Deno.ChildProcess) {
    this.url = url;
    this.#child = child;
    this.#watch = setInterval(() => this.mostMb = Math.max(this.mostMb, this.rssMb()), 100);
  }

  static async start(dataDir: string): Promise<GatewayProcess> {
    const port = await settlePort({ hostname: "127.0.0.1", port: 0, setting: "GATEWAY_PORT" });
    const main = new URL("../../workers/gateway/main.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", main],
      env: {
        DATA_DIR: dataDir,
        DATA_KIND: "raw",
        GATEWAY_PORT: String(port),
        GATEWAY_MAX_QUERY_TICKS: "100000000",
        LOG_LEVEL: "warning",
      },
      stdout: "null",
    }).spawn();
    const gateway = new GatewayProcess(`http://localhost:${port}/`, child);
    while (!await gateway.#isReady()) await new Promise((resolve) => setTimeout(resolve, 50));
    return gateway;
  }

  /** Reads an answer to its end, as fast as it comes. */
  async take(path: string): Promise<{ ms: number; bytes: number }> {
    const beganMs = performance.now();
    const response = await fetch(this.url + path);
    if (!response.ok || response.body === null) throw new Error(await response.text());
    let bytes = 0;
    for await (const chunk of response.body) bytes += chunk.length;
    return { ms: performance.now() - beganMs, bytes };
  }

  forgetMost(): void {
    this.mostMb = 0;
  }

  /** NaN where the system does not say it in a file. */
  rssMb(): number {
    return Deno.build.os === "linux" ? Math.round(memoryMb(this.#child.pid)) : NaN;
  }

  async #isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}readyz`);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}
