import { BridgeError, type BridgeErrorCode } from "../lib/bridge/bridge_error.ts";
import type { SessionState } from "../lib/bridge/feed.ts";
import type { Telemetry } from "../lib/program/events.ts";
import { DriverError } from "./driver/driver_error.ts";
import type { SessionEvents } from "./logins/session_vendor.ts";

/** What the bridge tells about itself. */
export interface BridgeEvents extends SessionEvents {
  listening(address: string): void;
  collectorJoined(): void;
  collectorLeft(): void;
  refused(error: BridgeError): void;
  acceptFailed(cause: unknown): void;
  streamFailed(cause: unknown): void;
  ticksSent(count: number): void;
  linesSkipped(file: string, count: number, first: string): void;
  /** A line that a driver, or its vendor's library, wrote to stderr. */
  driverSaid(session: string, line: string): void;
  /** It wrote more than is logged. */
  driverDropped(session: string, bytes: number): void;
}

const STATES: readonly SessionState[] = ["connecting", "connected", "waiting", "failed"];
/** A broker may have thousands of symbols, and a log line is for a person. */
const NAMES_SHOWN = 5;

export function bridgeEvents(telemetry: Telemetry): BridgeEvents {
  // As a tag of templates: what others say may hold braces, which a plain message would fill in.
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
  const states = telemetry.gauge(
    "arbitrex_bridge_session_state",
    "1 for the state that a session is in, 0 for the others",
    ["session", "state"],
  );
  const attempts = telemetry.counter(
    "arbitrex_bridge_login_attempts_total",
    "Logins at vendors that were begun",
    ["session"],
  );
  const logins = telemetry.counter(
    "arbitrex_bridge_logins_total",
    "Logins at vendors that were verified",
    ["session"],
  );
  const contested = telemetry.gauge(
    "arbitrex_bridge_contested_symbols",
    "Symbols whose plain name another symbol of the session has",
    ["session"],
  );
  const driverLines = telemetry.counter(
    "arbitrex_bridge_driver_lines_total",
    "Lines that drivers wrote to stderr",
    ["session"],
  );
  const driverDropped = telemetry.counter(
    "arbitrex_bridge_driver_dropped_bytes_total",
    "Bytes that drivers wrote to stderr and that were too much to log",
    ["session"],
  );
  const setState = (session: string, state: SessionState) => {
    for (const each of STATES) states.set({ session, state: each }, each === state ? 1 : 0);
  };
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
      // Of a session that is down its own event tells, once and not at each attempt to reach it.
      if (code === "session_down") log.debug`ended a connection: ${code}: ${message}`;
      else log.warn`ended a connection: ${code}: ${message}`;
    },
    acceptFailed(cause) {
      acceptFailures.inc();
      log.warn`cannot accept a connection: ${textOf(cause)}`;
    },
    streamFailed(cause) {
      // A stream whose collector went away is the collector's end, not the source's; of a session that
      // is down its own event tells.
      if (cause instanceof BridgeError && ["closed", "session_down"].includes(cause.code)) return;
      failures.inc();
      // A driver that ended is started again, and history has what its stream did not bring.
      if (cause instanceof DriverError) log.warn`a stream ended: ${textOf(cause)}`;
      else log.error`the source failed: ${textOf(cause)}`;
    },
    ticksSent: (count) => ticks.inc(count),
    linesSkipped(file, count, first) {
      skipped.inc(count);
      log.warn`skipped ${count} lines of ${file}, the first: ${first}`;
    },
    loggingIn({ name: session, state }) {
      attempts.inc({ session });
      setState(session, state);
      log.info`session ${session} logs in`;
    },
    sessionChanged({ name: session, state, reason }) {
      setState(session, state);
      if (state === "connected") log.info`session ${session} is connected`;
      else if (state === "failed") log.error`session ${session} failed: ${reason}`;
      else log.warn`session ${session} is ${state}: ${reason}`;
    },
    loggedIn(session, { server, facts }) {
      logins.inc({ session });
      log.info`session ${session} logged in at ${server}: ${JSON.stringify(facts)}`;
    },
    namesContested(session, names) {
      contested.set({ session }, names.length);
      const shown = names.slice(0, NAMES_SHOWN)
        .map(({ rawName, symbol, contested }) => `${rawName} is ${symbol}, not ${contested}`);
      const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
      log.warn`names of session ${session} that others had first: ${shown.join(", ")}${more}`;
    },
    driverSaid(session, line) {
      driverLines.inc({ session });
      log.info`driver of ${session}: ${line}`;
    },
    driverDropped(session, bytes) {
      driverDropped.inc({ session }, bytes);
      log.warn`driver of ${session} wrote more than is logged: ${bytes} bytes were left out`;
    },
  };
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
