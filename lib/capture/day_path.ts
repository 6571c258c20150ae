import type { Market } from "../market/universe.ts";
import { symbolFolder } from "../market/symbol.ts";

/** Names and places of tick files: one a symbol and UTC day, under `ticks/<market>/<symbol>/`. */

export const DAY_MS = 86_400_000;

/** Days since 1970 in UTC. */
export type Day = number;

export function dayOf(utcMs: number): Day {
  return Math.floor(utcMs / DAY_MS);
}

export function startOfDayMs(day: Day): number {
  return day * DAY_MS;
}

/** `2025-12-22`. */
export function dayName(day: Day): string {
  return new Date(startOfDayMs(day)).toISOString().slice(0, 10);
}

/**
 * The folder of a symbol's tick files, relative to the data folder, with `/` on every system. Its
 * market is what `symbol_market.ts` says.
 */
export function ticksFolder(symbol: string, market: Market): string {
  return `ticks/${market}/${symbolFolder(symbol)}`;
}

export function openName(day: Day): string {
  return `${dayName(day)}.csv.open`;
}

/** Part 0 is the day itself; a later part holds what was added after the day had been sealed. */
export function sealedName(day: Day, part: number): string {
  return part === 0 ? `${dayName(day)}.csv` : `${dayName(day)}__${part}.csv`;
}

/** The name of a sealed day's metadata, the same each time, so that a redo writes the same file. */
export function cycleId(symbol: string, { day, part }: { day: Day; part: number }): string {
  const suffix = part === 0 ? "" : `__${part}`;
  return `${dayName(day)}T000000Z_${symbolFolder(symbol)}_TICK${suffix}`;
}

export function manifestPath(cycle: string): string {
  return `metadata/ingestion_logs/${cycle}.json`;
}

export interface DayFileName {
  readonly name: string;
  readonly day: Day;
  readonly part: number;
  readonly sealed: boolean;
}

/** `undefined` for every other file: locks, notes, what a person put there. */
export function parseDayFileName(name: string): DayFileName | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:__(\d{1,6}))?\.csv(\.open)?$/.exec(name);
  const dayMs = Date.parse(`${match?.[1]}T00:00:00Z`);
  if (match === null || Number.isNaN(dayMs)) return undefined;
  const sealed = match[3] === undefined, part = Number(match[2] ?? 0);
  if (!sealed && part > 0) return undefined;
  return { name, day: dayOf(dayMs), part, sealed };
}

/** The tick files of a folder, oldest first; none when there is no folder. */
export async function listDayFiles(folder: string): Promise<DayFileName[]> {
  const found: DayFileName[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const name = entry.isFile ? parseDayFileName(entry.name) : undefined;
      if (name !== undefined) found.push(name);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return found.sort((a, b) =>
    a.day - b.day || Number(b.sealed) - Number(a.sealed) || a.part - b.part
  );
}
