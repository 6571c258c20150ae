import { type Telemetry, telemetryOf } from "../../lib/program/events.ts";
import { messageOf } from "../../lib/program/errors.ts";

/** What the gateway tells the operator: each event is one log line and one metric. */
export function gatewayEvents(telemetry: Telemetry = telemetryOf("gateway")) {
  const { log } = telemetry;
  const published = telemetry.counter(
    "arbitrex_ticks_published_total",
    "Ticks put on the live stream, each counted once.",
  );
  const delivered = telemetry.counter(
    "arbitrex_ticks_delivered_total",
    "Ticks written to clients: one tick to ten clients counts ten.",
  );
  const bytes = telemetry.counter("arbitrex_gateway_bytes_total", "Tick bytes written to clients.");
  const clients = telemetry.gauge(
    "arbitrex_gateway_clients",
    "Clients that are connected.",
    ["transport"],
  );
  const refused = telemetry.counter(
    "arbitrex_gateway_refused_total",
    "Connections and requests that were refused.",
    ["reason"],
  );
  const slow = telemetry.counter(
    "arbitrex_gateway_slow_clients_total",
    "Times a client's buffer went over its limit, by what was done about it.",
    ["outcome"],
  );
  const recoveries = telemetry.counter(
    "arbitrex_gateway_recoveries_total",
    "Resumes asked for, by outcome.",
    ["outcome"],
  );
  const lag = telemetry.gauge(
    "arbitrex_gateway_lag_seconds",
    "Age of the newest tick when it was fanned out, in seconds.",
  );
  const breaks = telemetry.counter(
    "arbitrex_gateway_log_breaks_total",
    "Times the tick log could not be read.",
  );
  const epochs = telemetry.counter(
    "arbitrex_gateway_epoch_changes_total",
    "Times the tick log was begun anew.",
  );
  const skipped = telemetry.counter(
    "arbitrex_gateway_trimmed_gaps_total",
    "Times the log trimmed ticks that the gateway had not read yet.",
  );
  const queries = telemetry.counter(
    "arbitrex_gateway_queries_total",
    "Queries of ranges that were answered whole, or given up by their clients.",
    ["outcome"],
  );
  const queryBytes = telemetry.counter(
    "arbitrex_gateway_query_bytes_total",
    "Bytes of answers to queries of ranges.",
  );
  const calendarMaps = telemetry.counter(
    "arbitrex_gateway_calendar_map_problems_total",
    "Times the map of symbols to calendars could not be used.",
  );

  return {
    telemetry,
    listening(url: string): void {
      log.info(`serves ${url}`);
    },
    published(turn: { ticks: number; delivered: number; bytes: number }): void {
      published.inc(turn.ticks);
      delivered.inc(turn.delivered);
      bytes.inc(turn.bytes);
    },
    newest(utcMs: number): void {
      lag.set((Date.now() - utcMs) / 1000);
    },
    connected(transport: "ws" | "sse"): void {
      clients.inc({ transport });
      log.debug(`a ${transport} client came`);
    },
    left(transport: "ws" | "sse"): void {
      clients.dec({ transport });
      log.debug(`a ${transport} client left`);
    },
    refused(reason: string): void {
      refused.inc({ reason });
      log.warn(`refused a client: ${reason}`);
    },
    slowClient(outcome: "conflate" | "disconnect"): void {
      slow.inc({ outcome });
      log.info(`a client reads too slowly: ${outcome}`);
    },
    recovery(symbol: string, outcome: string, ticks: number): void {
      recoveries.inc({ outcome });
      log.debug(`${symbol}: a client resumed: ${outcome}, ${ticks} ticks`);
    },
    logBroke(cause: unknown, pauseMs: number): void {
      breaks.inc();
      log.warn(
        `Cannot read the tick log: ${messageOf(cause)}; tries again in ${Math.round(pauseMs)} ms`,
      );
    },
    logBack(): void {
      log.info("reads the tick log again");
    },
    epoch(epoch: string): void {
      epochs.inc();
      log.warn(`the tick log was begun anew, its epoch is ${epoch}: clients get new snapshots`);
    },
    trimmedAhead(symbol: string): void {
      skipped.inc();
      log.error(`${symbol}: the log trimmed ticks before the gateway read them; clients get a gap`);
    },
    queried(
      { outcome, bytes, ms }: { outcome: "whole" | "left"; bytes: number; ms: number },
    ): void {
      queries.inc({ outcome });
      queryBytes.inc(bytes);
      log.debug(`a query took ${bytes} bytes in ${Math.round(ms)} ms: ${outcome}`);
    },
    calendarMapUnusable(message: string): void {
      calendarMaps.inc();
      log.warn(message);
    },
    failed(action: string, cause: unknown): void {
      log.error(`Cannot ${action}: ${messageOf(cause)}`);
    },
  };
}

export type GatewayEvents = ReturnType<typeof gatewayEvents>;
