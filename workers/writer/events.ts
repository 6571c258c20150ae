import type { Telemetry } from "../../lib/program/events.ts";
import { formatId } from "../../lib/market/tick_id.ts";
import type { Manifest } from "../../lib/capture/manifest.ts";
import { messageOf } from "../../lib/program/errors.ts";
import type { TickAudit } from "./audit/audit_record.ts";
import type { Recovered } from "./recover.ts";
import type { Resumption } from "./resume.ts";
import type { SymbolCapture } from "./symbol_capture.ts";

export type WriterEvents = ReturnType<typeof writerEvents>;

/** Everything the writer says, each as one log line and one metric. */
export function writerEvents(telemetry: Telemetry) {
  const { log } = telemetry;
  const flushed = telemetry.counter(
    "arbitrex_ticks_flushed_total",
    "Ticks written to files, on the disk and committed to the log.",
    ["symbol"],
  );
  const flushSeconds = telemetry.histogram(
    "arbitrex_tick_flush_seconds",
    "From rows in memory to rows on the disk and committed.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  );
  const queueSize = telemetry.gauge(
    "arbitrex_ticks_queue_size",
    "Ticks in the log that the writer has not committed.",
    ["symbol"],
  );
  const symbols = telemetry.gauge(
    "arbitrex_writer_symbols",
    "Symbols that this writer holds, by state.",
    ["state"],
  );
  const sealed = telemetry.counter(
    "arbitrex_tick_files_sealed_total",
    "Day files that got their final name and manifest.",
  );
  const failures = telemetry.counter(
    "arbitrex_writer_failures_total",
    "What went wrong, by kind; the log line says more.",
    ["kind"],
  );
  const recovered = telemetry.counter(
    "arbitrex_tick_files_cut_total",
    "Open files that ended in something other than a whole row and were cut there.",
  );

  const unnoted = telemetry.counter(
    "arbitrex_writer_holes_not_noted_total",
    "Outages of the feed that could not be written to metadata/gaps.jsonl.",
  );
  const auditedTicks = telemetry.counter(
    "arbitrex_audited_ticks_total",
    "Ticks of past days compared with the vendor's history, by what was found.",
    ["finding"],
  );
  /** A cause of all symbols is one line, told by `news`. */
  const begun: string[] = [], continued: string[] = [], waiting: string[] = [], left: string[] = [];
  const failing = new Map<string, string[]>();
  let isLogAway = false;

  return {
    /** Too many to log one by one. */
    flushed(ticksBySymbol: ReadonlyMap<string, number>, seconds: number): void {
      for (const [symbol, ticks] of ticksBySymbol) flushed.inc({ symbol }, ticks);
      flushSeconds.observe(seconds);
      log.debug(`wrote ${ticksBySymbol.size} symbols in ${(seconds * 1000).toFixed(1)} ms`);
    },
    queue(backlog: ReadonlyMap<string, number>): void {
      queueSize.reset();
      for (const [symbol, ticks] of backlog) queueSize.set({ symbol }, ticks);
    },
    holding(captures: readonly SymbolCapture[]): void {
      symbols.reset();
      for (const { state } of captures) symbols.inc({ state });
    },
    resumed(symbol: string, found: Recovered, resumption: Resumption): void {
      for (const damage of found.damages) {
        recovered.inc();
        log.warning(`cut ${damage}; what followed is read from the log again`);
      }
      const isNew = found.position.ms === 0;
      const position = isNew ? "the beginning" : formatId(found.position);
      log.debug(`${symbol}: ${resumption.outcome} at ${position}`);
      if (resumption.outcome === "capturing") {
        (isNew ? begun : continued).push(symbol);
        return;
      }
      failures.inc({ kind: resumption.outcome });
      if (resumption.outcome === "waiting") {
        waiting.push(symbol);
        return;
      }
      continued.push(symbol);
      const from = new Date(resumption.fromMs).toISOString();
      log.error(`${symbol} has a hole: ${from} to ${new Date(resumption.toMs).toISOString()}`);
    },
    givenUp(symbol: string): void {
      left.push(symbol);
    },
    stopped(symbol: string, cause: unknown): void {
      failures.inc({ kind: "stopped" });
      log.error(`${symbol} stopped, the others go on: ${messageOf(cause)}`);
    },
    failing(symbol: string, cause: unknown): void {
      failures.inc({ kind: "disk" });
      const message = messageOf(cause);
      failing.set(message, [...failing.get(message) ?? [], symbol]);
    },
    /** Says what concerns many symbols, a line for all of them; after each survey and flush. */
    news(): void {
      const parts = [
        ...begun.length > 0 ? [`${begun.length} from the beginning`] : [],
        ...continued.length > 0 ? [`${continued.length} from the end of their files`] : [],
      ];
      if (parts.length > 0) {
        log.info(`captures ${begun.length + continued.length} symbols: ${parts.join(", ")}`);
      }
      if (left.length > 0) log.info(`leaves ${left.length} symbols to another writer`);
      if (waiting.length > 0) {
        log.warning(`the log is behind the end of the files, waits for it: ${some(waiting)}`);
      }
      for (const [message, symbols] of failing) {
        log.error(`cannot write ${some(symbols)} now, tried again soon: ${message}`);
      }
      begun.length =
        continued.length =
        waiting.length =
        left.length =
          0;
      failing.clear();
    },
    holeNotNoted(cause: unknown): void {
      unnoted.inc();
      log.error(`Cannot note the outage in metadata/gaps.jsonl: ${messageOf(cause)}`);
    },
    sealed(manifest: Manifest): void {
      sealed.inc();
      log.info(`sealed ${manifest.files[0]?.path}: ${manifest.rows} rows, ${manifest.bytes} bytes`);
    },
    sealedBeside(manifest: Manifest, before: Manifest): void {
      const path = manifest.files[0]?.path, other = before.files[0]?.path;
      log.warning(
        `${path} lies beside ${other}, which came from the vendor's history before it was captured: ` +
          "ticks that both hold are there twice",
      );
    },
    audited(audit: TickAudit): void {
      const { captured, missed, added_later, removed, rewritten } = audit;
      const findings = { captured, missed, added_later, removed, rewritten };
      for (const [finding, ticks] of Object.entries(findings)) auditedTicks.inc({ finding }, ticks);
      const about = `audit of ${audit.symbol} of ${audit.day}`;
      if (audit.outcome !== "compared") log.warning(`${about} was not possible: ${audit.reason}`);
      else {
        const found = Object.entries(findings).map(([finding, ticks]) => `${ticks} ${finding}`)
          .join(", ").replaceAll("_", " ");
        const wrote = audit.written === null ? "" : `; wrote ${audit.written.path}`;
        const not = audit.unwritten === 0 ? "" : `; could not write ${audit.unwritten} of them`;
        const line = `${about}: ${found}${wrote}${not}${audit.reason ? ` (${audit.reason})` : ""}`;
        if (audit.status === "SUCCESS") log.info(line);
        else log.warning(line);
      }
    },
    auditFailed(cause: unknown): void {
      failures.inc({ kind: "audit" });
      log.warning(`cannot audit yesterday's files now, tried again later: ${messageOf(cause)}`);
    },
    sealFailed(symbol: string, cause: unknown): void {
      failures.inc({ kind: "seal" });
      log.error(`cannot seal a day of ${symbol} now, tried again soon: ${messageOf(cause)}`);
    },
    logUnavailable(cause: unknown): void {
      failures.inc({ kind: "log" });
      if (!isLogAway) log.warning(`the log cannot be reached now: ${messageOf(cause)}`);
      isLogAway = true;
    },
    logReached(): void {
      if (isLogAway) log.info("the log can be reached again");
      isLogAway = false;
    },
    logReplaced(): void {
      failures.inc({ kind: "epoch" });
      log.warning("the log was begun anew: all files are compared with it again");
    },
    undrained(symbols: readonly string[]): void {
      log.warning(
        `ended before everything was written: ${symbols.join(" ")} (the log keeps the rest)`,
      );
    },
  };
}

/** The first few names and how many more there are. */
function some(symbols: readonly string[]): string {
  const more = symbols.length - 5;
  return symbols.slice(0, 5).join(" ") + (more > 0 ? ` and ${more} more` : "");
}
