import { getLogger, type Logger } from "@logtape/logtape";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * One event is one log line and one metric, written in one place: each program's `events.ts` builds
 * its events from the log and the registry made here.
 */
export interface Telemetry {
  readonly log: Logger;
  readonly registry: Registry;
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
}

/** A program's own log category and metric registry. Nothing is global: two programs share a process. */
export function telemetryOf(program: string): Telemetry {
  const registry = new Registry();
  const registers = [registry];
  return {
    log: getLogger(["arbitrex", program]),
    registry,
    counter: (name, help, labelNames = []) =>
      new Counter({ name, help, labelNames: [...labelNames], registers }),
    gauge: (name, help, labelNames = []) =>
      new Gauge({ name, help, labelNames: [...labelNames], registers }),
    histogram: (name, help, buckets, labelNames = []) =>
      new Histogram({ name, help, buckets: [...buckets], labelNames: [...labelNames], registers }),
  };
}
