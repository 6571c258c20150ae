import { symbolFolder } from "../../market/symbol.ts";
import type { FilePeriod, Timeframe, TimeframeLabel } from "../../market/timeframe.ts";
import type { Market } from "../../market/universe.ts";

/** A stretch of UTC time whose bars, by their opens, share a file. */
export interface Period {
  /** `2025-12-22`, `2025-12` or `2025`. */
  readonly name: string;
  /** UTC ms, `[fromMs, toMs)`. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** How much of `2025-12-22` names a period. */
const NAME_LENGTH: Readonly<Record<FilePeriod, number>> = { day: 10, month: 7, year: 4 };

/** The folder of a series, relative to the data folder, with `/` on every system. */
export function barsFolder(symbol: string, market: Market, timeframe: TimeframeLabel): string {
  return `ohlcv/${market}/${symbolFolder(symbol)}/${timeframe}`;
}

/** The period that a moment of UTC lies in. */
export function periodOf({ filePeriod }: Timeframe, utcMs: number): Period {
  const date = new Date(utcMs);
  const year = date.getUTCFullYear();
  const month = filePeriod === "year" ? 0 : date.getUTCMonth();
  const day = filePeriod === "day" ? date.getUTCDate() : 1;
  const fromMs = Date.UTC(year, month, day);
  const toMs = filePeriod === "day"
    ? Date.UTC(year, month, day + 1)
    : filePeriod === "month"
    ? Date.UTC(year, month + 1, 1)
    : Date.UTC(year + 1, 0, 1);
  const name = new Date(fromMs).toISOString().slice(0, NAME_LENGTH[filePeriod]);
  return { name, fromMs, toMs };
}

/** Part 0 is the first sealed version of a period; each later one takes the place of the one before. */
export function barFileName(
  { name }: Period,
  { part, sealed }: { part: number; sealed: boolean },
): string {
  if (!sealed) return `${name}.csv.open`;
  return part === 0 ? `${name}.csv` : `${name}__${part}.csv`;
}

export interface BarFileName {
  readonly name: string;
  readonly period: Period;
  readonly part: number;
  readonly sealed: boolean;
}

/** `undefined` for every other file: locks, notes, what a person put there. */
export function parseBarFileName(name: string, timeframe: Timeframe): BarFileName | undefined {
  const match = /^(\d{4}(?:-\d{2}){0,2})(?:__([1-9]\d{0,5}))?\.csv(\.open)?$/.exec(name);
  const fromMs = Date.parse(`${match?.[1]}`);
  if (match === null || Number.isNaN(fromMs)) return undefined;
  const period = periodOf(timeframe, fromMs);
  const sealed = match[3] === undefined, part = Number(match[2] ?? 0);
  if (period.name !== match[1] || (!sealed && part > 0)) return undefined;
  return { name, period, part, sealed };
}

/** The bar files of a folder in the order of `sortBarFiles`; none when there is no folder. */
export async function listBarFiles(folder: string, timeframe: Timeframe): Promise<BarFileName[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) names.push(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return sortBarFiles(names, timeframe);
}

/**
 * Those of the names that are bar files, oldest period first; of one period the version that counts
 * last. An open file beside a sealed one is what a program left that ended while it sealed.
 */
export function sortBarFiles(names: readonly string[], timeframe: Timeframe): BarFileName[] {
  return names.flatMap((name) => parseBarFileName(name, timeframe) ?? []).sort((a, b) =>
    a.period.fromMs - b.period.fromMs || Number(a.sealed) - Number(b.sealed) || a.part - b.part
  );
}

/** The files of each period in the order of `sortBarFiles`, by the period's begin. */
export function byPeriod(files: readonly BarFileName[]): Map<number, BarFileName[]> {
  return Map.groupBy(files, ({ period }) => period.fromMs);
}
