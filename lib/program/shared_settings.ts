import { z } from "zod";
import type { ServerZone } from "../bridge/feed.ts";
import { parseServerZone } from "../time/server_zone.ts";
import { flag, integer, type OptionalSetting, port, type Setting, text } from "./settings.ts";

/** Settings that several programs read. A program's own are in its `config.ts`. */

/** A server's clock: `<IANA zone>[±<hours>h]`. */
export const serverZone: z.ZodType<ServerZone, string> = z.string().transform((value, context) => {
  try {
    return parseServerZone(value);
  } catch {
    const message = "expected <IANA zone>[±<hours>h], e.g. America/New_York+7h or UTC+3h";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
});

export type DataKind = "raw" | "replay" | "simulated";
export type LogBackend = "auto" | "redis" | "sqlite";

export const bindHost: Setting<string> = {
  name: "BIND_HOST",
  schema: text,
  fallback: "127.0.0.1",
  about:
    "Address that servers listen on; loopback, because nothing is served to a network unasked.",
};
export const gatewayPort: Setting<number> = {
  name: "GATEWAY_PORT",
  schema: port,
  fallback: "8000",
  about: "Port of the page, the streams and the REST queries; 0 takes a free one and prints it.",
};
export const healthPort: Setting<number> = {
  name: "HEALTH_PORT",
  schema: port,
  fallback: "8766",
  about: "Port of the health verdict and the metrics; 0 takes a free one and prints it.",
};
export const prometheusPort: OptionalSetting<number> = {
  name: "PROMETHEUS_PORT",
  schema: port,
  fallback: undefined,
  about: "A second port that serves /metrics alone, for a scraper that may see nothing else.",
};
export const bridgeHost: Setting<string> = {
  name: "BRIDGE_HOST",
  schema: text,
  fallback: "127.0.0.1",
  about:
    "Where the bridge listens and the collector finds it; loopback unless the terminals are on another machine.",
};
export const bridgePort: Setting<number> = {
  name: "BRIDGE_PORT",
  schema: port,
  fallback: "8765",
  about: "Port of the bridge socket; 0 takes a free one and prints it.",
};
export const bridgeToken: OptionalSetting<string> = {
  name: "BRIDGE_TOKEN",
  schema: z.string().min(16, "expected at least 16 characters"),
  fallback: undefined,
  about: "Secret shared by bridge and collector; required when the bridge listens beyond loopback.",
  secret: true,
};
export const bridgeCa: OptionalSetting<string> = {
  name: "BRIDGE_CA_FILE",
  schema: text,
  fallback: undefined,
  about: "PEM file of the authority that signed the bridge's certificate; setting it turns TLS on.",
};
export const brokerTz: OptionalSetting<ServerZone> = {
  name: "BROKER_TZ",
  schema: serverZone,
  fallback: undefined,
  about:
    "The broker's clock, <IANA zone>[±<hours>h] such as America/New_York+7h; by default it is learned from ticks and the weeks' first bars. A source that states its clock is believed.",
};
export const dataKind: Setting<DataKind> = {
  name: "DATA_KIND",
  schema: z.enum(["raw", "replay", "simulated"]),
  fallback: "simulated",
  about:
    "What the ticks are: captured (raw), recorded or invented; each has its own folder and log.",
};
export const dataDir: OptionalSetting<string> = {
  name: "DATA_DIR",
  schema: text,
  fallback: undefined,
  about:
    "Folder of the files and the embedded log; by default data/raw, data/replay or data/simulated.",
};
export const logBackend: Setting<LogBackend> = {
  name: "TICK_QUEUE_BACKEND",
  schema: z.enum(["auto", "redis", "sqlite"]),
  fallback: "auto",
  about: "Where the tick log lives; auto takes Redis when REDIS_URL is set, else SQLite.",
};
export const redisUrl: OptionalSetting<string> = {
  name: "REDIS_URL",
  schema: z.string().regex(/^rediss?:\/\//, "expected redis://… or rediss://…"),
  fallback: undefined,
  about: "Redis that carries the log and the live channel, e.g. redis://localhost:6379/0.",
  secret: true,
};
export const overlapMs: Setting<number> = {
  name: "OVERLAP_MS",
  schema: integer({ min: 0, max: 3_600_000 }),
  fallback: "5000",
  about:
    "How far before the newest server stamp a source is read again after a break, in ms; longer than a vendor's late ticks are late.",
};
export const logFormat: Setting<"text" | "json"> = {
  name: "LOG_FORMAT",
  schema: z.enum(["text", "json"]),
  fallback: "text",
  about: "Log lines for people (text) or for machines (json).",
};
export const logLevel: Setting<"debug" | "info" | "warning" | "error"> = {
  name: "LOG_LEVEL",
  schema: z.enum(["debug", "info", "warning", "error"]),
  fallback: "info",
  about: "The least important log line that is printed.",
};
export const failPoint: OptionalSetting<string> = {
  name: "FAIL_POINT",
  schema: text,
  fallback: undefined,
  about:
    "For tests: `<step>[:<count>]` ends the program at once when it reaches that step for the count-th time.",
};
export const drainMs: Setting<number> = {
  name: "DRAIN_MS",
  schema: integer({ min: 100, max: 600_000 }),
  fallback: "10000",
  about:
    "How long a program may take to finish what it has after Ctrl-C, in ms; then it ends with code 1.",
};
/** In one process the live channel is a BroadcastChannel; `start` sets this. */
export const embedded: Setting<boolean> = {
  name: "ARBITREX_EMBEDDED",
  schema: flag,
  fallback: "0",
  about: "Set by start: all programs share one process.",
};

/** What every program reads. */
export const sharedSettings = {
  dataKind,
  dataDir,
  logFormat,
  logLevel,
  failPoint,
  drainMs,
  embedded,
};

/** The data folder when none is set: by kind, so that invented data never meets real data. */
export function dataDirOf(settings: { dataDir?: string | undefined; dataKind: DataKind }): string {
  return settings.dataDir ?? `data/${settings.dataKind}`;
}

/** What `start` reads itself. */
export const startSettings = {
  ...sharedSettings,
  bindHost,
  gatewayPort,
  healthPort,
  prometheusPort,
  bridgeHost,
  bridgePort,
  redisUrl,
  logBackend,
};
