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
  return { cert: await Deno.readTextFile(tlsCert), key: await Deno.readTextFile(tlsKey) };
}
