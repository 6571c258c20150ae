import { z } from "zod";
import { type Day, startOfDayMs } from "./day_path.ts";

/** Holes that were noticed, one JSON line each; kept for good, because a day may be sealed late. */
const GAPS_PATH = "metadata/gaps.jsonl";

const holeSchema = z.object({
  symbols: z.array(z.string()),
  fromMs: z.number(),
  toMs: z.number().nullable(),
  reason: z.string(),
});

export interface Hole {
  /** Empty means all. */
  readonly symbols: readonly string[];
  /** UTC ms; the hole is `[fromMs, toMs)`. */
  readonly fromMs: number;
  /** `null` while it lasts; a later note with the same `fromMs` and reason says when it ended. */
  readonly toMs: number | null;
  readonly reason: string;
}

/** A hole as one day sees it. */
export interface DayHole {
  /** UTC ms; `[fromMs, toMs)`, within the day. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/**
 * Resolves when the note is on the disk. Several programs may note one hole; `gapsOf` tells it once.
 */
export async function recordHole(dataDir: string, hole: Hole): Promise<void> {
  // The newline in front parts it from a line that a kill has torn.
  const line = new TextEncoder().encode(`\n${JSON.stringify(hole)}\n`);
  const path = `${dataDir}/${GAPS_PATH}`;
  using file = await Deno.open(path, { create: true, append: true });
  // One write of a short line is not mixed with another program's.
  const written = await file.write(line);
  if (written < line.length) {
    throw new Error(`Cannot note a hole in ${path}: current line ends after ${written} bytes`);
  }
  await file.syncData();
}

/** The holes of a symbol's day, cut to the day, in order; what overlaps for one reason is one hole. */
export async function gapsOf(dataDir: string, symbol: string, day: Day): Promise<DayHole[]> {
  const dayFromMs = startOfDayMs(day), dayToMs = startOfDayMs(day + 1);
  const holes = (await readHoles(dataDir))
    .filter(({ symbols }) => symbols.length === 0 || symbols.includes(symbol))
    .map(({ fromMs, toMs, reason }) => ({
      fromMs: Math.max(fromMs, dayFromMs),
      toMs: Math.min(toMs ?? Infinity, dayToMs),
      reason,
    }))
    .filter(({ fromMs, toMs }) => fromMs < toMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  const merged: DayHole[] = [];
  for (const hole of holes) {
    const at = merged.findIndex(({ reason, toMs }) =>
      reason === hole.reason && toMs >= hole.fromMs
    );
    const before = merged[at];
    if (before === undefined) merged.push(hole);
    else merged[at] = { ...before, toMs: Math.max(before.toMs, hole.toMs) };
  }
  return merged;
}

/** Holes for this reason that nobody said the end of, oldest first. */
export async function openHoles(dataDir: string, forReason: string): Promise<Hole[]> {
  return (await readHoles(dataDir))
    .filter(({ toMs, reason }) => toMs === null && reason === forReason)
    .sort((a, b) => a.fromMs - b.fromMs);
}

/** Without the notes of a beginning whose end was noted too. */
async function readHoles(dataDir: string): Promise<Hole[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${dataDir}/${GAPS_PATH}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
  const holes = text.split("\n").flatMap((line) => parseHole(line));
  const ended = new Set(holes.filter(({ toMs }) => toMs !== null).map(beginningOf));
  return holes.filter((hole) => hole.toMs !== null || !ended.has(beginningOf(hole)));
}

function beginningOf({ symbols, fromMs, reason }: Hole): string {
  return JSON.stringify([symbols, fromMs, reason]);
}

/** A line that a kill has torn is as if the hole had not been noticed. */
function parseHole(line: string): Hole[] {
  try {
    return [holeSchema.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
