import { type Closed, untilText } from "./hours.ts";
import type { ConnectionState } from "./stream.ts";

/** Live ticks come many a second; without one for this long a person should know. */
const QUIET_AFTER_MS = 15_000;

export interface ConnectionSigns {
  readonly table: ConnectionState;
  readonly chart: ConnectionState | undefined;
  /** What the gateway last said of the feed; empty when it said nothing. */
  readonly feed: string;
  /** `performance.now()` of the newest live tick; 0 before the first. */
  readonly newestMs: number;
  /** Set while every market is closed. */
  readonly closed: Closed | undefined;
}

export interface ConnectionText {
  readonly state: "live" | "closed" | "connecting" | "reconnecting" | "stale" | "down" | "refused";
  /** Announced to screen readers, so it changes only when the state does. */
  readonly text: string;
  /** What moves: shown beside the text, never announced. */
  readonly detail: string;
}

/** What the header says: the worst of what is known, in the order of how much it explains. */
export function describeConnection(signs: ConnectionSigns): ConnectionText {
  for (const connection of [signs.table, signs.chart]) {
    switch (connection?.phase) {
      case "refused":
        return { state: "refused", text: `Refused: ${connection.reason}`, detail: "" };
      case "waiting": {
        const seconds = Math.max(0, Math.ceil((connection.untilMs - performance.now()) / 1000));
        return { state: "reconnecting", text: "Reconnecting", detail: `in ${seconds} s` };
      }
      case "connecting":
        return { state: "connecting", text: "Connecting", detail: "" };
      case "stale":
        return { state: "stale", text: "Stale: the gateway does not answer", detail: "" };
    }
  }
  if (signs.feed === "down") return { state: "down", text: "Feed down", detail: "" };
  if (signs.feed === "ended") return { state: "down", text: "Feed ended", detail: "" };
  if (signs.closed !== undefined) {
    return { state: "closed", text: "Market closed", detail: untilText(signs.closed) };
  }
  const quietMs = performance.now() - signs.newestMs;
  if (signs.newestMs > 0 && quietMs > QUIET_AFTER_MS) {
    return { state: "stale", text: "No ticks", detail: `for ${Math.floor(quietMs / 1000)} s` };
  }
  if (signs.newestMs === 0) {
    return { state: "live", text: "Connected", detail: "waiting for ticks" };
  }
  return { state: "live", text: "Live", detail: "" };
}
