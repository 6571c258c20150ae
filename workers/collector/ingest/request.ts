import { messageOf } from "../../../lib/program/errors.ts";
import {
  environment,
  readSettings,
  settingNames,
  type Settings,
  settingText,
} from "../../../lib/program/settings.ts";
import { ingestSettings } from "./config.ts";
import { readEnvFile } from "./env_file.ts";
import { type IngestOptions, parseOptions } from "./options.ts";
import { resumeCommand } from "./report/summary.ts";

/** What a run was asked for: by the command line, and by settings. */
export interface IngestRequest {
  readonly options: IngestOptions;
  readonly settings: Settings<typeof ingestSettings>;
  /** The command that goes on where this one was stopped. */
  readonly resume: string;
}

/** @throws TypeError that names every wrong option and setting at once. */
export async function readRequest(args: readonly string[]): Promise<IngestRequest> {
  const problems: string[] = [];
  const options = attempt(() => parseOptions(args), problems);
  // A wrong --env is told beside the other options, and the settings are then those of the environment.
  const env = envOption(args);
  const file = env === undefined ? {} : await readEnvFile(env).catch((cause) => {
    problems.push(messageOf(cause));
    return {};
  });
  const names = settingNames(ingestSettings), outer = environment(names);
  const given = names.filter((name) => settingText(outer, name) !== undefined);
  const texts = { ...file, ...Object.fromEntries(given.map((name) => [name, outer[name]])) };
  const settings = attempt(() => readSettings(ingestSettings, texts), problems);
  if (options === undefined || settings === undefined || problems.length > 0) {
    throw new TypeError(problems.join("\n"));
  }
  return { options, settings, resume: resumeCommand(args) };
}

/** The one option that settings depend on. */
function envOption(args: readonly string[]): string | undefined {
  const at = args.findIndex((word) => word === "--env" || word.startsWith("--env="));
  const word = args[at];
  const path = word === "--env" ? args[at + 1] : word?.slice("--env=".length);
  return path === "" || path?.startsWith("--") ? undefined : path;
}

function attempt<T>(read: () => T, problems: string[]): T | undefined {
  try {
    return read();
  } catch (cause) {
    problems.push(messageOf(cause));
    return undefined;
  }
}
