import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { armFailPoint } from "../../../lib/program/fail_point.ts";
import { environment, readSettings, settingNames } from "../../../lib/program/settings.ts";
import { dataDirOf } from "../../../lib/program/shared_settings.ts";
import { backUp } from "./back_up.ts";
import { ProgressLine, runCommand, sizeText, UnusableArguments } from "../command.ts";
import { backupSettings } from "./config.ts";

/** `deno task backup`: a consistent copy of a data folder, also while programs write it. */

const HELP = `deno task backup --to FOLDER [--data-dir FOLDER] [--prune]
  --to        where the backup is or is to be; a second one into it copies only what is new
  --data-dir  the data folder (default: DATA_DIR, or the folder of DATA_KIND)
  --prune     forget sealed files that the data folder no longer has
Exit codes: 0 done, 1 it failed, 2 unusable arguments.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      to: { type: "string" },
      "data-dir": { type: "string" },
      prune: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const settings = readSettings(backupSettings, environment(settingNames(backupSettings)));
  armFailPoint(settings.failPoint);
  const dataDir = values["data-dir"] ?? dataDirOf(settings), { to, prune } = values;
  if (to === undefined) throw new UnusableArguments(`Cannot back up without --to\n${HELP}`);
  await refuseNested(dataDir, to);
  using line = new ProgressLine();
  const { note, freedBytes } = await backUp({
    dataDir,
    to,
    prune,
    onProgress: ({ copiedFiles, copiedBytes }) =>
      line.show(() => `${copiedFiles} files copied, ${sizeText(copiedBytes)}`),
  });
  line[Symbol.dispose]();
  for (const warning of note.warnings) console.error(warning);
  console.log(
    `${to}: ${note.file_count} files of ${dataDir}, ${sizeText(note.total_bytes)}; copied now: ` +
      `${note.copied_files} files, ${sizeText(note.copied_bytes)}; freed: ${sizeText(freedBytes)}`,
  );
  if (!note.files.some(({ path }) => path === "log/ticks.sqlite")) {
    console.log(
      "No tick log is in it: one in Redis is backed up with Redis' own means (see README.md).",
    );
  }
  return 0;
}

/** A copy of a copy of itself would never end. */
async function refuseNested(dataDir: string, to: string): Promise<void> {
  const info = await Deno.stat(dataDir).catch(() => undefined);
  if (!info?.isDirectory) {
    throw new UnusableArguments(`Cannot back up ${dataDir}: it is no folder`);
  }
  const source = await Deno.realPath(dataDir), target = resolve(to);
  const isWithin = (inner: string, outer: string) =>
    `${inner}/`.replaceAll("\\", "/").startsWith(`${outer}/`.replaceAll("\\", "/"));
  if (isWithin(target, source) || isWithin(source, target)) {
    throw new UnusableArguments(`Cannot back up ${source} to ${target}: one is inside the other`);
  }
}

if (import.meta.main) await runCommand(main);
