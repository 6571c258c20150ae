import { flag, type Setting } from "../../../lib/program/settings.ts";
import { dataDir, dataKind, failPoint } from "../../../lib/program/shared_settings.ts";

export const parquet: Setting<boolean> = {
  name: "PARQUET",
  schema: flag,
  fallback: "0",
  about:
    "Make a Parquet copy of each sealed file, in the background; it costs some processor time and a tenth of the space.",
};

/** What `deno task parquet` reads. */
export const parquetSettings = { dataDir, dataKind, failPoint };
