import { flag, integer, type Setting } from "../../lib/program/settings.ts";
import { healthPort, logBackend, redisUrl } from "../../lib/program/shared_settings.ts";
import { auditAt, vendorSettings } from "./audit/config.ts";
import { parquet } from "./parquet/config.ts";

const flushIntervalMs: Setting<number> = {
  name: "FLUSH_INTERVAL_MS",
  schema: integer({ min: 0, max: 60_000 }),
  fallback: "200",
  about:
    "How long few ticks are gathered before they go to the disk, in ms; a write for every tick of every quiet symbol would wear out a disk.",
};
const flushTicks: Setting<number> = {
  name: "FLUSH_TICKS",
  schema: integer({ min: 1, max: 1_000_000 }),
  fallback: "2000",
  about:
    "This many ticks are written at once, without gathering more; a disk sync pays off by then.",
};
const readTicks: Setting<number> = {
  name: "WRITER_READ_TICKS",
  schema: integer({ min: 100, max: 1_000_000 }),
  fallback: "20000",
  about: "At most about this many ticks are read from the log at once; it bounds the memory used.",
};
const maxSymbols: Setting<number> = {
  name: "WRITER_MAX_SYMBOLS",
  schema: integer({ min: 1, max: 100_000 }),
  fallback: "1000",
  about: "At most this many symbols are captured by one writer; each keeps a lock and a file open.",
};
const acceptGap: Setting<boolean> = {
  name: "WRITER_ACCEPT_GAP",
  schema: flag,
  fallback: "0",
  about:
    "Go on where ticks are lost for good (files shorter than the log says, and the log trimmed); the hole is recorded.",
};
const adoptFolder: Setting<boolean> = {
  name: "WRITER_ADOPT_FOLDER",
  schema: flag,
  fallback: "0",
  about:
    "Write this log into this folder from now on, although it was written into another before.",
};
const once: Setting<boolean> = {
  name: "ONCE",
  schema: flag,
  fallback: "0",
  about: "End when every symbol's feed has ended and all its days are sealed.",
};
const minFreeGb: Setting<number> = {
  name: "DISK_FREE_MIN_GB",
  schema: integer({ min: 0, max: 1_000_000 }),
  fallback: "10",
  about: "Free space of the data folder's disk below which health is degraded, in 10^9 bytes.",
};
const maxUsedPercent: Setting<number> = {
  name: "DISK_USED_MAX_PERCENT",
  schema: integer({ min: 1, max: 100 }),
  fallback: "85",
  about: "Used share of the data folder's disk from which health is degraded, in percent.",
};
const degradedBacklog: Setting<number> = {
  name: "QUEUE_DEGRADED",
  schema: integer({ min: 1, max: 1_000_000_000 }),
  fallback: "10000",
  about: "Ticks appended and not yet on the disk from which health is degraded.",
};
const criticalBacklog: Setting<number> = {
  name: "QUEUE_CRITICAL",
  schema: integer({ min: 1, max: 1_000_000_000 }),
  fallback: "100000",
  about: "Ticks appended and not yet on the disk above which health is critical.",
};

export const writerSettings = {
  logBackend,
  redisUrl,
  healthPort,
  flushIntervalMs,
  flushTicks,
  readTicks,
  maxSymbols,
  acceptGap,
  adoptFolder,
  once,
  minFreeGb,
  maxUsedPercent,
  degradedBacklog,
  criticalBacklog,
  parquet,
  auditAt,
  ...vendorSettings,
};
