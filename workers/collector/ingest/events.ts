import { messageOf } from "../../../lib/program/errors.ts";
import { programLog } from "../../../lib/program/log.ts";
import type { Plan, WorkUnit } from "./plan.ts";
import type { Progress } from "./report/progress.ts";
import { dayText } from "./report/progress_lines.ts";
import { type Ending, summaryText } from "./report/summary.ts";
import { Tally } from "./report/tally.ts";
import type { TickDay } from "./ticks/ingest_ticks.ts";
import type { UnitResult } from "./unit.ts";

/**
 * What a run tells: each event is one line in its log and one on the screen. A run is over before
 * anybody could scrape a metric; its cycle records are what health reads.
 */
export function ingestEvents({ progress }: { progress: Progress }) {
  const log = programLog("ingest"), tally = new Tally();
  const problem = (message: string): void => {
    log.warn(message);
    progress.problem(message);
  };
  return {
    tally,
    problem,
    /** What of a plan a person should know before anything is read. */
    doubts({ unplanned, horizons }: Plan): void {
      for (const horizon of horizons) problem(horizon);
      for (const { symbol, timeframe, error } of unplanned) {
        problem(`${symbol} ${timeframe.label} is left out: ${error}`);
      }
    },
    planned({ work }: Plan): void {
      tally.plan(work);
      log.info(`${tally.units} reads, ${tally.symbols} symbols, ${tally.planned} bars expected`);
      progress.planned(tally);
    },
    unit(result: UnitResult): void {
      const isSymbolDone = tally.add(result);
      const { unit, status, expected, received, removed, files, error } = result;
      const gone = removed === 0 ? "" : `, ${removed} bars are no longer there`;
      const why = error === null ? "" : `: ${error}`;
      const line = `${nameOf(unit)} ${status}: ${received} of ${expected} bars, ` +
        `${files.length} files written, ${result.seconds.toFixed(2)} s${gone}${why}`;
      log[status === "SUCCESS" ? "info" : "warn"](line);
      progress.unit(result, { tally, isSymbolDone });
    },
    triesAgain(unit: WorkUnit, { cause, pauseMs }: { cause: unknown; pauseMs: number }): void {
      problem(`${nameOf(unit)}: ${messageOf(cause)}; tries again in ${Math.round(pauseMs)} ms`);
    },
    noCopy(path: string, cause: unknown): void {
      problem(`Cannot copy ${path} as Parquet: ${messageOf(cause)}; the CSV is whole`);
    },
    /** Of `--ticks`. */
    day(day: TickDay): void {
      const isRefused = day.outcome === "skipped" || day.outcome === "failed";
      log[isRefused ? "warn" : "info"](dayText(day));
      progress.day(day);
    },
    ended(ending: Ending): void {
      for (const line of summaryText(ending).split("\n")) log.info(line);
    },
    failed(cause: unknown): void {
      log.error(`the run ended: ${messageOf(cause)}`);
    },
    line(message: string): void {
      log.info(message);
      progress.line(message);
    },
  };
}

export type IngestEvents = ReturnType<typeof ingestEvents>;

/** `EURUSD 1H from 2025-12-01 to 2025-12-22`. */
export function nameOf({ symbol, timeframe, fromMs, toMs }: WorkUnit): string {
  return `${symbol} ${timeframe.label} from ${momentOf(fromMs)} to ${momentOf(toMs)}`;
}

/** A midnight is written as its date. */
export function momentOf(utcMs: number): string {
  return new Date(utcMs).toISOString().replace(
    /(T00:00)?:00\.000Z$/,
    (_, midnight) => midnight === undefined ? "Z" : "",
  );
}
