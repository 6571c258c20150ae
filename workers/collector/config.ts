import { z } from "zod";
import {
  flag,
  integer,
  list,
  number,
  type OptionalSetting,
  type Setting,
} from "../../lib/program/settings.ts";
import { journalMaxTicks } from "../../lib/log/log_settings.ts";
import { mirrorSettings } from "../../lib/log/mirror_settings.ts";
import {
  bridgeCa,
  bridgeHost,
  bridgePort,
  bridgeToken,
  brokerTz,
  healthPort,
  logBackend,
  overlapMs,
  redisUrl,
} from "../../lib/program/shared_settings.ts";
import { calendarSettings } from "../../lib/time/calendar/settings.ts";
import type { CaptureFrom } from "./resumption.ts";

const symbols: OptionalSetting<string[]> = {
  name: "SYMBOLS",
  schema: list,
  fallback: undefined,
  about:
    "Symbols to capture, separated by commas, or * for all that the source offers; by default the discovered universe of a broker, else those of the 41 that it has, and all of a recording.",
};
const recordAccount: Setting<boolean> = {
  name: "RECORD_ACCOUNT",
  schema: flag,
  fallback: "0",
  about:
    "1 writes the account's number into metadata; by default its hash, which tells accounts apart.",
};
const clockApartMs: Setting<number> = {
  name: "CLOCK_APART_MS",
  schema: integer({ min: 0, max: 3_600_000 }),
  fallback: "5000",
  about:
    "Two live ticks must agree on the broker's offset this far apart, in ms, before it is believed; one may be a late one.",
};
const clockClosedApartMs: Setting<number> = {
  name: "CLOCK_CLOSED_APART_MS",
  schema: integer({ min: 0, max: 86_400_000 }),
  fallback: "1800000",
  about:
    "The same while the FX week is closed, in ms: a frozen price that moves once looks like another zone.",
};
const specsEveryMs: Setting<number> = {
  name: "SPECS_EVERY_HOURS",
  schema: number({ min: 0.01, max: 8_760 }).transform((hours) => hours * 3_600_000),
  fallback: "24",
  about:
    "How often the specifications of captured symbols are looked at, in hours; vendors change them at a day's roll.",
};
const captureFrom: OptionalSetting<CaptureFrom> = {
  name: "CAPTURE_FROM",
  schema: z.union([
    z.literal("now"),
    z.literal("start"),
    z.iso.datetime({ offset: true }).transform((value) => new Date(value)),
  ]),
  fallback: undefined,
  about:
    "Where a symbol new to the log begins: now, start (all the history there is) or an ISO 8601 time with its zone; by default now, start for recordings, five minutes ago for invented ticks.",
};
const groupTicks: Setting<number> = {
  name: "APPEND_MAX_TICKS",
  schema: integer({ min: 1, max: 100_000 }),
  fallback: "2000",
  about:
    "Most ticks that gather while an append runs; more gain no throughput and cost latency. When it is full the bridge waits.",
};
const futureLimitMs: Setting<number> = {
  name: "FUTURE_LIMIT_MS",
  schema: integer({ min: 0, max: 86_400_000 }),
  fallback: "60000",
  about: "A tick further ahead of the source's own clock is refused as impossible, in ms.",
};
const retentionHours: Setting<number> = {
  name: "LOG_RETENTION_HOURS",
  schema: integer({ min: 0, max: 87_600 }),
  fallback: "48",
  about:
    "How long committed ticks stay in the log for clients that resume, in hours; the files keep them for good.",
};
const retentionTicks: Setting<number> = {
  name: "LOG_RETENTION_TICKS",
  schema: integer({ min: 0, max: 10_000_000_000 }),
  fallback: "5000000",
  about:
    "Most committed ticks of one symbol that stay in the log; about 400 MB at 60 bytes and overhead.",
};
const reconnectMaxMs: Setting<number> = {
  name: "RECONNECT_MAX_MS",
  schema: integer({ min: 50, max: 600_000 }),
  fallback: "5000",
  about:
    "Longest pause between two attempts to reach the bridge, in ms; it doubles from 50 ms, with jitter.",
};
const once: Setting<boolean> = {
  name: "ONCE",
  schema: flag,
  fallback: "0",
  about: "1 ends the program when the recording is over and everything is stored.",
};

export const collectorSettings = {
  bridgeHost,
  bridgePort,
  bridgeToken,
  bridgeCa,
  healthPort,
  logBackend,
  redisUrl,
  journalMaxTicks,
  overlapMs,
  symbols,
  brokerTz,
  recordAccount,
  clockApartMs,
  clockClosedApartMs,
  specsEveryMs,
  captureFrom,
  groupTicks,
  futureLimitMs,
  retentionHours,
  retentionTicks,
  reconnectMaxMs,
  once,
  ...mirrorSettings,
  ...calendarSettings,
};
