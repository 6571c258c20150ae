import type { BarFile } from "../../../lib/capture/bars/bar_cycle.ts";
import type { IngestEvents } from "./events.ts";
import type { TickDay } from "./ticks/ingest_ticks.ts";

/** `--parquet`: copies of what was sealed. A failure is told and stops nothing: the CSV is whole. */

type Copying = Pick<IngestEvents, "noCopy">;

// The library is large, and is not loaded for runs that do not want it.
const copying = () => import("../../../lib/capture/parquet/copy.ts");

/** An open file gets its copy when it is sealed. */
export async function barCopies(
  dataDir: string,
  events: Copying,
): Promise<(files: readonly BarFile[]) => Promise<void>> {
  const { copyBarFile } = await copying();
  return async (files) => {
    for (const { path } of files) {
      if (!path.endsWith(".csv")) continue;
      await copyBarFile(dataDir, path).catch((cause) => events.noCopy(path, cause));
    }
  };
}

export async function tickCopies(
  dataDir: string,
  events: Copying,
): Promise<(day: TickDay) => Promise<void>> {
  const { copyTickFile } = await copying();
  return async ({ file }) => {
    if (file === undefined) return;
    await copyTickFile(dataDir, file).catch((cause) => events.noCopy(file, cause));
  };
}
