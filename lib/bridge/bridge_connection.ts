import type {
  BarRequest,
  ServerZone,
  SourceAccount,
  SourceBar,
  SourceEvent,
  SourceKind,
  SourceSymbol,
  TickRequest,
} from "./feed.ts";

/**
 * One connection to a bridge. When it breaks, every open call rejects with a `BridgeError`, and so
 * does every later one: connect again. Its calls share one socket, and a stream that nobody pulls
 * stops the reading of it, answers included: pull while you wait, or ask over a second connection.
 */
export interface BridgeConnection extends AsyncDisposable {
  readonly source: {
    readonly name: string;
    readonly kind: SourceKind;
    readonly clock: ServerZone | "learned";
  };
  symbols(): Promise<SourceSymbol[]>;
  account(): Promise<SourceAccount>;
  /**
   * The source's stream: see `Source.stream`. One at a time; leaving the loop stops it. At most about
   * a megabyte waits here and as much at the bridge; then the source waits. Ticks share the bytes of
   * the receive buffer (their slot 0 may be written): copy what is kept for long. Ends after `ended`
   * or when the signal aborts; throws a `BridgeError` when the source or the connection fails.
   */
  stream(requests: readonly TickRequest[], signal: AbortSignal): AsyncIterable<SourceEvent>;
  /** Finished bars with `from <= open < to`, oldest first. */
  bars(request: BarRequest): Promise<SourceBar[]>;
  /** Says goodbye and closes. */
  [Symbol.asyncDispose](): Promise<void>;
}
