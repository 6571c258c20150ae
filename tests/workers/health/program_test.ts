import assert from "node:assert/strict";
import { HttpTwin } from "../../../lib/log/channel_http.ts";
import { startBeat } from "../../../lib/program/beat.ts";
import { telemetryOf } from "../../../lib/program/events.ts";
import { frozenBeat } from "../../contract/channel_suite.ts";
import { until } from "../../support/until.ts";
import { type HealthProcess, startHealth } from "./health_process.ts";
import { parsePrometheus } from "./prometheus_checker.ts";

const own = { collector: "tick_collection", writer: "queue", gateway: "gateway" } as const;

/** A program that does nothing but beat, as all do. */
function beatAs(program: keyof typeof own, { port }: { port: number }) {
  const channel = new HttpTwin({ healthPort: port });
  const telemetry = telemetryOf(program);
  if (program === "collector") {
    telemetry.counter("arbitrex_ticks_received_total", "Ticks appended to the log.").inc(87_530);
  }
  const report = {
    status: "healthy",
    value: 3,
    threshold: 10_000,
    message: "as it should",
  } as const;
  const beating = startBeat({
    program,
    channel,
    telemetry,
    describe: () => ({ status: "fine", level: "healthy", components: { [own[program]]: report } }),
    signal: new AbortController().signal,
    intervalMs: 200,
  });
  return {
    /** As SIGKILL does: no last beat, for the channel is closed first. */
    async kill() {
      await channel[Symbol.asyncDispose]();
      await beating.stop();
    },
    async [Symbol.asyncDispose]() {
      await beating.stop();
      await channel[Symbol.asyncDispose]();
    },
  };
}

async function statusOf(health: HealthProcess): Promise<number> {
  return (await health.get("/health")).status;
}

Deno.test("a whole system is healthy; a killed program is noticed within 5 s; its restart heals", async () => {
  await using health = await startHealth();
  await using _collector = beatAs("collector", health);
  const writer = beatAs("writer", health);
  await using _gateway = beatAs("gateway", health);
  await until(async () => await statusOf(health) === 200);
  const killedMs = performance.now();
  await writer.kill();
  await until(async () => await statusOf(health) === 503);
  const noticedMs = performance.now() - killedMs;
  assert.ok(noticedMs < 5000, `noticed after ${noticedMs} ms`);
  // deno-lint-ignore no-explicit-any -- the shape is what is looked at
  const detailed = await health.json("/health/detailed") as any;
  assert.equal(detailed.components.queue.status, "critical");
  assert.match(detailed.components.queue.message, /^writer has been silent for \d s$/);
  await until(() => health.output().includes("queue is critical"));
  await using _again = beatAs("writer", health);
  await until(async () => await statusOf(health) === 200);
});

Deno.test("a program that leaves in good order is no failure", async () => {
  await using health = await startHealth({ HEALTH_SILENT_MS: "300" });
  await using _collector = beatAs("collector", health);
  const writer = beatAs("writer", health);
  await using _gateway = beatAs("gateway", health);
  await until(async () => await statusOf(health) === 200);
  await writer[Symbol.asyncDispose]();
  await until(() => health.output().includes("writer left in good order"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(await statusOf(health), 200);
});

Deno.test("every route has its shape", async () => {
  await using health = await startHealth();
  await using _collector = beatAs("collector", health);
  await using _writer = beatAs("writer", health);
  await using _gateway = beatAs("gateway", health);
  await until(async () => await statusOf(health) === 200);

  // deno-lint-ignore no-explicit-any -- the shapes are what is looked at
  const json = (path: string): Promise<any> => health.json(path);
  const summary = await json("/health");
  assert.deepEqual(Object.keys(summary), ["status", "timestamp", "components", "uptime_seconds"]);
  assert.equal(summary.status, "healthy");
  assert.match(summary.timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(summary.components, {
    tick_collection: "healthy",
    queue: "healthy",
    filesystem: "healthy",
    gateway: "healthy",
  });

  const detailed = await json("/health/detailed");
  assert.deepEqual(Object.keys(detailed), [
    "overall_status",
    "timestamp",
    "timestamp_utc",
    "uptime_seconds",
    "uptime_formatted",
    "components",
    "metrics",
    "warnings",
    "errors",
  ]);
  assert.ok(Math.abs(detailed.timestamp - Date.now() / 1000) < 5);
  assert.deepEqual(Object.keys(detailed.metrics), [
    "total_ticks_collected",
    "symbols_tracked",
    "total_ingestion_cycles",
    "errors_last_10min",
    "warnings_last_10min",
  ]);
  assert.equal(detailed.metrics.total_ticks_collected, 87_530);

  const queue = await json("/health/components/queue");
  const fields = ["name", "status", "value", "threshold", "message", "last_updated"];
  assert.deepEqual(Object.keys(queue), fields);
  assert.deepEqual([queue.name, queue.status, queue.value], ["queue", "healthy", 3]);
  const unknown = await health.get("/health/components/kitchen");
  assert.equal(unknown.status, 404);
  assert.deepEqual(Object.keys(JSON.parse(unknown.body)), ["error"]);

  assert.equal((await health.get("/livez")).status, 200);
  assert.equal((await health.get("/readyz")).status, 200);
  assert.equal((await health.get("/nothing")).status, 404);
});

Deno.test("the metrics of all programs come as one text, under both paths", async () => {
  await using health = await startHealth({ HEALTH_EXPECTED: "collector,writer" });
  await using _collector = beatAs("collector", health);
  await using _first = beatAs("writer", health);
  await using _second = beatAs("writer", health);
  await until(async () => await statusOf(health) === 200);
  await until(() => health.output().split("writer appeared").length === 3);
  for (const path of ["/metrics", "/health/metrics"]) {
    const samples = parsePrometheus((await health.get(path)).body);
    const find = (name: string, labels: Record<string, string>) =>
      samples.find((sample) =>
        sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels)
      )?.value;
    assert.equal(find("arbitrex_health_status", {}), 1);
    assert.equal(find("arbitrex_health_queue_depth", {}), 3);
    assert.equal(find("arbitrex_health_component_status", { component: "queue" }), 1);
    assert.equal(find("arbitrex_health_ticks_total", {}), 87_530);
    assert.equal(find("arbitrex_ticks_received_total", { program: "collector" }), 87_530);
    for (const labels of [{ program: "writer" }, { program: "writer", replica: "1" }]) {
      assert.ok(Number(find("arbitrex_process_heap_bytes", labels)) > 0);
    }
    assert.ok(Number(find("arbitrex_process_resident_bytes", { program: "health" })) > 0);
  }
});

Deno.test("the door for beats is narrow", async () => {
  await using health = await startHealth();
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${health.port}/beats`, {
      method: "POST",
      body,
      headers,
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await post(JSON.stringify(frozenBeat)), 204);
  assert.equal(await post("{"), 400);
  assert.equal(await post(JSON.stringify({ ...frozenBeat, level: "fine" })), 400);
  assert.equal(await post("x".repeat(1_100_000)), 413);
  assert.equal(await post(JSON.stringify(frozenBeat), { origin: "http://example.com" }), 403);
});

Deno.test("health ends in good order and says where it cannot listen", async () => {
  const health = await startHealth();
  await assert.rejects(
    startHealth({ HEALTH_PORT: String(health.port) }),
    /Cannot listen as http:\/\/127\.0\.0\.1:\d+: the address cannot be had; HEALTH_PORT sets another port: .*(in use|EADDRINUSE)/,
  );
  assert.equal(await health.stop(), 0);
  await health[Symbol.asyncDispose]();
});
