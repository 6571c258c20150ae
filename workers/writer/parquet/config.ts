import { flag, type Setting } from "../../../lib/program/settings.ts";
import { dataDir, dataKind, failPoint } from "../../../lib/program/shared_settings.ts";

export const parquet: Setting<boolean> = {
  name: "PARQUET",
  schema: flag,
  fallback: "0",
  about:
    "Make a Parquet copy of each sealed file, in the background; it costs some processor time; days of ticks take a tenth of the space, the many small files of bars three times theirs.",
};

/** What `deno task parquet` reads. */
export const parquetSettings = { dataDir, dataKind, failPoint };
