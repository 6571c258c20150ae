import { rounded } from "./progress_json.ts";
import { durationText } from "./progress_lines.ts";
import type { SeriesTally, Tally } from "./tally.ts";

/** Pure: what a run came to, as its exit code, for people and for machines. */

export const ALL = 0, SOME = 1, NONE = 2;

export interface Ending {
  readonly tally: Tally;
  /** Units and series that were planned or wanted and not read. */
  readonly left: number;
  /** The command that goes on, when something is left. */
  readonly resume: string | undefined;
  readonly wasStopped: boolean;
}

/** 0: everything is whole; 1: some is missing, failed or left; 2: nothing was read. */
export function exitCodeOf({ tally, left, wasStopped }: Ending): number {
  const { SUCCESS, PARTIAL, FAILED } = countsOf(tally);
  if (PARTIAL + FAILED + left === 0 && !wasStopped) return ALL;
  return SUCCESS + PARTIAL === 0 && !wasStopped ? NONE : SOME;
}

type Row = Pick<SeriesTally, "expected" | "received" | "missing" | "files" | "seconds"> & {
  readonly name: string;
  readonly timeframe: string;
  readonly status: string;
};

const MOST_ROWS = 24;
const HEADER = ["", "timeframe", "expected", "received", "missing", "files", "seconds", "status"];

/** A table; where it would be long the series that are whole share one row a timeframe. */
export function summaryText(ending: Ending): string {
  const { tally, left, resume } = ending;
  const all = tally.series.map(rowOf);
  const rows = all.length > MOST_ROWS ? gathered(all) : all;
  const cells = [HEADER, ...rows.map(cellsOf)];
  const widths = HEADER.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0))
  );
  const isNumber = (column: number) => column >= 2 && column <= 6;
  const table = cells.map((row) =>
    row.map((cell, column) =>
      isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
    ).join("  ").trimEnd()
  );
  const { SUCCESS, PARTIAL, FAILED } = countsOf(tally);
  const { seconds, received, barsPerSecond } = tally;
  return [
    ...rows.length === 0 ? [] : table,
    `${SUCCESS} SUCCESS, ${PARTIAL} PARTIAL, ${FAILED} FAILED` +
    `${left === 0 ? "" : `, ${left} not read`} in ${durationText(seconds)}: ` +
    `${received} bars, ${Math.round(barsPerSecond)} a second`,
    ...resume === undefined ? [] : [`To go on: ${resume}`],
  ].join("\n");
}

/** One line of JSON. */
export function summaryJson(ending: Ending): string {
  const { tally, left, resume, wasStopped } = ending;
  const { SUCCESS, PARTIAL, FAILED } = countsOf(tally);
  return JSON.stringify({
    event: "summary",
    exit_code: exitCodeOf(ending),
    success: SUCCESS,
    partial: PARTIAL,
    failed: FAILED,
    left,
    stopped: wasStopped,
    resume: resume ?? null,
    symbols: tally.symbols,
    bars_received: tally.received,
    seconds: rounded(tally.seconds),
    bars_per_second: Math.round(tally.barsPerSecond),
    series: tally.series.map((series) => ({
      symbol: series.symbol,
      timeframe: series.timeframe.label,
      bars_expected: series.expected,
      bars_received: series.received,
      bars_missing: series.missing,
      files: series.files,
      seconds: rounded(series.seconds),
      status: statusOf(series),
    })),
  });
}

/** The words as they were given, quoted where a shell would read more into them. */
export function resumeCommand(args: readonly string[]): string {
  const words = args.filter((word) => word !== "--resume")
    .map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word));
  return ["deno task ingest", ...words, "--resume"].join(" ");
}

function countsOf({ series }: Tally): SeriesTally["done"] {
  const counts = { SUCCESS: 0, PARTIAL: 0, FAILED: 0 };
  for (const { done } of series) {
    counts.SUCCESS += done.SUCCESS;
    counts.PARTIAL += done.PARTIAL;
    counts.FAILED += done.FAILED;
  }
  return counts;
}

function statusOf({ done, units }: SeriesTally): string {
  const { SUCCESS, PARTIAL, FAILED } = done;
  if (FAILED > 0 && SUCCESS + PARTIAL === 0) return "FAILED";
  if (FAILED + PARTIAL > 0) return "PARTIAL";
  return SUCCESS < units ? "UNFINISHED" : "SUCCESS";
}

function rowOf(series: SeriesTally): Row {
  const { symbol: name, timeframe, expected, received, missing, files, seconds } = series;
  const status = statusOf(series);
  return { name, timeframe: timeframe.label, expected, received, missing, files, seconds, status };
}

function gathered(rows: readonly Row[]): Row[] {
  const isWhole = ({ status }: Row) => status === "SUCCESS";
  const whole = Map.groupBy(rows.filter(isWhole), ({ timeframe }) => timeframe);
  const sums = [...whole].map(([timeframe, of]): Row => {
    const sum = (key: "expected" | "received" | "missing" | "files" | "seconds") =>
      of.reduce((total, row) => total + row[key], 0);
    return {
      ...{ name: `${of.length} symbols`, timeframe, status: "SUCCESS", expected: sum("expected") },
      ...{ received: sum("received"), missing: sum("missing"), files: sum("files") },
      seconds: sum("seconds"),
    };
  });
  return [...sums, ...rows.filter((row) => !isWhole(row))];
}

function cellsOf({ name, timeframe, expected, received, missing, files, seconds, status }: Row) {
  const numbers = [expected, received, missing, files].map(String);
  return [name, timeframe, ...numbers, seconds.toFixed(2), status];
}
