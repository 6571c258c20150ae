import { byPeriod, listBarFiles } from "../../../lib/capture/bars/bar_path.ts";
import { listDayFiles } from "../../../lib/capture/day_path.ts";
import { parquetPath } from "../../../lib/capture/parquet/parquet_path.ts";
import { type BarProofs, proofOfTicks } from "../../../lib/capture/parquet/proof.ts";
import { readKeyValues } from "../../../lib/capture/parquet/table_file.ts";
import { parseTimeframe } from "../../../lib/market/timeframe.ts";

/**
 * The sealed CSV files of a data folder that have, or should have, a copy: all of ticks, of bars the
 * newest version of each period. Relative paths, sorted. What has an open file beside it is being
 * sealed, or about to be sealed again: it is left for later.
 * @param folders of which symbols, as `symbolFolder` names them; all when absent.
 */
export async function* sealedFiles(
  dataDir: string,
  folders?: ReadonlySet<string>,
): AsyncGenerator<string> {
  const isWanted = (symbol: string) => folders === undefined || folders.has(symbol);
  for await (const folder of foldersBelow(dataDir, "ticks", 2)) {
    if (!isWanted(nameOf(folder))) continue;
    const files = await listDayFiles(`${dataDir}/${folder}`);
    const openDays = new Set(files.filter(({ sealed }) => !sealed).map(({ day }) => day));
    for (const { name, day, sealed } of files) {
      if (sealed && !openDays.has(day)) yield `${folder}/${name}`;
    }
  }
  for await (const folder of foldersBelow(dataDir, "ohlcv", 3)) {
    const timeframe = parseTimeframe(nameOf(folder));
    if (timeframe === undefined || !isWanted(folder.split("/").at(-2) ?? "")) continue;
    const periods = byPeriod(await listBarFiles(`${dataDir}/${folder}`, timeframe));
    for (const versions of periods.values()) {
      const newest = versions.at(-1);
      if (newest !== undefined && versions.every(({ sealed }) => sealed)) {
        yield `${folder}/${newest.name}`;
      }
    }
  }
}

/** Whether a sealed file has a copy that names its hash. @throws Error when no record names the file. */
export async function isCopied(
  dataDir: string,
  relativeCsvPath: string,
  proofs: BarProofs,
): Promise<boolean> {
  const { csvSha256 } = relativeCsvPath.startsWith("ticks/")
    ? await proofOfTicks(dataDir, relativeCsvPath)
    : await proofs.of(relativeCsvPath);
  try {
    const said = await readKeyValues(`${dataDir}/${parquetPath(relativeCsvPath)}`);
    return said.get("arbitrex.csv_sha256") === csvSha256;
  } catch (cause) {
    // A copy that cannot be read is no copy: it is made again.
    if (cause instanceof Deno.errors.NotFound || cause instanceof SyntaxError) return false;
    throw cause;
  }
}

async function* foldersBelow(
  dataDir: string,
  folder: string,
  levels: number,
): AsyncGenerator<string> {
  if (levels === 0) return yield folder;
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(`${dataDir}/${folder}`)) {
      if (entry.isDirectory) names.push(entry.name);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  for (const name of names.sort()) yield* foldersBelow(dataDir, `${folder}/${name}`, levels - 1);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
