import { Buffer } from "node:buffer";
import type { Bar } from "../../market/bar.ts";
import type { Timeframe } from "../../market/timeframe.ts";
import { type BarFile, barFileOf } from "./bar_file.ts";
import { mergeBars, type Merged } from "./bar_merge.ts";
import { type BarFileName, barFileName, type Period, periodOf } from "./bar_path.ts";
import { decodeBars, encodeBars } from "./bar_row.ts";
import { lastCloseMs } from "./bar_rules.ts";
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
  readonly files: readonly PlannedFile[];
  readonly unchanged: number;
  readonly removed: number;
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
    files: outcomes.flatMap(({ file }) => file ?? []),
    unchanged: outcomes.filter(({ file }) => file === undefined).length,
    removed: outcomes.reduce((sum, { removed }) => sum + removed, 0),
  };
}

async function planPeriod(
  { root, folder, period, file, fresh }: Standing & {
    root: string;
    folder: string;
    period: Period;
  },
  { timeframe, bars, range, nowMs }: Answer,
): Promise<{ file?: PlannedFile; removed: number }> {
  const path = `${folder}/${file?.name}`;
  const before = file === undefined ? undefined : await Deno.readFile(`${root}/${path}`);
  const merged = mergeWith(before, fresh, { path: `${root}/${path}`, answer: bars });
  const { bytes, isSame } = merged, last = merged.bars.at(-1);
  if (last === undefined) return { removed: 0 };
  const isOver = range.toMs >= period.toMs && nowMs >= lastCloseMs(timeframe, last, period.toMs);
  const wasSealed = file?.sealed === true, sealed = wasSealed || isOver;
  if (isSame && sealed === wasSealed) return { removed: 0 };
  const name = barFileName(period, { part: wasSealed ? file.part + 1 : 0, sealed });
  const entry = barFileOf(merged.bars, {
    path: `${folder}/${name}`,
    bytes,
    supersedes: wasSealed ? path : null,
  });
  return { file: { name, sealed, bytes, entry }, removed: merged.removed };
}

function mergeWith(
  before: Uint8Array | undefined,
  fresh: readonly Bar[],
  { path, answer }: { path: string; answer: readonly Bar[] },
): Merged & { readonly bytes: Uint8Array<ArrayBuffer>; readonly isSame: boolean } {
  const isSame = (bytes: Uint8Array) => before !== undefined && Buffer.compare(before, bytes) === 0;
  const alone = encodeBars(fresh);
  // Most of what is asked again is what stands there, and comparing it costs less than reading it.
  if (before === undefined || isSame(alone)) {
    return { bars: fresh, removed: 0, bytes: alone, isSame: isSame(alone) };
  }
  const merged = mergeBars(decodeBars(before, { path }), fresh, {
    firstMs: answer[0]?.utcMs ?? Infinity,
    lastMs: answer.at(-1)?.utcMs ?? -Infinity,
  });
  const bytes = encodeBars(merged.bars);
  return { ...merged, bytes, isSame: isSame(bytes) };
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
