import assert from "node:assert/strict";
import { HttpTwin } from "../../../lib/log/channel_http.ts";
import type { Level } from "../../../lib/log/channel.ts";
import { frozenBeat } from "../../contract/channel_suite.ts";
import { until } from "../../support/until.ts";
import { healthCommand, runHealthCli, startHealth } from "./health_process.ts";

/** A health program that has heard of a writer whose queue is at this level. */
async function healthAt(level: Level) {
  const health = await startHealth({ HEALTH_EXPECTED: "writer" });
  await using channel = new HttpTwin({ healthPort: health.port });
  const queue = { status: level, value: 3, threshold: 10_000, message: `it is ${level}` };
  channel.publish("beat", { ...frozenBeat, level, components: { queue }, leaving: true });
  await until(async () => (await health.get("/health/components/filesystem")).status === 200);
  return health;
}

Deno.test("the exit code tells the level", async () => {
  const codes: [Level, number][] = [["healthy", 0], ["degraded", 1], ["unknown", 1], [
    "critical",
    2,
  ]];
  for (const [level, code] of codes) {
    await using health = await healthAt(level);
    const result = await runHealthCli(["--detailed"], { HEALTH_PORT: String(health.port) });
    assert.equal(result.code, code, `${level}: ${result.stdout}${result.stderr}`);
    assert.match(result.stdout, new RegExp(`queue +${level.toUpperCase()} .*it is ${level}`));
    // deno-lint-ignore no-control-regex -- the absence of colour codes is the point
    assert.ok(!/\x1b/.test(result.stdout), "colours only on a terminal");
  }
});

Deno.test("one component, as text and as JSON, has its own exit code", async () => {
  await using health = await healthAt("degraded");
  const env = { HEALTH_PORT: String(health.port) };
  const disk = await runHealthCli(["--component", "filesystem", "--json"], env);
  assert.equal(disk.code, 0);
  assert.equal(JSON.parse(disk.stdout).name, "filesystem");
  const queue = await runHealthCli(["--component", "queue"], env);
  assert.equal(queue.code, 1);
  assert.match(queue.stdout, /^ {2}queue +DEGRADED +writer left/);
  const strange = await runHealthCli(["--component", "kitchen"], env);
  assert.equal(strange.code, 64);
  assert.match(strange.stderr, /Cannot show kitchen as a component: this system has queue/);
});

Deno.test("the JSON is the server's detailed report", async () => {
  await using health = await healthAt("healthy");
  const result = await runHealthCli(["--json"], { HEALTH_PORT: String(health.port) });
  const report = JSON.parse(result.stdout);
  const served = JSON.parse((await health.get("/health/detailed")).body);
  assert.deepEqual(Object.keys(report), Object.keys(served));
  assert.equal(report.overall_status, "healthy");
});

Deno.test("nobody there to ask is exit code 3", async () => {
  const result = await runHealthCli(["--json"], { HEALTH_PORT: "1" });
  assert.equal(result.code, 3);
  assert.match(result.stderr, /Cannot ask http:\/\/127\.0\.0\.1:1\/health\/detailed/);
  assert.equal(result.stdout, "");
});

Deno.test("unusable arguments and settings are exit code 64, with the usage", async () => {
  for (const args of [["--jason"], ["--interval", "0"], ["--component"]]) {
    const result = await runHealthCli(args);
    assert.equal(result.code, 64);
    assert.match(result.stderr, /Usage: /);
  }
  const port = await runHealthCli(["--json"], { HEALTH_PORT: "99999" });
  assert.equal(port.code, 64);
  assert.match(port.stderr, /Cannot read HEALTH_PORT/);
});

Deno.test("watching shows a report again and again", async () => {
  await using health = await healthAt("healthy");
  const env = { HEALTH_PORT: String(health.port) };
  const child = healthCommand(["--watch", "--interval", "0.1"], env, ".").spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split("Overall Status: HEALTHY").length > 3) break;
  }
  child.kill("SIGKILL");
  await child.stderr.cancel();
  await child.status;
});

Deno.test("a data folder is judged without a server", async () => {
  const folder = await Deno.makeTempDir({ prefix: "arbitrex_health_" });
  const limits = { HEALTH_DISK_FREE_GB: "0", HEALTH_DISK_USED_PERCENT: "100" };
  await Deno.mkdir(`${folder}/ticks/fx/EURUSD`, { recursive: true });
  await Deno.writeTextFile(`${folder}/ticks/fx/EURUSD/2025-12-22.csv.open`, "");
  const fresh = await runHealthCli(["--base-dir", folder, "--json"], limits, folder);
  assert.equal(fresh.code, 0, fresh.stderr);
  assert.equal(JSON.parse(fresh.stdout).metrics.symbols_tracked, 1);
  const gone = await runHealthCli(["--base-dir", `${folder}/gone`], limits, folder);
  assert.equal(gone.code, 2);
  await Deno.remove(folder, { recursive: true });
});
