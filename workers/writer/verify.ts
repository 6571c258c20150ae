import { formatId } from "../../lib/market/tick_id.ts";
import { dayName, listDayFiles } from "../../lib/capture/day_path.ts";
import { type DayScan, scanDayFile } from "../../lib/capture/day_scan.ts";
import { type Manifest, readManifest } from "../../lib/capture/manifest.ts";
import { messageOf } from "../../lib/program/errors.ts";

/** One difference between the files and their manifests. */
export interface Difference {
  /** Relative to the data folder. */
  readonly path: string;
  readonly what: string;
}

export interface Verification {
  readonly files: number;
  readonly rows: number;
  readonly differences: readonly Difference[];
}

/** Reads every sealed tick file of a data folder again and compares it with its manifest. */
export async function verify(dataDir: string): Promise<Verification> {
  const manifests = new Map<string, Manifest>();
  const differences: Difference[] = [];
  for await (const cycle of tickCycles(dataDir)) {
    try {
      const manifest = await readManifest(dataDir, cycle);
      for (const { path } of manifest?.files ?? []) if (manifest) manifests.set(path, manifest);
    } catch (cause) {
      differences.push({ path: `metadata/ingestion_logs/${cycle}.json`, what: messageOf(cause) });
    }
  }
  let files = 0, rows = 0;
  for await (const { path, day } of sealedFiles(dataDir)) {
    const scan = await scanDayFile(`${dataDir}/${path}`, day);
    files++;
    rows += scan.rows;
    const manifest = manifests.get(path);
    manifests.delete(path);
    for (const what of compare(scan, manifest)) differences.push({ path, what });
    if (manifest !== undefined && !manifest.cycle_id.startsWith(dayName(day))) {
      differences.push({ path, what: `the manifest ${manifest.cycle_id} is of another day` });
    }
  }
  for (const path of manifests.keys()) differences.push({ path, what: "the file is missing" });
  return { files, rows, differences };
}

/** Prints what `verify` found as a table; the exit code is 1 when there is any difference. */
export async function printVerification(dataDir: string): Promise<number> {
  const { files, rows, differences } = await verify(dataDir);
  const width = Math.max(4, ...differences.map(({ path }) => path.length));
  if (differences.length > 0) console.log(`${"file".padEnd(width)}  difference`);
  for (const { path, what } of differences) console.log(`${path.padEnd(width)}  ${what}`);
  console.log(
    `${files} sealed files, ${rows} rows, ${differences.length} differences in ${dataDir}`,
  );
  return differences.length === 0 ? 0 : 1;
}

function compare(scan: DayScan, manifest: Manifest | undefined): string[] {
  const found: string[] = [];
  if (scan.damage !== undefined) found.push(`after byte ${scan.goodBytes}: ${scan.damage}`);
  const file = manifest?.files[0];
  if (file === undefined) return [...found, "the manifest is missing"];
  const differ = (name: string, actual: string | number, expected: string | number) => {
    if (actual !== expected) found.push(`${name} ${actual}, in the manifest ${expected}`);
  };
  differ("bytes", scan.fileBytes, file.bytes);
  // The sum covers the good bytes; where they are not the whole file, the damage is named above.
  if (scan.damage === undefined) differ("sha256", scan.sha256, file.sha256);
  differ("rows", scan.rows, file.rows);
  differ("first id", formatId(scan.firstId), file.first_id);
  differ("last id", formatId(scan.lastId), file.last_id);
  return found;
}

async function* tickCycles(dataDir: string): AsyncGenerator<string> {
  for await (const name of namesIn(`${dataDir}/metadata/ingestion_logs`)) {
    if (/_TICK(__\d+)?\.json$/.test(name)) yield name.slice(0, -".json".length);
  }
}

async function* sealedFiles(dataDir: string): AsyncGenerator<{ path: string; day: number }> {
  for await (const market of namesIn(`${dataDir}/ticks`)) {
    for await (const symbol of namesIn(`${dataDir}/ticks/${market}`)) {
      const folder = `ticks/${market}/${symbol}`;
      for (const { name, day, sealed } of await listDayFiles(`${dataDir}/${folder}`)) {
        if (sealed) yield { path: `${folder}/${name}`, day };
      }
    }
  }
}

/** Sorted, so that two runs print the same; nothing where there is no folder. */
async function* namesIn(folder: string): AsyncGenerator<string> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) names.push(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  yield* names.sort();
}
