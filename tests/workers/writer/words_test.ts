import assert from "node:assert/strict";
import { UNIVERSE } from "../../../lib/market/universe.ts";
import { WriterHealth } from "../../../workers/writer/health.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { until } from "../../support/until.ts";
import { FilledLog, MORNING_MS, ticksFrom } from "./writing.ts";

const MAIN = new URL("../../../workers/writer/main.ts", import.meta.url).href;

/** No symbol at all. */
const NONE = { all: () => new Map().values(), untakeable: new Map() };

/** Runs a writer until nothing is left to write, and returns what it said. */
async function linesOf(filled: FilledLog): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN],
    env: { DATA_DIR: filled.dir, DATA_KIND: "simulated", HEALTH_PORT: "0" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  await until(async () => (await filled.log.backlog("writer")).size === 0);
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  return lines.map((line) => line.replace(/^\S+ +\S+ +\S+ +/, ""));
}

Deno.test("a writer of many symbols says in one line what it captures and from where", async () => {
  await using folder = await tempFolder();
  await using filled = await FilledLog.open(folder.path);
  const append = async (utcMs: number) => {
    for (const { symbol } of UNIVERSE) await filled.append(symbol, ticksFrom(utcMs, 2));
  };
  await append(MORNING_MS);
  const first = await linesOf(filled);
  assert.deepEqual(first.filter((line) => line.startsWith("captures")), [
    "captures 41 symbols: 41 from the beginning",
  ]);
  await append(MORNING_MS + 1000);
  const second = await linesOf(filled);
  assert.deepEqual(second.filter((line) => line.startsWith("captures")), [
    "captures 41 symbols: 41 from the end of their files",
  ]);
  assert.ok(second.length <= 3, second.join("\n"));
});

Deno.test("a writer that has just started says so instead of a trouble", async () => {
  await using folder = await tempFolder();
  const health = new WriterHealth({
    dataDir: folder.path,
    minFreeGb: 0,
    maxUsedPercent: 100,
    degradedBacklog: 10,
    criticalBacklog: 100,
  });
  const starting = await health.describe();
  assert.deepEqual([starting.level, starting.components], ["unknown", {}]);
  health.logReached(0, NONE);
  const { level, components } = await health.describe();
  assert.equal(level, "healthy");
  assert.equal(components.data_quality, undefined);
});

Deno.test("health tells a backlog that grows, and cycles that fail", async () => {
  await using folder = await tempFolder();
  const health = new WriterHealth({
    dataDir: folder.path,
    minFreeGb: 0,
    maxUsedPercent: 100,
    degradedBacklog: 10,
    criticalBacklog: 100,
  });
  const levels = async (backlog: number) => {
    health.logReached(backlog, NONE);
    health.logReached(backlog, NONE);
    return (await health.describe()).components.queue?.status;
  };
  assert.deepEqual([await levels(9), await levels(10), await levels(100), await levels(101)], [
    "healthy",
    "degraded",
    "degraded",
    "critical",
  ]);
  health.logReached(0, NONE);
  health.logReached(1000, NONE);
  assert.equal((await health.describe()).components.queue?.status, "healthy", "a burst");
  for (let cycle = 0; cycle < 95; cycle++) health.cycle(true);
  for (let cycle = 0; cycle < 5; cycle++) health.cycle(false);
  assert.equal((await health.describe()).components.data_quality?.status, "healthy");
  health.cycle(false);
  assert.equal((await health.describe()).components.data_quality?.status, "degraded");
});
