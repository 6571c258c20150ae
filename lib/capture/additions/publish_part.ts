import type { Ticks } from "../../market/tick.ts";
import { failPoint } from "../../program/fail_point.ts";
import { chainManifest, finishChain } from "../chain.ts";
import { cycleId, dayName, sealedName, ticksFolder } from "../day_path.ts";
import { scanDayFile } from "../day_scan.ts";
import { namingFile, syncFolder, writeWhole } from "../durable_file.ts";
import { type Manifest, manifestOf, type Origin, readManifest } from "../manifest.ts";
import { TICK_HEADER_BYTES } from "../tick_row.ts";
import { TickRowEncoder } from "../tick_row_encoder.ts";
import type { SymbolDay } from "./day_parts.ts";
import type { FreeIds } from "./free_ids.ts";

export interface NewPart {
  readonly of: SymbolDay;
  readonly part: number;
  readonly origin: Exclude<Origin, "capture">;
  /** `vendor:server:raw name`. */
  readonly feed: string;
}

/** Rows that are handed to the disk at once. */
const ROWS_PER_WRITE = 10_000;

/** The first number that neither a file nor a manifest of the day has. */
export async function nextPart(dataDir: string, of: SymbolDay): Promise<number> {
  for (let part = 0;; part++) {
    if (await readManifest(dataDir, cycleId(of.symbol, { day: of.day, part })) !== undefined) {
      continue;
    }
    if (!await isThere(finalPath(dataDir, { of, part }))) return part;
  }
}

/** Writes stamped ticks, in the order of their time, to a file beside its place, on the disk. */
export async function writePart(
  dataDir: string,
  part: NewPart,
  rows: { ticks: Ticks; ids: FreeIds },
): Promise<void> {
  const path = temporaryPath(dataDir, part);
  const options = { create: true, write: true, truncate: true, mode: 0o644 };
  using file = await Deno.open(path, options);
  failPoint("additions.write.before");
  await namingFile(path, () => writeRows(file, rows));
  // Its name must last longer than the manifest that tells of it, and the folder may be new.
  const folder = folderOf(dataDir, part.of);
  for (const path of [folder, `${folder}/..`, `${folder}/../..`]) await syncFolder(path);
  failPoint("additions.write.after");
}

async function writeRows(
  file: Deno.FsFile,
  { ticks, ids }: { ticks: Ticks; ids: FreeIds },
): Promise<void> {
  const encoder = new TickRowEncoder();
  await writeWhole(file, TICK_HEADER_BYTES);
  for (let from = 0, rows = 0; from < ticks.count;) {
    const ms = ticks.utcMs(from);
    let to = from + 1;
    while (to < ticks.count && ticks.utcMs(to) === ms) to++;
    const firstId = ids.take(ms, to - from);
    encoder.encode(ticks.slice(from, to), { from: 0, firstId, endMs: Infinity });
    rows += to - from;
    from = to;
    if (rows < ROWS_PER_WRITE && from < ticks.count) continue;
    await writeWhole(file, encoder.bytes);
    failPoint("additions.write.half");
    encoder.clear();
    rows = 0;
  }
  await file.sync();
}

/**
 * Publishes what `writePart` has written, the manifest first: a part that capture did not write is
 * never without one, so that nobody takes it for a captured one. May be done again after a kill.
 */
export async function publishPart(dataDir: string, part: NewPart): Promise<Manifest> {
  const { of, origin, feed } = part;
  const temporary = temporaryPath(dataDir, part), final = finalPath(dataDir, part);
  const scan = await scanDayFile(temporary, of.day);
  failPoint("additions.manifest.before");
  const manifest = await chainManifest(
    dataDir,
    { symbol: of.symbol, timeframe: "TICK" },
    (previous) => {
      const facts = { feed, origin, watermarkMs: 0, gaps: [], previous };
      return manifestOf({ ...of, part: part.part }, scan, facts);
    },
  );
  failPoint("additions.manifest.after");
  try {
    await Deno.link(temporary, final);
  } catch (cause) {
    // A program that was killed after this step has done it.
    const isDone = cause instanceof Deno.errors.AlreadyExists &&
      (await scanDayFile(final, of.day)).sha256 === scan.sha256;
    if (!isDone) throw cause;
  }
  failPoint("additions.link.after");
  await syncFolder(folderOf(dataDir, of));
  await Deno.remove(temporary);
  failPoint("additions.remove.after");
  return manifest;
}

/**
 * Finishes what a program did that was killed. A file that was whole on the disk may have its
 * manifest already, or a place in the chain, so it is published; any other is taken away.
 */
export async function finishParts(
  dataDir: string,
  { of, feed }: { of: SymbolDay; feed: string },
): Promise<void> {
  const folder = folderOf(dataDir, of);
  await finishChain(dataDir, { symbol: of.symbol, timeframe: "TICK" });
  for await (const { name } of Deno.readDir(folder)) {
    const [, day, number, origin] = LEFT_BEHIND.exec(name) ?? [];
    if (day !== dayName(of.day) || (origin !== "history" && origin !== "audit")) continue;
    const part: NewPart = { of, part: Number(number ?? 0), origin, feed };
    const scan = await scanDayFile(`${folder}/${name}`, of.day);
    if (scan.damage === undefined && scan.rows > 0) await publishPart(dataDir, part);
    else await Deno.remove(`${folder}/${name}`);
  }
}

/** What `temporaryPath` names. */
export const LEFT_BEHIND = /^(\d{4}-\d{2}-\d{2})(?:__(\d+))?\.csv\.(history|audit)\.tmp$/;

function temporaryPath(dataDir: string, part: NewPart): string {
  return `${finalPath(dataDir, part)}.${part.origin}.tmp`;
}

function finalPath(dataDir: string, { of, part }: Pick<NewPart, "of" | "part">): string {
  return `${folderOf(dataDir, of)}/${sealedName(of.day, part)}`;
}

function folderOf(dataDir: string, { symbol, market }: SymbolDay): string {
  return `${dataDir}/${ticksFolder(symbol, market)}`;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}
