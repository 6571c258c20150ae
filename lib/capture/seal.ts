import type { Market } from "../market/universe.ts";
import { failPoint } from "../program/fail_point.ts";
import { type Day, manifestPath, openName, sealedName, ticksFolder } from "./day_path.ts";
import { scanDayFile } from "./day_scan.ts";
import { syncFolder, writeDurably } from "./durable_file.ts";
import { type DayFacts, type Manifest, manifestOf } from "./manifest.ts";

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
  facts: DayFacts,
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
  const part = await linkToFinalName(folder, day);
  const manifest = manifestOf({ symbol, market, day, part }, scan, facts);
  await writeManifest(dataDir, manifest);
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
 * nothing may be appended to it any more. `undefined` when it is not.
 */
export async function publishedPart(folder: string, day: Day): Promise<number | undefined> {
  for (let part = 0;; part++) {
    const same = await sameContent(folder, day, part);
    if (same === undefined) return undefined;
    if (same) return part;
  }
}

async function syncToDisk(openPath: string): Promise<void> {
  failPoint("seal.sync.before");
  // Readers of the published file may be other users, whatever the umask of this one.
  if (Deno.build.os !== "windows") await Deno.chmod(openPath, 0o644);
  using file = await Deno.open(openPath, { read: true, write: true });
  await file.sync();
  failPoint("seal.sync.after");
}

/** A link fails where a file is, so that a published one is never replaced; the next part is free. */
async function linkToFinalName(folder: string, day: Day): Promise<number> {
  failPoint("seal.link.before");
  for (let part = 0;; part++) {
    try {
      await Deno.link(`${folder}/${openName(day)}`, `${folder}/${sealedName(day, part)}`);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
      if (await sameContent(folder, day, part) !== true) continue;
    }
    failPoint("seal.link.after");
    return part;
  }
}

async function writeManifest(dataDir: string, manifest: Manifest): Promise<void> {
  failPoint("seal.manifest.before");
  const path = `${dataDir}/${manifestPath(manifest.cycle_id)}`;
  const metadataFolder = path.slice(0, path.lastIndexOf("/"));
  await Deno.mkdir(metadataFolder, { recursive: true });
  await writeDurably(path, `${JSON.stringify(manifest, null, 2)}\n`);
  await syncFolder(metadataFolder);
  failPoint("seal.manifest.after");
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
