import assert from "node:assert/strict";
import { telemetryOf } from "../../../lib/program/events.ts";
import { prometheusText, sumOf, symbolsOf } from "../../../workers/health/prometheus.ts";
import { parsePrometheus } from "./prometheus_checker.ts";

async function metricsOf(ticks: number): Promise<unknown[]> {
  const telemetry = telemetryOf("collector");
  telemetry.counter("arbitrex_ticks_received_total", 'Ticks "in"\nthe \\ log.').inc(ticks);
  telemetry.gauge("arbitrex_ticks_queue_size", "Backlog.", ["symbol"]).set(
    { symbol: 'A"\\B\n' },
    2,
  );
  const seconds = telemetry.histogram("arbitrex_append_seconds", "Time.", [0.1, 1], ["kind"]);
  seconds.observe({ kind: "a" }, 0.05);
  seconds.observe({ kind: "a" }, 5);
  seconds.observe({ kind: "b" }, 0.5);
  return JSON.parse(JSON.stringify(await telemetry.registry.getMetricsAsJSON()));
}

Deno.test("several programs' metrics become one text that parses strictly", async () => {
  const samples = parsePrometheus(prometheusText([
    { program: "collector", replica: 0, metrics: await metricsOf(7) },
    { program: "gateway", replica: 0, metrics: await metricsOf(1) },
    { program: "gateway", replica: 1, metrics: await metricsOf(2) },
  ]));
  const received = samples.filter(({ name }) => name === "arbitrex_ticks_received_total");
  assert.deepEqual(received.map(({ labels, value }) => ({ ...labels, value })), [
    { program: "collector", value: 7 },
    { program: "gateway", value: 1 },
    { program: "gateway", replica: "1", value: 2 },
  ]);
  assert.equal(samples.filter(({ name }) => name === "arbitrex_append_seconds_bucket").length, 18);
});

Deno.test("a metric of another type or a wrong shape is left out and the rest stays", async () => {
  const metrics = await metricsOf(7);
  const gauge = { name: "arbitrex_ticks_received_total", help: "", type: "gauge", values: [] };
  const samples = parsePrometheus(prometheusText([
    { program: "collector", replica: 0, metrics },
    { program: "writer", replica: 0, metrics: [gauge, null, { name: "a b" }, ...metrics.slice(1)] },
  ]));
  const received = samples.filter(({ name }) => name === "arbitrex_ticks_received_total");
  assert.equal(received.length, 1);
});

Deno.test("a value that JSON cannot carry is shown as not a number", () => {
  const values = [{ value: null, labels: {} }];
  const metrics = [{ name: "a", help: "", type: "gauge", values }];
  const [sample] = parsePrometheus(prometheusText([{ replica: 0, metrics }]));
  assert.deepEqual(sample, { name: "a", labels: {}, value: NaN });
});

Deno.test("a program cannot speak in another's name", () => {
  const values = [{ value: 1, labels: { program: "writer" } }];
  const metrics = [{ name: "a", help: "", type: "gauge", values }];
  const [sample] = parsePrometheus(prometheusText([{ program: "gateway", replica: 0, metrics }]));
  assert.equal(sample?.labels.program, "gateway");
});

Deno.test("sums and symbols go over all programs", async () => {
  const programs = [
    { program: "collector", replica: 0, metrics: await metricsOf(7) },
    { program: "collector", replica: 1, metrics: await metricsOf(2) },
  ];
  assert.equal(sumOf("arbitrex_ticks_received_total", programs), 9);
  assert.equal(sumOf("arbitrex_nothing", programs), undefined);
  assert.equal(symbolsOf(programs).size, 1);
});
