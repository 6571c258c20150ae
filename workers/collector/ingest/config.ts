import { dataDir, failPoint, logFormat, logLevel } from "../../../lib/program/shared_settings.ts";
import { integer, number, type Setting } from "../../../lib/program/settings.ts";
import { calendarSettings } from "../../../lib/time/calendar/settings.ts";
import { collectorSettings } from "../config.ts";

const { bridgeHost, bridgePort, bridgeToken, bridgeCa, logBackend, redisUrl } = collectorSettings;
const { symbols, brokerTz, recordAccount } = collectorSettings;

const chunkBars: Setting<number> = {
  name: "INGEST_CHUNK_BARS",
  schema: integer({ min: 1, max: 100_000 }),
  fallback: "5000",
  about:
    "Most bars asked of the vendor at once, in whole files; terminals refuse, or take minutes for, years of minutes.",
};
const closeBufferMs: Setting<number> = {
  name: "BAR_CLOSE_BUFFER_MINUTES",
  schema: number({ min: 0, max: 1440 }).transform((minutes) => minutes * 60_000),
  fallback: "3",
  about:
    "A bar is believed this long after its end, in minutes by the source's clock; vendors change a bar with late ticks.",
};
const retries: Setting<number> = {
  name: "INGEST_RETRIES",
  schema: integer({ min: 0, max: 100 }),
  fallback: "3",
  about: "How often a failed read of bars is tried again before it is recorded as FAILED.",
};
const retryMs: Setting<number> = {
  name: "INGEST_RETRY_MS",
  schema: integer({ min: 1, max: 600_000 }),
  fallback: "1000",
  about: "The pause before the first new try, in ms; it doubles up to 30 s, with jitter.",
};
const gapRetryMs: Setting<number> = {
  name: "INGEST_GAP_RETRY_DAYS",
  schema: number({ min: 0, max: 36_600 }).transform((days) => days * 86_400_000),
  fallback: "7",
  about:
    "For how long after a read --resume asks again for bars that were missing of it, in days; what a vendor loads late or repairs comes soon.",
};
const timeoutMs: Setting<number> = {
  name: "INGEST_TIMEOUT_MS",
  schema: integer({ min: 100, max: 3_600_000 }),
  fallback: "180000",
  about:
    "How long an answer of the bridge may take, in ms; a terminal loads a first year of bars in a minute or more.",
};
const reconnectMs: Setting<number> = {
  name: "INGEST_RECONNECT_MS",
  schema: integer({ min: 0, max: 3_600_000 }),
  fallback: "60000",
  about:
    "For how long a session that broke tries to come back, in ms; then the others do its work, and without any the run ends.",
};

export const ingestSettings = {
  bridgeHost,
  bridgePort,
  bridgeToken,
  bridgeCa,
  logBackend,
  redisUrl,
  symbols,
  brokerTz,
  recordAccount,
  dataDir,
  logFormat,
  logLevel,
  failPoint,
  ...calendarSettings,
  chunkBars,
  closeBufferMs,
  retries,
  retryMs,
  gapRetryMs,
  timeoutMs,
  reconnectMs,
};
