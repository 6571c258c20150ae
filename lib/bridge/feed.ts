import type { Ticks } from "../market/tick.ts";

/** What a source says and is asked: the words shared by the bridge, its socket and the collector. */

export type SourceKind = "raw" | "replay" | "simulated";

/** Server time is the wall clock of `zone`, moved by `shiftMs`, written as if it were UTC. */
export interface ServerZone {
  /** An IANA name; `UTC` for a source that tells UTC. */
  readonly zone: string;
  readonly shiftMs: number;
}

export interface SourceSymbol {
  /** The name on the stream. */
  readonly symbol: string;
  /** The vendor's name; the third part of the feed name. */
  readonly rawName: string;
  readonly digits: number;
}

/** A symbol as the vendor describes it. */
export interface SymbolSpec extends SourceSymbol {
  /** The vendor's fields by the vendor's names, as they were; no secrets are among them. */
  readonly fields: Fields;
}

type Fields = Readonly<Record<string, string | number | boolean | null>>;

export interface SourceAccount {
  readonly id: string;
  readonly server: string;
  readonly currency: string;
  /** The account and the terminal as the vendor describes them now; nobody's name, login or path. */
  readonly fields?: Fields | undefined;
  readonly terminal?: Fields | undefined;
}

export interface TickRequest {
  readonly symbol: string;
  /** Ms on the server's clock, inclusive; `"now"` starts at the source's present. */
  readonly fromServerMs: number | "now";
}

export type SourceEvent =
  | { readonly type: "ticks"; readonly symbol: string; readonly ticks: Ticks }
  /**
   * The source's present, and how far everything of every requested symbol has been delivered: all
   * ticks stamped before the watermark (the vendor may still send late ones afterwards). At least once a second while the feed is up, silent
   * while it is down: a quiet market has a watermark, a dead feed has none.
   */
  | { readonly type: "clock"; readonly nowServerMs: number; readonly watermarkServerMs: number }
  /**
   * The same from a source whose clock is learned, told by UTC of the machine that reads the vendor:
   * at `nowUtcMs` everything was delivered that the vendor had at `watermarkUtcMs`. `newestServerMs`
   * is the newest stamp among the live ticks since the last such event, when it went beyond all earlier
   * ones or fell behind them by 15 minutes and more (a clock that was set back); null otherwise. Only
   * such a stamp says what the server's clock shows.
   */
  | {
    readonly type: "present";
    readonly nowUtcMs: number;
    readonly watermarkUtcMs: number;
    readonly newestServerMs: number | null;
  }
  /** History is delivered; what follows is the present. Once, before the first live tick. */
  | { readonly type: "live" }
  /** The vendor's own connection went away or came back, at `nowServerMs` on the source's clock. */
  | { readonly type: "feed"; readonly state: "down" | "up"; readonly nowServerMs: number }
  /** The same from a source whose clock is learned, in UTC. */
  | { readonly type: "feed"; readonly state: "down" | "up"; readonly nowUtcMs: number }
  /** Nothing will ever follow (a recording that is over). */
  | { readonly type: "ended" };

export interface BarRequest {
  readonly symbol: string;
  /** Label from `lib/market/timeframe.ts`. */
  readonly timeframe: string;
  /** Ms on the server's clock. */
  readonly fromServerMs: number;
  readonly toServerMs: number;
}

export interface SourceBar {
  readonly openServerMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly tickVolume: number;
}

/**
 * `connecting` (not yet, or again), `connected` (and verified), `waiting` (the vendor is closed or
 * under maintenance, as announced: no failure), `failed` (a person must act; it is tried again all
 * the same).
 */
export type SessionState = "connecting" | "connected" | "waiting" | "failed";

/** One login at a vendor, and how it stands. */
export interface SessionStatus {
  /** What the settings call it. */
  readonly name: string;
  readonly vendor: string;
  readonly state: SessionState;
  /** For a person, what to do included; empty while connected. Never a secret. */
  readonly reason: string;
  readonly sinceUtcMs: number;
}
