import { type Day, startOfDayMs } from "./day_path.ts";
import type { Gap } from "./manifest.ts";

/** Holes that were noticed, one JSON line each, kept until the day they lie in is sealed and after. */
const GAPS_PATH = "metadata/gaps.jsonl";

export interface Hole {
  /** Empty means all. */
  readonly symbols: readonly string[];
  /** UTC ms; the hole is `[fromMs, toMs)`. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** Several writers may note one hole; `gapsOf` tells it once. */
export async function recordHole(dataDir: string, hole: Hole): Promise<void> {
  const line = new TextEncoder().encode(`${JSON.stringify(hole)}\n`);
  using file = await Deno.open(`${dataDir}/${GAPS_PATH}`, { create: true, append: true });
  // One write of a short line is not mixed with another program's.
  await file.write(line);
  await file.syncData();
}

/** The holes of a symbol's day, cut to the day, in order. */
export async function gapsOf(dataDir: string, symbol: string, day: Day): Promise<Gap[]> {
  const fromMs = startOfDayMs(day), toMs = startOfDayMs(day + 1);
  const gaps = new Map<string, Gap>();
  for (const hole of await readHoles(dataDir)) {
    if (hole.symbols.length > 0 && !hole.symbols.includes(symbol)) continue;
    if (hole.fromMs >= toMs || hole.toMs <= fromMs) continue;
    const from_utc = new Date(Math.max(hole.fromMs, fromMs)).toISOString();
    const to_utc = new Date(Math.min(hole.toMs, toMs)).toISOString();
    gaps.set(`${from_utc} ${to_utc}`, { from_utc, to_utc, reason: hole.reason });
  }
  return [...gaps.entries()].sort(([a], [b]) => a < b ? -1 : 1).map(([, gap]) => gap);
}

async function readHoles(dataDir: string): Promise<Hole[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${dataDir}/${GAPS_PATH}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
  // The last line may be torn by a kill: it is then as if the hole had not been noticed.
  return text.split("\n").flatMap((line) => parseHole(line));
}

function parseHole(line: string): Hole[] {
  try {
    const { symbols, fromMs, toMs, reason } = JSON.parse(line) as Partial<Hole>;
    if (!Array.isArray(symbols) || typeof fromMs !== "number" || typeof toMs !== "number") {
      return [];
    }
    return [{ symbols, fromMs, toMs, reason: String(reason) }];
  } catch {
    return [];
  }
}
