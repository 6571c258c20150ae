import { dataDir, dataKind, failPoint } from "../../../lib/program/shared_settings.ts";

/** What `backup` and `restore` read of the environment; everything else is on their command lines. */
export const backupSettings = { dataDir, dataKind, failPoint };
