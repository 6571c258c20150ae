import { type Timeframe, TIMEFRAMES } from "../../market/timeframe.ts";
import { subtract, type TimeRange, union } from "../../time/time_range.ts";
import { type BarCycle, cyclesBackwards, HOLIDAY, type Series } from "./bar_cycle.ts";
import { listBarFiles, parseBarFileName, type Period, periodOf } from "./bar_path.ts";

export interface CoverageQuestion extends Series {
  /** Nothing else is looked for; everything when absent. */
  readonly wanted?: TimeRange | undefined;
  /** See `CoverageRules`. */
  readonly settledMs?: number | undefined;
  /** Whether the calendar expects bars there: then a file should be, unless a gap is named. */
  readonly expects?: ((range: TimeRange) => boolean) | undefined;
}

export interface CoverageRules {
  /**
   * A gap that a record from before this moment (UTC ms) names is covered: the vendor was asked for
   * it, and what it loads late or repairs would have come since. Without it no such gap is.
   */
  readonly settledMs?: number | undefined;
}

/**
 * What of a series need not be asked again, sorted and apart: what its records cover, without the
 * periods whose files are gone. Records are read from the newest back, until no older one can add to
 * what is wanted; of those that were not read nothing is known, so that a file which only they name
 * is missed where the calendar expects it.
 */
export async function readCoverage(
  dataDir: string,
  { wanted = ALWAYS, settledMs, expects, ...series }: CoverageQuestion,
): Promise<TimeRange[]> {
  const timeframe = TIMEFRAMES[series.timeframe], cycles: BarCycle[] = [];
  let left: readonly TimeRange[] = [wanted], hasFiles = false;
  for await (const { cycle } of cyclesBackwards(dataDir, series)) {
    cycles.push(cycle);
    hasFiles ||= cycle.files.length > 0;
    const covered = coveredBy(cycle, { settledMs });
    left = subtract(left, covered);
    // No record covers what was not yet when it was made.
    const madeMs = Date.parse(cycle.ingestion_time_utc);
    if (hasFiles && left.every(({ fromMs }) => fromMs >= madeMs)) break;
  }
  const covered = coverageOf(cycles, { settledMs });
  const gone = await gonePeriods(dataDir, { cycles, timeframe, covered, wanted, expects });
  return subtract(covered, gone);
}

/**
 * What records cover, sorted and apart: what the vendor was asked and answered, without the gaps that
 * are young. What failed covers nothing.
 */
export function coverageOf(
  cycles: readonly BarCycle[],
  rules: CoverageRules = {},
): TimeRange[] {
  return union(cycles.flatMap((cycle) => coveredBy(cycle, rules)));
}

const ALWAYS: TimeRange = { fromMs: -Infinity, toMs: Infinity };

function coveredBy(cycle: BarCycle, { settledMs = -Infinity }: CoverageRules): TimeRange[] {
  if (cycle.status === "FAILED") return [];
  const range = rangeOf(cycle.range_from_utc, cycle.range_to_utc);
  if (Date.parse(cycle.ingestion_time_utc) < settledMs) return [range];
  return subtract([range], cycle.gaps.filter(({ reason }) => reason !== HOLIDAY).map(gapRange));
}

/** The periods that should have a file, and have no version of it any more. */
async function gonePeriods(
  dataDir: string,
  { cycles, timeframe, covered, wanted, expects }: {
    cycles: readonly BarCycle[];
    timeframe: Timeframe;
    covered: readonly TimeRange[];
    wanted: TimeRange;
    expects: CoverageQuestion["expects"];
  },
): Promise<Period[]> {
  const paths = new Set(cycles.flatMap(({ files }) => files).map(({ path }) => path));
  const byFolder = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf("/")));
  const gone = new Map<number, Period>(), there = new Set<number>();
  for (const [folder, recorded] of byFolder) {
    const files = await listBarFiles(`${dataDir}/${folder}`, timeframe);
    const ofFolder = new Set(files.map(({ period }) => period.fromMs));
    for (const fromMs of ofFolder) there.add(fromMs);
    for (const path of recorded) {
      const period = parseBarFileName(path.slice(folder.length + 1), timeframe)?.period;
      if (period !== undefined && !ofFolder.has(period.fromMs)) gone.set(period.fromMs, period);
    }
  }
  if (expects === undefined || byFolder.size === 0) return [...gone.values()];
  const named = union(cycles.flatMap(({ gaps }) => gaps.map(gapRange)));
  for (const range of covered) {
    const toMs = Math.min(range.toMs, wanted.toMs);
    for (let atMs = Math.max(range.fromMs, wanted.fromMs); atMs < toMs;) {
      const period = periodOf(timeframe, atMs), untilMs = Math.min(period.toMs, toMs);
      if (!there.has(period.fromMs) && !gone.has(period.fromMs)) {
        const unnamed = subtract([{ fromMs: atMs, toMs: untilMs }], named);
        if (unnamed.some(expects)) gone.set(period.fromMs, period);
      }
      atMs = untilMs;
    }
  }
  return [...gone.values()].sort((a, b) => a.fromMs - b.fromMs);
}

function gapRange({ from_utc, to_utc }: BarCycle["gaps"][number]): TimeRange {
  return rangeOf(from_utc, to_utc);
}

function rangeOf(fromUtc: string, toUtc: string): TimeRange {
  return { fromMs: Date.parse(fromUtc), toMs: Date.parse(toUtc) };
}
