import { bridgeEvents } from "../../bridge/events.ts";
import { serveBridge, type ServeOptions } from "../../bridge/serve.ts";
import { Sessions } from "../../bridge/sessions.ts";
import { SteadySession } from "../../bridge/logins/session_steady.ts";
import type { Source } from "../../bridge/source.ts";
import { telemetryOf } from "../../lib/program/events.ts";

/** A bridge on a free port of loopback; `await using` ends it. */
export interface BridgeServer extends AsyncDisposable {
  readonly port: number;
  /** Settles when the bridge has ended. */
  readonly served: Promise<void>;
}

export async function startBridge(
  source: Source | Sessions,
  options: Partial<ServeOptions> = {},
): Promise<BridgeServer> {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const served = serveBridge({
    sessions: source instanceof Sessions
      ? source
      : new Sessions([new SteadySession(source.name.split(":", 1)[0] ?? source.name, source)]),
    token: undefined,
    hostname: "127.0.0.1",
    port: 0,
    maxConnections: 8,
    handshakeTimeoutMs: 5000,
    heartbeatMs: 1000,
    idleLimitMs: 60_000,
    events: bridgeEvents(telemetryOf("bridge")),
    signal: stop.signal,
    listening: ({ port }) => listening.resolve(port),
    ...options,
  });
  served.catch(listening.reject);
  const port = await listening.promise;
  return {
    port,
    served,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await served;
    },
  };
}
