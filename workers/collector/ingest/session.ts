import { BridgeError, type BridgeErrorCode } from "../../../lib/bridge/bridge_error.ts";
import { type BridgeConnection, connectBridge } from "../../../lib/bridge/client.ts";
import type { BarRequest, SourceBar } from "../../../lib/bridge/feed.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { BackOff, pause } from "../../../lib/program/pause.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { BridgeOptions } from "./sources.ts";

export interface SessionOptions {
  readonly bridge: BridgeOptions;
  /** `vendor:server`, for messages. */
  readonly source: string;
  /** The session to take, or `*:` and a source for any of it. */
  readonly lease: string;
  readonly rateLimit: RateLimit;
  /** For how long it tries to connect again, ms. */
  readonly reconnectMs: number;
  /** Hears when the connection broke, and when it is there again. */
  readonly onProblem: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The session did not come back in time; its work is for others. */
export class SessionLost extends Error {
  override readonly name = "SessionLost";
}

/** Codes after which the connection is still good, or which a new connection would meet again. */
const OF_THE_REQUEST: readonly BridgeErrorCode[] = [
  ...["unknown_symbol", "stream_open", "source_failed", "request_timeout"] as const,
];
const RECONNECT_MIN_MS = 100, RECONNECT_MAX_MS = 5000;

/** One connection to the bridge at a time, within a rate: what one worker of a run asks over. */
export class IngestSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  #connection: BridgeConnection | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * One call of the vendor, connected first when it is not.
   * @throws BridgeError of the vendor, or `closed` and the like when the connection broke during the
   * call: the next call connects again. @throws SessionLost when it cannot connect in time.
   * @throws AbortError when the signal comes first.
   */
  async bars(request: BarRequest): Promise<SourceBar[]> {
    const { signal, rateLimit } = this.#options;
    signal.throwIfAborted();
    const connection = await this.#connected();
    await rateLimit.turn(connection.session, signal);
    signal.throwIfAborted();
    try {
      return await connection.bars(request);
    } catch (cause) {
      signal.throwIfAborted();
      // A session whose vendor went away is left for another, or waited for.
      if (isOfConnection(cause) || !isUp(connection)) await this.#drop();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drop();
  }

  async #connected(): Promise<BridgeConnection> {
    const { bridge, source, lease, reconnectMs, signal, onProblem } = this.#options;
    const backOff = new BackOff({ minMs: RECONNECT_MIN_MS, maxMs: RECONNECT_MAX_MS });
    const untilMs = performance.now() + reconnectMs;
    let failure: unknown;
    while (this.#connection === undefined) {
      signal.throwIfAborted();
      try {
        this.#connection = await connectBridge({ ...bridge, session: lease, signal });
      } catch (cause) {
        signal.throwIfAborted();
        // The sessions of this run are the ones that fill it; the others do the work.
        if (cause instanceof BridgeError && cause.code === "too_many_connections") {
          throw new SessionLost(`Cannot open another session of ${source}`, { cause });
        }
        if (failure === undefined) onProblem(`Cannot reach ${source}: ${messageOf(cause)}`);
        failure = cause;
        if (performance.now() > untilMs) {
          const reason = `it did not come back within ${reconnectMs} ms`;
          throw new SessionLost(`Cannot ask ${source} any more: ${reason}`, { cause });
        }
        await pause(backOff.next(), signal);
      }
    }
    if (failure !== undefined) onProblem(`${source} is there again`);
    return this.#connection;
  }

  async #drop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }
}

function isUp({ session, sessions }: BridgeConnection): boolean {
  return sessions.every(({ name, state }) => name !== session || state === "connected");
}

/** Whether another connection is needed before anything else can be asked. */
function isOfConnection(cause: unknown): boolean {
  return cause instanceof BridgeError && !OF_THE_REQUEST.includes(cause.code);
}
