import type { Market } from "../market/universe.ts";
import { failPoint } from "../program/fail_point.ts";
import { chainManifest, finishChain } from "./chain.ts";
import { cycleId, type Day, listDayFiles, openName, sealedName, ticksFolder } from "./day_path.ts";
import { type DayScan, scanDayFile } from "./day_scan.ts";
import { syncFolder } from "./durable_file.ts";
import { type DayFacts, type Manifest, manifestOf, readManifest } from "./manifest.ts";

export interface SealedDay {
  readonly symbol: string;
  readonly market: Market;
  readonly day: Day;
}

/**
 * Publishes an open day file, which nobody may append to any more, under its final name with a
 * manifest. Every step may be done again: a program that ended in between calls this once more.
 * @throws Error when the file is not whole rows from end to end; it then stays as it is.
 */
export async function sealDay(
  dataDir: string,
  { symbol, market, day }: SealedDay,
  facts: Omit<DayFacts, "origin" | "previous">,
): Promise<Manifest> {
  const folder = `${dataDir}/${ticksFolder(symbol, market)}`;
  const openPath = `${folder}/${openName(day)}`;
  await syncToDisk(openPath);
  const scan = await scanDayFile(openPath, day, { ranges: facts.gaps });
  if (scan.damage !== undefined || scan.rows === 0) {
    throw new Error(
      `Cannot seal ${openPath} as a whole day: current value is ${scan.damage ?? "no rows"}`,
    );
  }
  const chain = { symbol, timeframe: "TICK" };
  // What a program had chained before it ended counts like what is published.
  await finishChain(dataDir, chain);
  const part = await publishedPart(dataDir, { symbol, market, day }) ??
    await linkToFinalName(dataDir, { symbol, market, day }, scan);
  failPoint("seal.manifest.before");
  const manifest = await chainedManifest(dataDir, { symbol, day, part }, scan) ??
    await chainManifest(
      dataDir,
      chain,
      (previous) => manifestOf({ symbol, market, day, part }, scan, { ...facts, previous }),
    );
  failPoint("seal.manifest.after");
  failPoint("seal.folder.before");
  await syncFolder(folder);
  failPoint("seal.folder.after");
  failPoint("seal.unlink.before");
  await Deno.remove(openPath);
  failPoint("seal.unlink.after");
  return manifest;
}

/**
 * The part under which an open file is published already, because a program ended while it sealed:
 * nothing may be appended to it any more. `undefined` when it is not. What was added from a vendor's
 * history is no part of it, also where it is the same.
 */
export async function publishedPart(
  dataDir: string,
  { symbol, market, day }: SealedDay,
): Promise<number | undefined> {
  const folder = `${dataDir}/${ticksFolder(symbol, market)}`;
  for (const file of await listDayFiles(folder)) {
    if (!file.sealed || file.day !== day || !await sameContent(folder, day, file.part)) continue;
    const manifest = await readManifest(dataDir, cycleId(symbol, { day, part: file.part }));
    if ((manifest?.origin ?? "capture") === "capture") return file.part;
  }
  return undefined;
}

async function syncToDisk(openPath: string): Promise<void> {
  failPoint("seal.sync.before");
  // Readers of the published file may be other users, whatever the umask of this one.
  if (Deno.build.os !== "windows") await Deno.chmod(openPath, 0o644);
  using file = await Deno.open(openPath, { read: true, write: true });
  await file.sync();
  failPoint("seal.sync.after");
}

/**
 * A link fails where a file is, so that a published one is never replaced; the next part is free. A
 * part whose file is elsewhere, and its manifest here, is taken as well.
 */
async function linkToFinalName(
  dataDir: string,
  { symbol, market, day }: SealedDay,
  { sha256 }: DayScan,
): Promise<number> {
  failPoint("seal.link.before");
  const folder = `${dataDir}/${ticksFolder(symbol, market)}`;
  for (let part = 0;; part++) {
    const manifest = await readManifest(dataDir, cycleId(symbol, { day, part }));
    const isTaken = manifest !== undefined &&
      (manifest.origin !== "capture" || manifest.sha256 !== sha256);
    if (isTaken) continue;
    try {
      await Deno.link(`${folder}/${openName(day)}`, `${folder}/${sealedName(day, part)}`);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
      continue;
    }
    failPoint("seal.link.after");
    return part;
  }
}

/**
 * What a program wrote that ended while it sealed. It stays, also where more is known by now: the
 * manifest after it may hold its hash.
 */
async function chainedManifest(
  dataDir: string,
  { symbol, day, part }: { symbol: string; day: Day; part: number },
  { sha256 }: DayScan,
): Promise<Manifest | undefined> {
  const manifest = await readManifest(dataDir, cycleId(symbol, { day, part }));
  return manifest?.previous !== undefined && manifest.sha256 === sha256 ? manifest : undefined;
}

/** Whether the open file and a sealed part are one; `undefined` when there is no such part. */
async function sameContent(folder: string, day: Day, part: number): Promise<boolean | undefined> {
  const openPath = `${folder}/${openName(day)}`, sealedPath = `${folder}/${sealedName(day, part)}`;
  const open = await Deno.stat(openPath);
  let sealed: Deno.FileInfo;
  try {
    sealed = await Deno.stat(sealedPath);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
  if (open.ino !== null && open.ino === sealed.ino && open.dev === sealed.dev) return true;
  if (open.size !== sealed.size) return false;
  const [openScan, sealedScan] = await Promise.all([
    scanDayFile(openPath, day),
    scanDayFile(sealedPath, day),
  ]);
  return openScan.damage === undefined && sealedScan.damage === undefined &&
    openScan.sha256 === sealedScan.sha256;
}
