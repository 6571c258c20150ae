import { integer, list, number, type Setting } from "../../lib/program/settings.ts";
import {
  bindHost,
  healthPort,
  logBackend,
  prometheusPort,
  redisUrl,
} from "../../lib/program/shared_settings.ts";

const expectedPrograms: Setting<string[]> = {
  name: "HEALTH_EXPECTED",
  schema: list,
  fallback: "collector,writer,gateway",
  about:
    "Programs that must be there, separated by commas; the bridge is judged by what the collector says of it, because it may run on a machine without this channel.",
};
const silentMs: Setting<number> = {
  name: "HEALTH_SILENT_MS",
  schema: integer({ min: 100, max: 600_000 }),
  fallback: "3500",
  about:
    "After how long without a beat a program counts as silent, in ms; three beats and a half, so that it is noticed within 5 s.",
};
const startupMs: Setting<number> = {
  name: "HEALTH_STARTUP_MS",
  schema: integer({ min: 0, max: 3_600_000 }),
  fallback: "20000",
  about:
    "How long an expected program may take to its first beat after this one started, in ms; before it is unknown, then critical.",
};
const queueDegraded: Setting<number> = {
  name: "HEALTH_QUEUE_DEGRADED",
  schema: integer({ min: 1, max: 1_000_000_000 }),
  fallback: "10000",
  about: "Backlog from which the queue is degraded, in ticks.",
};
const queueCritical: Setting<number> = {
  name: "HEALTH_QUEUE_CRITICAL",
  schema: integer({ min: 1, max: 1_000_000_000 }),
  fallback: "100000",
  about: "Backlog above which the queue is critical, in ticks.",
};
const diskFreeGb: Setting<number> = {
  name: "HEALTH_DISK_FREE_GB",
  schema: number({ min: 0, max: 1_000_000 }),
  fallback: "10",
  about: "Free space at or below which the file system is degraded, in GB of 1e9 bytes.",
};
const diskUsedPercent: Setting<number> = {
  name: "HEALTH_DISK_USED_PERCENT",
  schema: number({ min: 0, max: 100 }),
  fallback: "85",
  about: "Used share from which the file system is degraded, in percent.",
};

export const healthSettings = {
  prometheusPort,
  bindHost,
  healthPort,
  logBackend,
  redisUrl,
  expectedPrograms,
  silentMs,
  startupMs,
  queueDegraded,
  queueCritical,
  diskFreeGb,
  diskUsedPercent,
};
