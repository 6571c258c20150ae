import { type Day, dayName } from "../../../lib/capture/day_path.ts";
import { readManifest } from "../../../lib/capture/manifest.ts";

/** The symbols that have a sealed file of the day, by its manifests; none where there is no folder. */
export async function symbolsOfDay(dataDir: string, day: Day): Promise<string[]> {
  const begins = `${dayName(day)}T000000Z_`, symbols = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(`${dataDir}/metadata/ingestion_logs`)) {
      if (!name.startsWith(begins) || !/_TICK(__\d+)?\.json$/.test(name)) continue;
      const manifest = await readManifest(dataDir, name.slice(0, -".json".length));
      if (manifest !== undefined) symbols.add(manifest.symbol);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return [...symbols].sort();
}
