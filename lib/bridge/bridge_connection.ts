import type {
  BarRequest,
  ServerZone,
  SessionStatus,
  SourceAccount,
  SourceBar,
  SourceEvent,
  SourceKind,
  SourceSymbol,
  SymbolSpec,
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
  /** The session this connection was given; constant. */
  readonly session: string;
  /** How all sessions of the bridge stand, as it said last. Kept when the connection breaks. */
  readonly sessions: readonly SessionStatus[];
  /**
   * Calls with each new list until the returned function is called or the connection ends. A stream
   * that nobody pulls holds the news up too.
   */
  onSessions(listener: (sessions: readonly SessionStatus[]) => void): () => void;
  symbols(): Promise<SourceSymbol[]>;
  /** All that the vendor offers, described; may take seconds. */
  specs(): Promise<SymbolSpec[]>;
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
