import { SettingsError } from "../lib/program/settings.ts";

/** The PEM texts of the two files; undefined when none is set. @throws SettingsError when one is. */
export async function tlsFiles(
  { tlsCert, tlsKey }: { tlsCert: string | undefined; tlsKey: string | undefined },
): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new SettingsError(
      "Cannot speak TLS with one file: set BRIDGE_TLS_CERT and BRIDGE_TLS_KEY",
    );
  }
  return {
    cert: await readPem("BRIDGE_TLS_CERT", tlsCert),
    key: await readPem("BRIDGE_TLS_KEY", tlsKey),
  };
}

async function readPem(setting: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new SettingsError(`Cannot read ${setting} as a PEM file: current value is ${path}`, {
      cause,
    });
  }
}
