import type { Level } from "../../lib/log/channel.ts";
import { type Telemetry, telemetryOf } from "../../lib/program/events.ts";
import { levelNumber } from "./level.ts";
import type { Detailed } from "./report.ts";

export type HealthEvents = ReturnType<typeof healthEvents>;

/** What health tells the operator: each event is one log line and one metric. */
export function healthEvents(telemetry: Telemetry = telemetryOf("health")) {
  const { log } = telemetry;
  const beats = telemetry.counter("arbitrex_health_beats_total", "Beats heard.", ["program"]);
  const refused = telemetry.counter(
    "arbitrex_health_beats_refused_total",
    "Beats that were not taken.",
    ["reason"],
  );
  const transitions = telemetry.counter(
    "arbitrex_health_transitions_total",
    "Times a component's level changed.",
    ["component", "status"],
  );
  const programs = telemetry.counter(
    "arbitrex_health_program_events_total",
    "Programs that appeared, fell silent or left.",
    ["program", "event"],
  );
  const pauses = telemetry.counter(
    "arbitrex_health_pauses_total",
    "Times that health itself stood still and could not watch.",
  );
  const status = telemetry.gauge(
    "arbitrex_health_status",
    "Overall health status (0=unknown, 1=healthy, 2=degraded, 3=critical)",
  );
  const componentStatus = telemetry.gauge(
    "arbitrex_health_component_status",
    "Health status of a component (0=unknown, 1=healthy, 2=degraded, 3=critical)",
    ["component"],
  );
  const queueDepth = telemetry.gauge(
    "arbitrex_health_queue_depth",
    "Ticks appended and not yet committed by the writer.",
  );
  const uptime = telemetry.counter("arbitrex_health_uptime_seconds", "System uptime in seconds");
  const ticks = telemetry.counter("arbitrex_health_ticks_total", "Total ticks collected");
  const symbols = telemetry.gauge(
    "arbitrex_health_symbols_tracked",
    "Number of symbols being tracked",
  );
  const cycles = telemetry.gauge(
    "arbitrex_health_ingestion_cycles",
    "Ingestion cycles recorded in the data folder.",
  );
  const errors = telemetry.gauge(
    "arbitrex_health_errors",
    "Recent errors in last 10 minutes",
  );
  const warnings = telemetry.gauge(
    "arbitrex_health_warnings",
    "Recent warnings in last 10 minutes",
  );

  return {
    telemetry,
    beat(program: string): void {
      beats.inc({ program });
      log.debug(`beat of ${program}`);
    },
    beatRefused(reason: "shape" | "crowd" | "size" | "sender", detail: string): void {
      refused.inc({ reason });
      log.warn(`Cannot take a beat: ${detail}`);
    },
    appeared(program: string): void {
      programs.inc({ program, event: "appeared" });
      log.info(`${program} appeared`);
    },
    silent(program: string, silentMs: number): void {
      programs.inc({ program, event: "silent" });
      log.warn(`${program} has been silent for ${Math.round(silentMs)} ms; see whether it runs`);
    },
    left(program: string): void {
      programs.inc({ program, event: "left" });
      log.info(`${program} left in good order`);
    },
    changed(component: string, to: Level, message: string): void {
      transitions.inc({ component, status: to });
      const line = `${component} is ${to}: ${message}`;
      if (to === "healthy") log.info(line);
      else if (to === "critical") log.error(line);
      else log.warn(line);
    },
    paused(ms: number): void {
      pauses.inc();
      log.warn(`Cannot watch: this program stood still for ${Math.round(ms)} ms`);
    },
    /** No event: the figures of the newest report, for who reads the metrics. */
    show(report: Detailed): void {
      status.set(levelNumber[report.overall_status]);
      componentStatus.reset();
      for (const { name, status } of Object.values(report.components)) {
        componentStatus.set({ component: name }, levelNumber[status]);
      }
      const depth = report.components.queue?.value;
      if (typeof depth === "number") queueDepth.set(depth);
      else queueDepth.reset();
      uptime.reset();
      uptime.inc(report.uptime_seconds);
      ticks.reset();
      ticks.inc(report.metrics.total_ticks_collected ?? 0);
      symbols.set(report.metrics.symbols_tracked);
      cycles.set(report.metrics.total_ingestion_cycles);
      errors.set(report.metrics.errors_last_10min);
      warnings.set(report.metrics.warnings_last_10min);
    },
  };
}
