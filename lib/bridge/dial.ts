import { BridgeError } from "./bridge_error.ts";

/** Where a bridge listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** `caCerts`: PEM texts that are trusted besides the system's. Without it the socket is plain. */
  readonly tls?: { readonly caCerts?: readonly string[] } | undefined;
}

/** @throws BridgeError `unreachable`; of TLS only what shows before the first bytes. */
export async function dial(
  { host: hostname, port, tls }: Address,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  try {
    const plain = await Deno.connect({ hostname, port, signal });
    if (tls === undefined) return plain;
    return await Deno.startTls(plain, { hostname, caCerts: [...tls.caCerts ?? []] });
  } catch (cause) {
    throw new BridgeError("unreachable", `Cannot reach the bridge at ${hostname}:${port}`, {
      cause,
    });
  }
}
