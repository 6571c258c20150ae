import type { Level } from "../../lib/log/channel.ts";
import type { ComponentJson, Detailed } from "./report.ts";

export const cliUsage = `Usage: deno task health [option ...]
Without an option the health program itself runs. With one it is asked, at HEALTH_PORT:
  --detailed          also thresholds, times, warnings and errors
  --watch             again and again, until Ctrl-C
  --interval <s>      seconds between two looks of --watch (5)
  --json              as JSON
  --component <name>  one component only
  --base-dir <dir>    ask nobody: look at a data folder
Exit code: 0 healthy, 1 degraded or unknown, 2 critical, 3 unreachable, 64 unusable arguments.`;

export interface TextStyle {
  readonly colors: boolean;
  readonly detailed: boolean;
}

const colors: Readonly<Record<Level, string>> = {
  healthy: "\x1b[32m",
  degraded: "\x1b[33m",
  critical: "\x1b[31m",
  unknown: "\x1b[90m",
};
const WIDE = "=".repeat(70);
const THIN = "-".repeat(70);

/** The whole report for a person. */
export function reportText(report: Detailed, style: TextStyle): string {
  const components = Object.values(report.components);
  return [
    WIDE,
    "ARBITREX HEALTH SUMMARY",
    WIDE,
    "",
    `Overall Status: ${levelText(report.overall_status, style)}`,
    `Timestamp:      ${report.timestamp_utc}`,
    `Uptime:         ${report.uptime_formatted}`,
    "",
    "Components:",
    THIN,
    ...components.flatMap((component) => componentLines(component, style)),
    "",
    "Metrics:",
    THIN,
    ...Object.entries(report.metrics).map(([name, value]) =>
      `  ${name.padEnd(35)} ${value ?? "not known from the folder"}`
    ),
    ...(style.detailed ? listLines("Warnings", report.warnings) : []),
    ...(style.detailed ? listLines("Errors", report.errors) : []),
    "",
    WIDE,
  ].join("\n");
}

export function componentText(component: ComponentJson, style: TextStyle): string {
  return componentLines(component, { ...style, detailed: true }).join("\n");
}

function componentLines(component: ComponentJson, style: TextStyle): string[] {
  const { name, status, value, threshold, message, last_updated } = component;
  // Padded before it is coloured: colour codes have no width.
  const level = levelText(status, style, 21);
  const line = `  ${name.padEnd(20)} ${level} ${message}`;
  if (!style.detailed) return [line];
  const updated = new Date(last_updated * 1000).toISOString();
  return [
    line,
    `  ${"".padEnd(20)} value ${value ?? "-"}, threshold ${threshold ?? "-"}, updated ${updated}`,
  ];
}

function listLines(title: string, lines: readonly string[]): string[] {
  return ["", `${title}:`, THIN, ...(lines.length === 0 ? ["  none"] : lines.map((l) => `  ${l}`))];
}

function levelText(level: Level, style: TextStyle, width = 0): string {
  const text = level.toUpperCase().padEnd(width);
  return style.colors ? `${colors[level]}${text}\x1b[0m` : text;
}
