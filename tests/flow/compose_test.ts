import assert from "node:assert/strict";
import { parse } from "yaml";
import { redisIsInstalled, startRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { freePort } from "./rig.ts";

/**
 * compose.yaml, parsed, and its commands run as processes in a copy of the tree, as the containers
 * would see it: only names of hosts and ports are put in the place of the containers'.
 */

interface Service {
  readonly image: string;
  readonly restart?: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly ports?: readonly string[];
}

const ROOT = new URL("../../", import.meta.url);
const text = await Deno.readTextFile(new URL("compose.yaml", ROOT));
const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(
  text,
  {
    merge: true,
  },
);
const WORKERS = ["collector", "writer", "gateway", "health"];

Deno.test("compose runs Redis and the four workers, restarts them, and waits for Redis", () => {
  for (const name of WORKERS) {
    const service = compose.services[name];
    assert.equal(service?.restart, "unless-stopped", name);
    assert.equal(service.depends_on?.redis?.condition, "service_healthy", name);
    assert.ok(service.command.includes(`-P=${name}`), name);
    assert.ok(service.command.includes("--frozen"), name);
  }
  const redis = compose.services.redis?.command.join(" ") ?? "";
  assert.match(redis, /--appendonly yes --appendfsync everysec/);
  for (const name of ["redis", "gateway", "health"]) {
    assert.ok(compose.services[name]?.healthcheck, `${name} has a health check`);
  }
});

Deno.test("compose keeps data in named volumes, publishes on loopback and holds no secret", () => {
  for (const service of Object.values(compose.services)) {
    for (const volume of service.volumes ?? []) {
      const source = volume.split(":")[0] ?? "";
      assert.ok(source === "." || source in compose.volumes, volume);
    }
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/);
    for (const [name, value] of Object.entries(service.environment ?? {})) {
      if (/TOKEN|PASSWORD|SECRET|KEY/.test(name)) assert.match(value, /^\$\{[A-Z_]+:-\}$/, name);
    }
  }
});

Deno.test({
  name: "compose's commands, run as processes, carry ticks through Redis to files and clients",
  ignore: !redisIsInstalled(),
  async fn() {
    const image = await Deno.makeTempDir({ prefix: "arbitrex-compose-" });
    const children: Deno.ChildProcess[] = [];
    try {
      for (const part of ["bridge", "workers", "lib", "deno.json", "deno.lock"]) {
        await copy(new URL(part, ROOT), `${image}/${part}`);
      }
      await using redis = await startRedis({ appendonly: "everysec" });
      const ports = { gateway: freePort(), health: freePort(), bridge: freePort() };
      const place = (value: string) =>
        value.replaceAll("redis:6379", `127.0.0.1:${redis.port}`)
          .replaceAll(/\$\{BRIDGE_HOST:-bridge\}/g, "127.0.0.1")
          .replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1")
          .replaceAll("0.0.0.0", "127.0.0.1")
          .replaceAll(":8000", `:${ports.gateway}`)
          .replaceAll(":8765", `:${ports.bridge}`)
          .replaceAll(":8766", `:${ports.health}`);
      for (const name of ["bridge", ...WORKERS]) {
        const { command, environment } = compose.services[name] ?? { command: [] };
        const env = Object.fromEntries(
          Object.entries(environment ?? {}).map(([key, value]) => [key, place(value)]),
        );
        delete env.DENO_DIR;
        const [program, ...args] = command.map(place);
        assert.equal(program, "deno");
        children.push(
          new Deno.Command(Deno.execPath(), {
            args,
            cwd: image,
            env: {
              ...env,
              GATEWAY_PORT: `${ports.gateway}`,
              HEALTH_PORT: `${ports.health}`,
              BRIDGE_PORT: `${ports.bridge}`,
            },
            stdout: "null",
            stderr: "null",
          }).spawn(),
        );
      }
      await until(() =>
        [...Deno.readDirSync(`${image}/data/simulated/ticks/fx/EURUSD`)].length > 0
      );
      await until(async () => {
        const answer = await fetch(`http://127.0.0.1:${ports.gateway}/ticks/EURUSD?limit=1`);
        return answer.ok && (await answer.text()).includes('"bid"');
      });
      await until(async () => {
        const answer = await fetch(`http://127.0.0.1:${ports.health}/health`);
        const { components }: { components: Record<string, string> } = await answer.json();
        return components.redis === "healthy" && components.tick_collection === "healthy";
      });
    } finally {
      for (const child of children) {
        try {
          child.kill("SIGKILL");
        } catch {
          // It has ended already.
        }
        await child.status;
      }
      await Deno.remove(image, { recursive: true });
    }
  },
});

async function copy(from: URL, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await copy(new URL(`${encodeURIComponent(name)}`, `${from.href}/`), `${to}/${name}`);
  }
}
