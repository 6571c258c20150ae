import type { ConnectOptions } from "./client.ts";

/** Where a bridge is, and by whose word it is believed. */
export type BridgeAddress = Pick<ConnectOptions, "host" | "port" | "token" | "tls">;

/** As the settings of who connects say. */
export interface BridgeSettings {
  readonly bridgeHost: string;
  readonly bridgePort: number;
  readonly bridgeToken: string | undefined;
  /** A PEM file; setting it turns TLS on. */
  readonly bridgeCa: string | undefined;
}

/** @throws TypeError for a PEM file that cannot be read. */
export async function bridgeAddress(settings: BridgeSettings): Promise<BridgeAddress> {
  const { bridgeHost: host, bridgePort: port, bridgeToken: token, bridgeCa } = settings;
  if (bridgeCa === undefined) return { host, port, token, tls: undefined };
  try {
    return { host, port, token, tls: { caCerts: [await Deno.readTextFile(bridgeCa)] } };
  } catch (cause) {
    throw new TypeError(`Cannot read BRIDGE_CA_FILE as a PEM file: current value is ${bridgeCa}`, {
      cause,
    });
  }
}
