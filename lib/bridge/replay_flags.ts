import { SettingsError } from "../program/settings.ts";

/** What `--help` prints. */
export const REPLAY_HELP = `Replays recorded ticks and bars instead of a live feed.

  --replay FILE…      ticks: our day files (.csv .csv.open .csv.gz), MetaTrader 5 exports, LEAN quote
                      zips, Dukascopy .bi5 hours, other CSV with --mapping; bars, for whoever asks:
                      our bar files, MetaTrader 5 copy_rates CSV, LEAN minute, hour and daily zips
  --speed 1|60|max    recorded seconds a second (1); max: as fast as they are taken
  --loop              begin again at the end, with times that go on
  --rebase now        move all times so that the first tick is now
  --once              end when everything is delivered
  --symbol NAME       the symbol of all files; by default each file's name tells
  --mapping FILE      JSON that says which columns mean what
  --zone ZONE         clock of files that do not tell theirs, e.g. America/New_York+7h
  --help              this text
`;

/** Flags with one value: the setting each becomes. */
const VALUED: Readonly<Record<string, string>> = {
  "--speed": "REPLAY_SPEED",
  "--rebase": "REPLAY_REBASE",
  "--symbol": "REPLAY_SYMBOL",
  "--mapping": "REPLAY_MAPPING",
  "--zone": "REPLAY_ZONE",
};
const SWITCHES: Readonly<Record<string, string>> = {
  "--loop": "REPLAY_LOOP",
  "--once": "REPLAY_ONCE",
};

export function wantsHelp(args: readonly string[]): boolean {
  return args.includes("--help") || args.includes("-h");
}

/**
 * Command line flags as the settings they stand for; none without flags. Values are checked where
 * settings are read.
 * @throws SettingsError that names a flag that is unknown, lacks its value, or needs another.
 */
export function settingsFromFlags(args: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {};
  const files: string[] = [];
  for (let at = 0; at < args.length;) {
    const [flag = "", inline] = split(args[at++] ?? "");
    const follows = () => at < args.length && !args[at]?.startsWith("--");
    const valued = VALUED[flag], switched = SWITCHES[flag];
    if (flag === "--replay") {
      if (inline !== undefined) files.push(inline);
      while (follows()) files.push(args[at++] ?? "");
      if (files.length === 0) throw wrong("--replay needs at least one file");
    } else if (valued !== undefined) {
      const value = inline ?? (follows() ? args[at++] : undefined);
      if (value === undefined || value === "") throw wrong(`${flag} needs a value`);
      settings[valued] = value;
    } else if (switched !== undefined && inline === undefined) {
      settings[switched] = "1";
    } else {
      throw wrong(`it knows no ${JSON.stringify(args[at - 1])}`);
    }
  }
  if (args.length === 0) return settings;
  if (files.length === 0) throw wrong("the flags say how to replay, and --replay FILE… is missing");
  return {
    ...settings,
    SOURCE: "replay",
    DATA_KIND: "replay",
    REPLAY_FILES: JSON.stringify(files),
  };
}

function split(arg: string): [string, string | undefined] {
  const at = arg.startsWith("--") ? arg.indexOf("=") : -1;
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function wrong(reason: string): SettingsError {
  return new SettingsError(`Cannot read the command line: ${reason}; see --help`);
}
