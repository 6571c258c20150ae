import { integer, list, type OptionalSetting, type Setting } from "../../lib/program/settings.ts";
import {
  bindHost,
  gatewayPort,
  healthPort,
  logBackend,
  redisUrl,
} from "../../lib/program/shared_settings.ts";
import { calendarSettings } from "../../lib/time/calendar/settings.ts";

const maxClients: Setting<number> = {
  name: "GATEWAY_MAX_CLIENTS",
  schema: integer({ min: 1, max: 100_000 }),
  fallback: "1000",
  about: "Most stream clients at a time; further ones are closed with 4029 (WebSocket) or get 503.",
};
const maxSymbols: Setting<number> = {
  name: "GATEWAY_MAX_SYMBOLS",
  schema: integer({ min: 1, max: 10_000 }),
  fallback: "500",
  about: "Most symbols that one client may name; * is not limited.",
};
const slowBytes: Setting<number> = {
  name: "GATEWAY_SLOW_BYTES",
  schema: integer({ min: 16_384, max: 1_073_741_824 }),
  fallback: "1048576",
  about: "A client with more bytes than this waiting in its socket is slow and is sent nothing.",
};
const recentBytes: Setting<number> = {
  name: "GATEWAY_RECENT_BYTES",
  schema: integer({ min: 65_536, max: 4_294_967_296 }),
  fallback: "16777216",
  about:
    "Memory for recent ticks, so that short resumes need not read the log, in bytes; about 200,000 ticks.",
};
const maxRecoverTicks: Setting<number> = {
  name: "GATEWAY_MAX_RECOVER_TICKS",
  schema: integer({ min: 0, max: 10_000_000 }),
  fallback: "50000",
  about:
    "Most ticks of a symbol that a resume brings back, about half a day of EURUSD; more are refused as too_many.",
};
const maxQueryTicks: Setting<number> = {
  name: "GATEWAY_MAX_QUERY_TICKS",
  schema: integer({ min: 1, max: 100_000_000 }),
  fallback: "100000",
  about:
    "Greatest limit of GET /ticks in JSON, which is read whole; csv and parquet are streamed without one.",
};
const maxQueryBars: Setting<number> = {
  name: "GATEWAY_MAX_QUERY_BARS",
  schema: integer({ min: 1, max: 10_000_000 }),
  fallback: "50000",
  about: "The same for GET /bars; a month of minutes is about 31,000.",
};
const maxQueries: Setting<number> = {
  name: "GATEWAY_MAX_QUERIES",
  schema: integer({ min: 1, max: 10_000 }),
  fallback: "64",
  about:
    "Most queries of ranges that are being answered at a time, at about two megabytes each; further ones get 503.",
};
const tickBarsHours: Setting<number> = {
  name: "GATEWAY_TICK_BARS_HOURS",
  schema: integer({ min: 0, max: 1488 }),
  fallback: "192",
  about:
    "How far back from a range's end GET /bars makes bars out of ticks where none were ingested, in hours: a week and a day; 0 never does.",
};
const pingMs: Setting<number> = {
  name: "GATEWAY_PING_MS",
  schema: integer({ min: 100, max: 600_000 }),
  fallback: "20000",
  about:
    "How often WebSocket clients are pinged, in ms; below the minute after which proxies hang up.",
};
const silentMs: Setting<number> = {
  name: "GATEWAY_SILENT_MS",
  schema: integer({ min: 200, max: 3_600_000 }),
  fallback: "60000",
  about:
    "A WebSocket client silent for this long is closed, in ms: three pings unanswered; so is a query's that takes nothing.",
};
const commentMs: Setting<number> = {
  name: "GATEWAY_SSE_COMMENT_MS",
  schema: integer({ min: 100, max: 600_000 }),
  fallback: "15000",
  about: "How often a comment keeps an event stream alive, in ms.",
};
const allowedOrigins: OptionalSetting<string[]> = {
  name: "ALLOWED_ORIGINS",
  schema: list,
  fallback: undefined,
  about:
    "Origins of web pages that may open streams beside the gateway's own, e.g. https://desk.example.",
};
const allowedHosts: OptionalSetting<string[]> = {
  name: "ALLOWED_HOSTS",
  schema: list,
  fallback: undefined,
  about:
    "Names under which the gateway may be addressed beside loopback; without it a gateway bound beyond loopback takes any.",
};

export const gatewaySettings = {
  ...calendarSettings,
  bindHost,
  gatewayPort,
  healthPort,
  logBackend,
  redisUrl,
  maxClients,
  maxSymbols,
  slowBytes,
  recentBytes,
  maxRecoverTicks,
  maxQueryTicks,
  maxQueryBars,
  maxQueries,
  tickBarsHours,
  pingMs,
  silentMs,
  commentMs,
  allowedOrigins,
  allowedHosts,
};
