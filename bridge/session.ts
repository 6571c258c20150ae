import type { SessionStatus } from "../lib/bridge/feed.ts";
import type { Source } from "./source.ts";

/**
 * One login at a vendor, or a source that needs none. It connects, and connects again, by itself
 * until it is disposed; what goes wrong shows in its status and in its source's calls, and never
 * stops another session.
 */
export interface Session extends AsyncDisposable {
  readonly status: SessionStatus;
  /**
   * Undefined until it was connected once; from then on the same object, whose name, kind and clock
   * stay and whose calls reject while the session is not connected.
   */
  readonly source: Source | undefined;
  /** Resolves once the first attempt to connect is over, however it ended. */
  readonly attempted: Promise<void>;
  /** Calls after each change of the status, for as long as the session lives. */
  onStatus(listener: (status: SessionStatus) => void): void;
}
