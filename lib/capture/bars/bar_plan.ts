import { Buffer } from "node:buffer";
import type { Bar } from "../../market/bar.ts";
import type { Timeframe } from "../../market/timeframe.ts";
import { type BarFile, barFileOf } from "./bar_file.ts";
import { mergeBars, type Merged, type MergeRules } from "./bar_merge.ts";
import { type BarFileName, barFileName, type Period, periodOf } from "./bar_path.ts";
import { decodeBars, encodeBars } from "./bar_row.ts";
import { lastCloseMs, shortestMs } from "./bar_rules.ts";
import { forSeveral } from "./several_files.ts";

export interface Answer {
  readonly timeframe: Timeframe;
  /** Checked: closed, in order, within the range. */
  readonly bars: readonly Bar[];
  readonly range: { readonly fromMs: number; readonly toMs: number };
  readonly nowMs: number;
}

/** A file to be written, and what it is for the record. */
export interface PlannedFile {
  readonly name: string;
  readonly sealed: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entry: BarFile;
}

export interface Plan {
  /** Of one period the first version first. */
  readonly files: readonly PlannedFile[];
  readonly unchanged: number;
}

interface Standing {
  readonly file: BarFileName | undefined;
  readonly fresh: readonly Bar[];
}

/**
 * What an answer makes of the files of a series; nothing is written yet. Periods that the answer has
 * bars of, and open ones whose end it reaches, are read; the others are not looked into.
 */
export async function planFiles(
  { root, folder, current }: {
    /** Of the data folder. */
    root: string;
    /** Of the series, relative to it. */
    folder: string;
    /** The version that counts, by the period's begin. */
    current: ReadonlyMap<number, BarFileName>;
  },
  answer: Answer,
): Promise<Plan> {
  const { timeframe, bars, range } = answer;
  const touched = new Map<number, Standing & { period: Period }>();
  for (const file of current.values()) {
    const { period, sealed } = file;
    const isReached = period.fromMs < range.toMs && period.toMs > range.fromMs;
    if (!sealed && isReached) touched.set(period.fromMs, { period, file, fresh: [] });
  }
  for (const { period, fresh } of split(bars, timeframe)) {
    touched.set(period.fromMs, { period, file: current.get(period.fromMs), fresh });
  }
  const outcomes = await forSeveral(
    [...touched.values()],
    (standing) => planPeriod({ root, folder, ...standing }, answer),
  );
  return {
    files: outcomes.flat(),
    unchanged: outcomes.filter((files) => files.length === 0).length,
  };
}

/**
 * The versions of a period that come next. A bar that the answer leaves out goes from a sealed file
 * alone, because that file stays as it is. From an open one it goes when the period is over: the first
 * version still has it, and a second one, which takes its place at once, does not.
 */
async function planPeriod(
  { root, folder, period, file, fresh }: Standing & {
    root: string;
    folder: string;
    period: Period;
  },
  { timeframe, bars, range, nowMs }: Answer,
): Promise<PlannedFile[]> {
  const path = `${root}/${folder}/${file?.name}`;
  const before = file === undefined ? undefined : await Deno.readFile(path);
  const isAsBefore = (bytes: Uint8Array) =>
    before !== undefined && Buffer.compare(before, bytes) === 0;
  const alone = encodeBars(fresh);
  // Most of what is asked again is what stands there, and comparing it costs less than reading it.
  const standing = before === undefined || isAsBefore(alone) ? [] : decodeBars(before, { path });
  const merge = (truth: Pick<MergeRules, "truth"> = {}) =>
    mergeBars(standing, fresh, { shortestMs: shortestMs(timeframe), ...truth });
  const planned = ({ bars, removed }: Merged, version: Version): PlannedFile => {
    const bytes = bars === fresh ? alone : encodeBars(bars);
    return plannedFile(bars, { folder, period, bytes, removed, ...version });
  };
  const changed = (plan: PlannedFile) => isAsBefore(plan.bytes) ? [] : [plan];

  const truth = { firstMs: bars[0]?.utcMs ?? Infinity, lastMs: bars.at(-1)?.utcMs ?? -Infinity };
  if (file?.sealed) {
    return changed(planned(merge({ truth }), { part: file.part + 1, sealed: true }));
  }
  const all = merge(), last = all.bars.at(-1);
  if (last === undefined) return [];
  const isOver = range.toMs >= period.toMs && nowMs >= lastCloseMs(timeframe, last, period.toMs);
  if (!isOver) return changed(planned(all, { part: 0, sealed: false }));
  const shown = merge({ truth }), removed = shown.removed - all.removed;
  const first = planned(all, { part: 0, sealed: true });
  return removed === 0
    ? [first]
    : [first, planned({ ...shown, removed }, { part: 1, sealed: true })];
}

interface Version {
  readonly part: number;
  readonly sealed: boolean;
}

function plannedFile(
  bars: readonly Bar[],
  { folder, period, part, sealed, bytes, removed }: Version & {
    folder: string;
    period: Period;
    bytes: Uint8Array<ArrayBuffer>;
    removed: number;
  },
): PlannedFile {
  const name = barFileName(period, { part, sealed });
  const supersedes = part === 0
    ? null
    : `${folder}/${barFileName(period, { part: part - 1, sealed: true })}`;
  const entry = barFileOf(bars, { path: `${folder}/${name}`, bytes, supersedes, removed });
  return { name, sealed, bytes, entry };
}

/** An answer's bars by their period, oldest first. */
function* split(
  bars: readonly Bar[],
  timeframe: Timeframe,
): Generator<{ period: Period; fresh: readonly Bar[] }> {
  let from = 0;
  while (from < bars.length) {
    const period = periodOf(timeframe, bars[from]?.utcMs ?? NaN);
    let to = from + 1;
    while ((bars[to]?.utcMs ?? Infinity) < period.toMs) to++;
    yield { period, fresh: bars.slice(from, to) };
    from = to;
  }
}
