import { TICK_BYTES, Ticks } from "../../market/tick.ts";
import { dayName, dayOf, ticksFolder } from "../day_path.ts";
import type { Manifest } from "../manifest.ts";
import { waitForLock } from "../wait_for_lock.ts";
import { compareTicks } from "./compare_ticks.ts";
import { type Part, partsOfDay, type SymbolDay } from "./day_parts.ts";
import { DayRefused } from "./day_refused.ts";
import { FreeIds } from "./free_ids.ts";
import { readHeld } from "./held_ticks.ts";
import { finishParts, type NewPart, nextPart, publishPart, writePart } from "./publish_part.ts";
import { type CaptureLog, dayRefusal } from "./refusal.ts";

export interface AddTicks extends SymbolDay {
  /** Stamped with UTC, of that UTC day, in any order; what the files hold already may be among them. */
  readonly ticks: Ticks;
  readonly origin: NewPart["origin"];
  /** `vendor:server:raw name`: a day's files are of one feed. */
  readonly feed: string;
  /** The source's present, UTC ms. */
  readonly nowMs: number;
  /** Where capture is; absent where there is none. */
  readonly log?: CaptureLog | undefined;
  /** Counts, and writes nothing. */
  readonly dryRun?: boolean;
}

export interface Added {
  readonly added: number;
  /** Ticks that the files held before, of the time that the given ones span. */
  readonly held: number;
  /** The part's path, relative to the data folder; absent when nothing was missing. */
  readonly file?: string;
  readonly manifest?: Manifest;
}

/**
 * Writes those of the ticks that no file of the symbol holds, as multisets of server ms and payload,
 * to the next free part of their day, sorted by time. What was published stays as it is, and a kill
 * at any step, or two programs at once, neither lose nor repeat a tick: the next call ends what one
 * before had begun. Whether any ticks are missing is judged under the lock of the symbol's folder.
 * @throws DayRefused when the day may not be touched; RangeError for a tick of another day.
 */
export async function addTicks(dataDir: string, options: AddTicks): Promise<Added> {
  const { symbol, market, day, ticks, feed, nowMs, log, dryRun = false } = options;
  const of = { symbol, market, day };
  refuseOtherDays(ticks, of);
  if (ticks.count === 0) return { added: 0, held: 0 };
  const folder = `${dataDir}/${ticksFolder(symbol, market)}`;
  // Of a dry run the lock alone would make the folder.
  using _lock = dryRun ? undefined : await waitForLock(folder, "additions");
  if (!dryRun) await finishParts(dataDir, { of, feed });
  const parts = await partsOfDay(dataDir, of);
  await refuseDay(of, { parts, feed, nowMs, log });

  const { missing, held } = await missingOf(dataDir, of, ticks);
  const added = missing.count;
  if (added === 0 || dryRun) return { added, held };
  const part = { of, feed, origin: options.origin, part: await nextPart(dataDir, of) };
  const ids = await FreeIds.of(dataDir, { of, parts, ticks: missing });
  await writePart(dataDir, part, { ticks: missing, ids });
  const manifest = await publishPart(dataDir, part);
  const file = manifest.files[0]?.path;
  return { added, held, manifest, ...(file === undefined ? {} : { file }) };
}

/**
 * The same judgement without a tick in hand, before a vendor is asked for them.
 * @throws DayRefused when the day may not be touched now.
 */
export async function checkDay(
  dataDir: string,
  { symbol, market, day, ...rest }: Pick<AddTicks, keyof SymbolDay | "feed" | "nowMs" | "log">,
): Promise<void> {
  const of = { symbol, market, day };
  await refuseDay(of, { ...rest, parts: await partsOfDay(dataDir, of) });
}

async function refuseDay(
  of: SymbolDay,
  { parts, feed, nowMs, log }: Pick<AddTicks, "feed" | "nowMs" | "log"> & { parts: Part[] },
): Promise<void> {
  const refusal = await dayRefusal(of, { parts, nowMs, log }) ?? otherFeed(parts, feed);
  if (refusal !== undefined) throw new DayRefused(`Cannot add ticks to a day: ${refusal}`);
}

/** Why the files are of another feed; a day without a file that tells one is of none yet. */
function otherFeed(
  parts: readonly Part[],
  feed: string,
): string | undefined {
  const other = parts.find(({ manifest }) => manifest?.feed && manifest.feed !== feed)?.manifest;
  return other && `its files are of the feed ${other.feed}, and the ticks of ${feed}`;
}

function refuseOtherDays(ticks: Ticks, { symbol, day }: SymbolDay): void {
  for (let index = 0; index < ticks.count; index++) {
    if (dayOf(ticks.utcMs(index)) === day) continue;
    throw new RangeError(
      `Cannot add a tick of ${symbol} to ${dayName(day)}: current time is ${ticks.utcMs(index)}`,
    );
  }
}

async function missingOf(
  dataDir: string,
  of: SymbolDay,
  ticks: Ticks,
): Promise<{ missing: Ticks; held: number }> {
  let fromServerMs = Infinity, toServerMs = -Infinity;
  for (let index = 0; index < ticks.count; index++) {
    fromServerMs = Math.min(fromServerMs, ticks.serverMs(index));
    toServerMs = Math.max(toServerMs, ticks.serverMs(index) + 1);
  }
  const held = await readHeld(dataDir, of, { fromServerMs, toServerMs });
  const { missing, rewritten } = await compareTicks(ticks, held.rows.ticks);
  const indices = Uint32Array.from([...missing, ...rewritten.map(([vendor]) => vendor)]);
  indices.sort((a, b) => ticks.utcMs(a) - ticks.utcMs(b) || a - b);
  return { missing: takeAt(ticks, indices), held: held.rows.count };
}

/** A copy of those ticks; what lies side by side is copied at once. */
function takeAt(ticks: Ticks, indices: Uint32Array): Ticks {
  const taken = Ticks.ofLength(indices.length);
  for (let at = 0; at < indices.length;) {
    const from = indices[at] ?? 0;
    let count = 1;
    while (indices[at + count] === from + count) count++;
    taken.bytes.set(ticks.slice(from, from + count).bytes, at * TICK_BYTES);
    at += count;
  }
  return taken;
}
