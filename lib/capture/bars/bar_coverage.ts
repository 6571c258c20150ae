import { type Timeframe, type TimeframeLabel, TIMEFRAMES } from "../../market/timeframe.ts";
import { type BarCycle, listCycles } from "./bar_cycle.ts";
import { listBarFiles, parseBarFileName, type Period } from "./bar_path.ts";

/** UTC ms, `[fromMs, toMs)`. */
export interface CoveredRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What of a series need not be asked again, sorted and apart: what its records cover, without the
 * periods whose files are gone. `onProblem` hears where the records cannot be followed.
 */
export async function readCoverage(
  dataDir: string,
  series: {
    symbol: string;
    timeframe: TimeframeLabel;
    onProblem?: (message: string) => void;
  },
): Promise<CoveredRange[]> {
  const cycles = await listCycles(dataDir, series);
  const gone = await goneFiles(dataDir, cycles, TIMEFRAMES[series.timeframe]);
  return coverageOf(cycles).flatMap((range) => without(range, gone));
}

/**
 * What records cover, sorted and apart: what the vendor was asked and answered, without the gaps. What
 * failed covers nothing.
 */
export function coverageOf(cycles: readonly BarCycle[]): CoveredRange[] {
  const answered = cycles.filter(({ status }) => status !== "FAILED").flatMap((cycle) => {
    const range = rangeOf(cycle.range_from_utc, cycle.range_to_utc);
    return without(range, cycle.gaps.map((gap) => rangeOf(gap.from_utc, gap.to_utc)));
  });
  const covered: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of answered.sort((a, b) => a.fromMs - b.fromMs)) {
    const last = covered.at(-1);
    if (last === undefined || fromMs > last.toMs) covered.push({ fromMs, toMs });
    else last.toMs = Math.max(last.toMs, toMs);
  }
  return covered;
}

/** The periods of recorded files of which no version is there any more. */
async function goneFiles(
  dataDir: string,
  cycles: readonly BarCycle[],
  timeframe: Timeframe,
): Promise<Period[]> {
  const paths = new Set(cycles.flatMap(({ files }) => files).map(({ path }) => path));
  const byFolder = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf("/")));
  const gone = new Map<number, Period>();
  for (const [folder, recorded] of byFolder) {
    const files = await listBarFiles(`${dataDir}/${folder}`, timeframe);
    const there = new Set(files.map(({ period }) => period.fromMs));
    for (const path of recorded) {
      const period = parseBarFileName(path.slice(folder.length + 1), timeframe)?.period;
      if (period !== undefined && !there.has(period.fromMs)) gone.set(period.fromMs, period);
    }
  }
  return [...gone.values()];
}

function without(range: CoveredRange, holes: readonly CoveredRange[]): CoveredRange[] {
  const rest: CoveredRange[] = [];
  let { fromMs } = range;
  for (const hole of holes.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const toMs = Math.min(hole.fromMs, range.toMs);
    if (toMs > fromMs) rest.push({ fromMs, toMs });
    fromMs = Math.max(fromMs, hole.toMs);
  }
  if (fromMs < range.toMs) rest.push({ fromMs, toMs: range.toMs });
  return rest;
}

function rangeOf(fromUtc: string, toUtc: string): CoveredRange {
  return { fromMs: Date.parse(fromUtc), toMs: Date.parse(toUtc) };
}
