import { z } from "zod";
import { sha256Of } from "../chain.ts";
import { syncFolder, writeDurably } from "../durable_file.ts";
import { parseJson } from "../parse_json.ts";
import { readIfThere } from "../source_registry.ts";
import { waitForLock } from "../wait_for_lock.ts";
import { type BarFile, barFileSchema } from "./bar_file.ts";

/**
 * `unrecorded.json` in the folder of a series: the files that are about to get their names, until a
 * cycle record names them. A program that ends in between leaves it, so that the next one records them.
 */
const FILE = "unrecorded.json";

/** Under it the files of a series change. */
export const SERIES_LOCK = "bars";

const schema = z.array(barFileSchema);

/** Those of the noted files that are there as noted. The folder's lock is held. */
export async function readUnrecorded(dataDir: string, folder: string): Promise<BarFile[]> {
  const found: BarFile[] = [];
  for (const file of await readNote(`${dataDir}/${folder}/${FILE}`)) {
    if (await isThere(dataDir, file)) found.push(file);
  }
  return found;
}

/** Durable when it resolves. The folder's lock is held. */
export async function noteUnrecorded(
  dataDir: string,
  folder: string,
  files: readonly BarFile[],
): Promise<void> {
  await writeDurably(`${dataDir}/${folder}/${FILE}`, `${JSON.stringify(files)}\n`);
  await syncFolder(`${dataDir}/${folder}`);
}

/**
 * Has `record` name files, under the locks of their series, and forgets them then. It gets those that
 * are there as they were written: an open file may have been replaced since, and who did that names it.
 */
export async function recordFiles<Recorded>(
  dataDir: string,
  files: readonly BarFile[],
  record: (there: BarFile[]) => Promise<Recorded>,
): Promise<Recorded> {
  const byFolder = Map.groupBy(files, ({ path }) => path.slice(0, path.lastIndexOf("/")));
  using locks = new DisposableStack();
  for (const folder of [...byFolder.keys()].sort()) {
    locks.use(await waitForLock(`${dataDir}/${folder}`, SERIES_LOCK));
  }
  const there: BarFile[] = [];
  for (const file of files) {
    if (!file.path.endsWith(".open") || await isThere(dataDir, file)) there.push(file);
  }
  const recorded = await record(there);
  for (const [folder, named] of byFolder) await forget(`${dataDir}/${folder}/${FILE}`, named);
  return recorded;
}

async function forget(path: string, files: readonly BarFile[]): Promise<void> {
  const noted = await readNote(path);
  const known = new Set(files.map(({ path, sha256 }) => `${sha256} ${path}`));
  const rest = noted.filter(({ path, sha256 }) => !known.has(`${sha256} ${path}`));
  if (rest.length > 0) await writeDurably(path, `${JSON.stringify(rest)}\n`);
  else if (noted.length > 0) await Deno.remove(path);
}

async function readNote(path: string): Promise<BarFile[]> {
  const text = await readIfThere(path);
  if (text === undefined) return [];
  return parseJson(text, { path, as: "a list of bar files", schema });
}

async function isThere(dataDir: string, { path, bytes, sha256 }: BarFile): Promise<boolean> {
  try {
    const { size } = await Deno.stat(`${dataDir}/${path}`);
    return size === bytes && sha256Of(await Deno.readFile(`${dataDir}/${path}`)) === sha256;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}
