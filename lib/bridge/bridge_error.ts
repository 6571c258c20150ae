import type { SessionStatus } from "./feed.ts";

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
  | "unknown_session"
  | "session_down"
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
  /** How the bridge's sessions stand; empty unless the code is about sessions. */
  readonly sessions: readonly SessionStatus[];

  constructor(
    code: BridgeErrorCode,
    message: string,
    options?: { cause?: unknown; sessions?: readonly SessionStatus[] | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.sessions = options?.sessions ?? [];
  }
}
