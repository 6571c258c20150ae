import { BridgeError, type BridgeErrorCode } from "../lib/bridge/bridge_error.ts";
import type { Telemetry } from "../lib/program/events.ts";

/** What the bridge tells about itself. */
export interface BridgeEvents {
  listening(address: string): void;
  collectorJoined(): void;
  collectorLeft(): void;
  refused(error: BridgeError): void;
  acceptFailed(cause: unknown): void;
  streamFailed(cause: unknown): void;
  ticksSent(count: number): void;
  linesSkipped(file: string, count: number, first: string): void;
}

export function bridgeEvents(telemetry: Telemetry): BridgeEvents {
  const { log } = telemetry;
  const collectors = telemetry.gauge(
    "arbitrex_bridge_collectors",
    "Collectors that are connected to the bridge",
  );
  const refusals = telemetry.counter(
    "arbitrex_bridge_refusals_total",
    "Connections that the bridge ended, by error code",
    ["code"],
  );
  const failures = telemetry.counter(
    "arbitrex_bridge_stream_failures_total",
    "Streams that ended because the source failed",
  );
  const acceptFailures = telemetry.counter(
    "arbitrex_bridge_accept_failures_total",
    "Connections that could not be accepted",
  );
  const ticks = telemetry.counter("arbitrex_bridge_ticks_total", "Ticks sent to collectors");
  const skipped = telemetry.counter(
    "arbitrex_replay_skipped_lines_total",
    "Lines of recordings that are no ticks",
  );
  return {
    listening: (address) => log.info`listening on ${address}`,
    collectorJoined() {
      collectors.inc();
      log.info`a collector joined`;
    },
    collectorLeft() {
      collectors.dec();
      log.info`a collector left`;
    },
    refused({ code, message }) {
      refusals.inc({ code: code satisfies BridgeErrorCode });
      log.warn(`ended a connection: ${code}: ${message}`);
    },
    acceptFailed(cause) {
      acceptFailures.inc();
      log.warn(`cannot accept a connection: ${textOf(cause)}`);
    },
    streamFailed(cause) {
      // A stream whose collector went away is the collector's end, not the source's.
      if (cause instanceof BridgeError && cause.code === "closed") return;
      failures.inc();
      log.error(`the source failed: ${textOf(cause)}`);
    },
    ticksSent: (count) => ticks.inc(count),
    linesSkipped(file, count, first) {
      skipped.inc(count);
      log.warn(`skipped ${count} lines of ${file}, the first: ${first}`);
    },
  };
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
