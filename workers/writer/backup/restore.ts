import { parseArgs } from "node:util";
import { armFailPoint } from "../../../lib/program/fail_point.ts";
import { environment, readSettings, settingNames } from "../../../lib/program/settings.ts";
import { ProgressLine, runCommand, sizeText, UnusableArguments } from "../command.ts";
import { backupSettings } from "./config.ts";
import { readBegun } from "./note.ts";
import { restore } from "./restoring.ts";

/** `deno task restore`: a data folder out of a backup, every byte of it verified. */

const HELP = `deno task restore --from FOLDER --to FOLDER
  --from  a folder that deno task backup has written
  --to    the data folder to be made: it does not exist, or is empty
Exit codes: 0 done, 1 it failed, 2 unusable arguments.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      from: { type: "string" },
      to: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { from, to } = values;
  if (from === undefined || to === undefined) {
    throw new UnusableArguments(`Cannot restore without --from and --to\n${HELP}`);
  }
  const { failPoint } = readSettings(backupSettings, environment(settingNames(backupSettings)));
  armFailPoint(failPoint);
  using line = new ProgressLine();
  const onProgress = (files: number) => line.show(() => `${files} files restored`);
  const note = await restore({ from, to, onProgress });
  line[Symbol.dispose]();
  const begun = await readBegun(from);
  if (begun !== undefined) {
    console.error(
      `A later backup began at ${begun.began_at_utc} and is incomplete: this is the one before it.`,
    );
  }
  for (const warning of note.warnings) console.error(warning);
  console.log(
    `${to}: ${note.file_count} files, ${sizeText(note.total_bytes)}, as ${note.from} was at ` +
      `${note.completed_at_utc}.\nTo read all of it again: deno task verify ${to}`,
  );
  if (!note.files.some(({ path }) => path === "log/ticks.sqlite")) {
    console.log("It has no tick log: see workers/writer/backup/README.md before programs start.");
  }
  return 0;
}

if (import.meta.main) await runCommand(main);
