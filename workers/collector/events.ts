import { type Telemetry, telemetryOf } from "../../lib/program/events.ts";
import { messageOf } from "../../lib/program/errors.ts";
import type { Refusal } from "../../lib/market/admission.ts";

/** What the collector tells the operator: each event is one log line and one metric. */
export function collectorEvents(telemetry: Telemetry = telemetryOf("collector")) {
  const { log } = telemetry;
  const received = telemetry.counter("arbitrex_ticks_received_total", "Ticks appended to the log.");
  const repeated = telemetry.counter(
    "arbitrex_ticks_repeated_total",
    "Ticks that a re-read brought again.",
  );
  const refused = telemetry.counter(
    "arbitrex_ticks_refused_total",
    "Impossible ticks, in the dead-letter file.",
    ["reason"],
  );
  const connections = telemetry.counter(
    "arbitrex_bridge_connections_total",
    "Streams opened at the bridge.",
  );
  const breaks = telemetry.counter("arbitrex_bridge_breaks_total", "Streams that broke off.");
  const conflicts = telemetry.counter(
    "arbitrex_append_conflicts_total",
    "Appends refused because the log's tail was another.",
  );
  const unavailable = telemetry.counter(
    "arbitrex_log_unavailable_total",
    "Appends that the log could not take.",
    ["reason"],
  );
  const trimmed = telemetry.counter(
    "arbitrex_ticks_trimmed_total",
    "Committed ticks freed from the log.",
  );
  const feedDown = telemetry.counter(
    "arbitrex_feed_down_total",
    "Times the vendor's feed went away.",
  );
  const notNoted = telemetry.counter(
    "arbitrex_feed_holes_not_noted_total",
    "Beginnings and ends of outages that could not be written to metadata/gaps.jsonl.",
  );
  const calendarProblems = telemetry.counter(
    "arbitrex_calendar_map_failures_total",
    "Times the map of symbols to calendars could not be used.",
  );
  const unwitnessed = telemetry.counter(
    "arbitrex_clock_history_failures_total",
    "Symbols whose bars could not be read as evidence for the server's clock.",
  );
  const missing = telemetry.gauge(
    "arbitrex_symbols_not_offered",
    "Wanted symbols that the source does not have.",
  );
  const respecified = telemetry.counter(
    "arbitrex_specification_changes_total",
    "Specifications of captured symbols that the vendor changed.",
  );
  const unspecified = telemetry.counter(
    "arbitrex_specification_failures_total",
    "Times the symbols' specifications could not be read.",
  );
  const group = telemetry.histogram(
    "arbitrex_append_seconds",
    "Time of one append, in seconds.",
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1],
  );
  const newest = telemetry.gauge(
    "arbitrex_newest_tick_seconds",
    "UTC time of the newest tick, epoch seconds.",
  );

  const tracked = telemetry.gauge("arbitrex_symbols_tracked", "Symbols that are captured.");

  const symbolsOf = new Map<string, number>();
  /** What was told last: a bridge that stays away is one line, not one for each attempt. */
  let lastBreak = "";

  return {
    telemetry,
    connected(source: string, symbols: number): void {
      connections.inc();
      symbolsOf.set(source, symbols);
      tracked.set([...symbolsOf.values()].reduce((sum, count) => sum + count, 0));
      lastBreak = "";
      log.info(`reads ${symbols} symbols from ${source}`);
    },
    broke(cause: unknown, pauseMs: number): void {
      breaks.inc();
      const reason = messageOf(cause);
      const line = `Cannot read the bridge: ${reason}; tries again in ${Math.round(pauseMs)} ms`;
      log[reason === lastBreak ? "debug" : "warn"](line);
      lastBreak = reason;
    },
    clockUnknown(cause: unknown, pauseMs: number): void {
      breaks.inc();
      log.warn(
        `Cannot tell what the source's clock means: ${messageOf(cause)}; nothing is appended, ` +
          `history is read once it is known; looks again in ${Math.round(pauseMs)} ms`,
      );
    },
    appended(ticks: number, seconds: number, newestUtcMs: number): void {
      received.inc(ticks);
      group.observe(seconds);
      newest.set(newestUtcMs / 1000);
      log.debug(`appended ${ticks} ticks`);
    },
    repeated(symbol: string, ticks: number): void {
      repeated.inc(ticks);
      log.debug(`${symbol}: ${ticks} ticks of the re-read are in the log already`);
    },
    refused(symbol: string, reasons: ReadonlyMap<Refusal, number>): void {
      for (const [reason, count] of reasons) refused.inc({ reason }, count);
      const shown = [...reasons].map(([reason, count]) => `${count} ${reason}`).join(", ");
      log.warn(`${symbol}: refused impossible ticks (${shown}); they are in metadata/dead_letters`);
    },
    conflict(symbols: readonly string[]): void {
      conflicts.inc(symbols.length);
      log.warn(
        `the log's tail moved for ${
          symbols.join(", ")
        }; reads the source again from the checkpoint`,
      );
    },
    foreignFeed(symbol: string, feed: string, owner: string): void {
      conflicts.inc();
      log.error(
        `Cannot append ${symbol} from feed ${feed}: current feed is ${owner}; configure it as another symbol, such as ${symbol}@other`,
      );
    },
    logUnavailable(reason: string, cause: unknown): void {
      unavailable.inc({ reason });
      log.error(`Cannot append: ${messageOf(cause)}; the bridge waits, nothing is lost`);
    },
    logAvailable(pausedMs: number): void {
      log.info(`the log takes ticks again after ${Math.round(pausedMs / 100) / 10} s`);
    },
    trimmed(ticks: number): void {
      trimmed.inc(ticks);
      if (ticks > 0) log.info(`freed ${ticks} committed ticks from the log`);
    },
    feed(state: "down" | "up"): void {
      if (state === "down") feedDown.inc();
      log[state === "down" ? "warn" : "info"](`the vendor's feed is ${state}`);
    },
    holeNotNoted(cause: unknown): void {
      notNoted.inc();
      log.error(`Cannot note the outage in metadata/gaps.jsonl: ${messageOf(cause)}`);
    },
    calendarProblem(message: string): void {
      calendarProblems.inc();
      log.warn(message);
    },
    clock(source: string, message: string): void {
      log.info(`the clock of ${source}: ${message}`);
    },
    clockNotSaved(cause: unknown): void {
      log.warn(
        `Cannot keep the last live ticks' evidence of the clock: ${
          messageOf(cause)
        }; it comes again`,
      );
    },
    noHistory(symbol: string, why: string): void {
      unwitnessed.inc();
      log.warn(`Cannot read when the weeks of ${symbol} opened: ${why}; live ticks must tell`);
    },
    notOffered(source: string, symbols: readonly string[]): void {
      missing.set(symbols.length);
      log.warn(`${source} does not offer ${symbols.join(", ")}`);
    },
    specsChanged(symbols: readonly string[]): void {
      respecified.inc(symbols.length);
      if (symbols.length > 0) {
        log.info(`the vendor changed the specification of ${symbols.join(", ")}`);
      }
    },
    specsNotRead(cause: unknown): void {
      unspecified.inc();
      log.warn(`Cannot read the symbols' specifications: ${messageOf(cause)}; tries again`);
    },
    ended(): void {
      log.info("the source is over: everything it had is in the log");
    },
  };
}

export type CollectorEvents = ReturnType<typeof collectorEvents>;
