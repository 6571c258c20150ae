import { parseEnv } from "node:util";
import type { SettingTexts } from "../../../lib/program/settings.ts";

/** The variables of a `.env` file. @throws TypeError when it cannot be read; its content stays out. */
export async function readEnvFile(path: string): Promise<SettingTexts> {
  try {
    return { ...parseEnv(await Deno.readTextFile(path)) };
  } catch (cause) {
    throw new TypeError(`Cannot read --env as a file of settings: current value is ${path}`, {
      cause,
    });
  }
}
