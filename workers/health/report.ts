import type { Level } from "../../lib/log/channel.ts";
import type { Component, Verdict } from "./verdict.ts";

/** The JSON that health answers with; times are UTC, in the units of the field's name. */

export interface Summary {
  readonly status: Level;
  readonly timestamp: string;
  readonly components: Readonly<Record<string, Level>>;
  readonly uptime_seconds: number;
}

export interface ComponentJson {
  readonly name: string;
  readonly status: Level;
  readonly value: number | string | null;
  readonly threshold: number | string | null;
  readonly message: string;
  /** Epoch seconds. */
  readonly last_updated: number;
}

export interface Detailed {
  readonly overall_status: Level;
  /** Epoch seconds. */
  readonly timestamp: number;
  readonly timestamp_utc: string;
  readonly uptime_seconds: number;
  readonly uptime_formatted: string;
  readonly components: Readonly<Record<string, ComponentJson>>;
  readonly metrics: Figures;
  /** What is wrong now and belongs to no component, then what happened in the last ten minutes. */
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

export interface Figures {
  /** Since the collectors that live started; `null` where it cannot be known. */
  readonly total_ticks_collected: number | null;
  readonly symbols_tracked: number;
  readonly total_ingestion_cycles: number;
  readonly errors_last_10min: number;
  readonly warnings_last_10min: number;
}

export interface ReportFacts {
  readonly verdict: Verdict;
  readonly uptimeMs: number;
  readonly ticks: number | null;
  readonly symbols: number;
  readonly cycles: number;
  readonly recentWarnings: readonly string[];
  readonly recentErrors: readonly string[];
}

export function detailedReport(facts: ReportFacts): Detailed {
  const { verdict, uptimeMs, recentWarnings, recentErrors } = facts;
  const standing = (level: "degraded" | "critical") =>
    verdict.troubles.filter((trouble) => trouble.level === level).map(({ message }) => message);
  return {
    overall_status: verdict.overall,
    timestamp: verdict.utcMs / 1000,
    timestamp_utc: new Date(verdict.utcMs).toISOString(),
    uptime_seconds: Math.floor(uptimeMs / 1000),
    uptime_formatted: formatUptime(uptimeMs),
    components: Object.fromEntries(
      [...verdict.components.values()].map((each) => [each.name, componentJson(each)]),
    ),
    metrics: {
      total_ticks_collected: facts.ticks,
      symbols_tracked: facts.symbols,
      total_ingestion_cycles: facts.cycles,
      errors_last_10min: recentErrors.length,
      warnings_last_10min: recentWarnings.length,
    },
    warnings: [...standing("degraded"), ...recentWarnings],
    errors: [...standing("critical"), ...recentErrors],
  };
}

export function summaryOf(report: Detailed): Summary {
  return {
    status: report.overall_status,
    timestamp: report.timestamp_utc,
    components: Object.fromEntries(
      Object.values(report.components).map(({ name, status }) => [name, status]),
    ),
    uptime_seconds: report.uptime_seconds,
  };
}

function componentJson(component: Component): ComponentJson {
  const { name, status, value, threshold, message, updatedUtcMs } = component;
  return { name, status, value, threshold, message, last_updated: updatedUtcMs / 1000 };
}

/** `1d 2h 3m`, `1h 30m`, `4m 5s` or `6s`. */
export function formatUptime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (d > 0) return `${d}d ${h}h ${m}m`;
  if (h > 0) return `${h}h ${m}m`;
  return m > 0 ? `${m}m ${s}s` : `${s}s`;
}
