import type { Settings } from "../../../lib/program/settings.ts";
import type { vendorSettings } from "./config.ts";
import type { BridgeAddress } from "./vendors.ts";

/** Where the bridge is, and by whose word it is believed. @throws TypeError for a missing PEM file. */
export async function bridgeAddress(
  { bridgeHost: host, bridgePort: port, bridgeToken: token, bridgeCa }: Settings<
    typeof vendorSettings
  >,
): Promise<BridgeAddress> {
  if (bridgeCa === undefined) return { host, port, token, tls: undefined };
  try {
    return { host, port, token, tls: { caCerts: [await Deno.readTextFile(bridgeCa)] } };
  } catch (cause) {
    throw new TypeError(`Cannot read BRIDGE_CA_FILE as a PEM file: current value is ${bridgeCa}`, {
      cause,
    });
  }
}
