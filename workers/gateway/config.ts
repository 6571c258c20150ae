import { integer, list, type OptionalSetting, type Setting } from "../../lib/program/settings.ts";
import {
  bindHost,
  gatewayPort,
  healthPort,
  logBackend,
  redisUrl,
} from "../../lib/program/shared_settings.ts";

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
  about: "Greatest limit of GET /ticks; a longer range is read page by page.",
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
  about: "A WebSocket client silent for this long is closed, in ms: three pings unanswered.",
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
  pingMs,
  silentMs,
  commentMs,
  allowedOrigins,
  allowedHosts,
};
