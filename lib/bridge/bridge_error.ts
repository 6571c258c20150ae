/** What ends a connection or a request. The texts are part of the protocol: see README.md. */
export type BridgeErrorCode =
  // These end the connection.
  | "unknown_frame"
  | "oversized_frame"
  | "half_frame"
  | "bad_message"
  | "version_mismatch"
  | "unauthenticated"
  | "wrong_token"
  | "handshake_timeout"
  | "too_many_connections"
  | "too_many_requests"
  | "idle_peer"
  | "closed"
  | "unreachable"
  // These end one request or one stream; the connection stays.
  | "unknown_symbol"
  | "stream_open"
  | "source_failed"
  | "request_timeout";

/** A bridge connection or request that failed; `code` says why. */
export class BridgeError extends Error {
  override readonly name = "BridgeError";
  readonly code: BridgeErrorCode;

  constructor(code: BridgeErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
