import { parseArgs } from "node:util";
import { z } from "zod";
import type { Level } from "../../lib/log/channel.ts";
import { messageOf } from "../../lib/program/errors.ts";
import { environment, readSettings, settingNames } from "../../lib/program/settings.ts";
import { dataKind, healthPort } from "../../lib/program/shared_settings.ts";
import { inspectBaseDir } from "./base_dir.ts";
import { cliUsage, componentText, reportText } from "./cli_text.ts";
import { healthSettings } from "./config.ts";
import type { Detailed } from "./report.ts";

const { diskFreeGb, diskUsedPercent } = healthSettings;
const cliSettings = { healthPort, dataKind, diskFreeGb, diskUsedPercent };

const UNREACHABLE = 3;
const UNUSABLE = 64;
const TIMEOUT_MS = 5000;
const exitCodes: Readonly<Record<Level, number>> = {
  healthy: 0,
  degraded: 1,
  unknown: 1,
  critical: 2,
};

const levels = z.enum(["healthy", "degraded", "critical", "unknown"]);
const figure = z.union([z.number(), z.string(), z.null()]);
const detailedSchema: z.ZodType<Detailed> = z.object({
  overall_status: levels,
  timestamp: z.number(),
  timestamp_utc: z.string(),
  uptime_seconds: z.number(),
  uptime_formatted: z.string(),
  components: z.record(
    z.string(),
    z.object({
      name: z.string(),
      status: levels,
      value: figure,
      threshold: figure,
      message: z.string(),
      last_updated: z.number(),
    }),
  ),
  metrics: z.object({
    total_ticks_collected: z.number().nullable(),
    symbols_tracked: z.number(),
    total_ingestion_cycles: z.number(),
    errors_last_10min: z.number(),
    warnings_last_10min: z.number(),
  }),
  warnings: z.array(z.string()),
  errors: z.array(z.string()),
});

interface CliOptions {
  readonly detailed: boolean;
  readonly watch: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly intervalSeconds: number;
  readonly component?: string | undefined;
  readonly baseDir?: string | undefined;
}

/**
 * The command line of health. Resolves with the exit code: 0 healthy, 1 degraded or unknown,
 * 2 critical, 3 nobody there to ask, 64 unusable arguments. With `--watch` it ends by Ctrl-C.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  let options: CliOptions;
  let settings;
  try {
    options = parseOptions(args);
    settings = readSettings(cliSettings, environment(settingNames(cliSettings)));
  } catch (cause) {
    console.error(`${messageOf(cause)}\n\n${cliUsage}`);
    return UNUSABLE;
  }
  if (options.help) {
    console.log(cliUsage);
    return 0;
  }
  const { baseDir } = options;
  const { dataKind: kind, healthPort: port, ...limits } = settings;
  const ask = () =>
    baseDir === undefined ? fetchReport(port) : inspectBaseDir(baseDir, { kind, ...limits });
  while (options.watch) {
    await showOnce(ask, options);
    await new Promise((resolve) => setTimeout(resolve, options.intervalSeconds * 1000));
  }
  return await showOnce(ask, options);
}

async function showOnce(ask: () => Promise<Detailed>, options: CliOptions): Promise<number> {
  let report: Detailed;
  try {
    report = await ask();
  } catch (cause) {
    console.error(messageOf(cause));
    return UNREACHABLE;
  }
  const isTerminal = Deno.stdout.isTerminal();
  const style = { colors: isTerminal && !Deno.noColor, detailed: options.detailed };
  // A terminal shows the newest report in place of the last one; a file gets them all.
  if (options.watch && isTerminal && !options.json) console.log("\x1b[2J\x1b[H");
  if (options.component === undefined) {
    console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report, style));
    return exitCodes[report.overall_status];
  }
  const component = report.components[options.component];
  if (component === undefined) {
    const known = Object.keys(report.components).join(", ");
    console.error(`Cannot show ${options.component} as a component: this system has ${known}`);
    return UNUSABLE;
  }
  console.log(options.json ? JSON.stringify(component, null, 2) : componentText(component, style));
  return exitCodes[component.status];
}

async function fetchReport(port: number): Promise<Detailed> {
  const url = `http://127.0.0.1:${port}/health/detailed`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return detailedSchema.parse(await response.json());
  } catch (cause) {
    throw new Error(
      `Cannot ask ${url}: does the health program run, and is HEALTH_PORT its port?`,
      { cause },
    );
  }
}

function parseOptions(args: readonly string[]): CliOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      detailed: { type: "boolean", default: false },
      watch: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      interval: { type: "string", default: "5" },
      component: { type: "string" },
      "base-dir": { type: "string" },
    },
  });
  const intervalSeconds = Number(values.interval);
  if (!(intervalSeconds >= 0.1 && intervalSeconds <= 86_400)) {
    throw new RangeError(
      `Cannot read --interval as seconds from 0.1 to 86400: current value is ${values.interval}`,
    );
  }
  const { "base-dir": baseDir, interval: _, ...rest } = values;
  return { ...rest, baseDir, intervalSeconds };
}
