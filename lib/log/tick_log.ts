import type { TickId } from "../market/tick_id.ts";
import type { Ticks } from "../market/tick.ts";

/**
 * The tick log: the one place every tick passes through, and the only cursor there is.
 *
 * A symbol's ticks form a sequence of strictly increasing ids. The collector alone appends; any
 * number of readers follow. The twins (`tick_log_sqlite.ts`, `tick_log_redis.ts`) pass one contract
 * suite, `tests/contract/tick_log_suite.ts`.
 */

/** What the log knows of a symbol. Never trimmed. */
export interface Checkpoint {
  /** `vendor:server:raw name`, recorded by the first append. */
  readonly feed: string;
  /** The newest tick's id; NO_TICK when only a mark was stored. */
  readonly lastId: TickId;
  /** The greatest server stamp appended, ms on the server's clock; 0 when none. */
  readonly highServerMs: number;
  /** No later id is below this UTC ms: the start of the day that the feed's watermark reached. */
  readonly floorMs: number;
  /** UTC ms up to which the feed has delivered everything; 0 when it never said. */
  readonly watermarkMs: number;
  /** The feed said that nothing follows. A later append clears it, and so does a mark that says no. */
  readonly ended: boolean;
  /** Ids up to here are trimmed; NO_TICK when none are. */
  readonly trimmedId: TickId;
}

/** A checkpoint with the payloads that a re-read of the source must not append again. */
export interface Resume extends Checkpoint {
  /** Every tick whose server stamp is at least `highServerMs - overlapMs`, in log order. */
  readonly recent: Ticks;
}

export interface Append {
  readonly symbol: string;
  readonly feed: string;
  /** The id that the caller believes to be the symbol's newest; NO_TICK for a new symbol. */
  readonly expectedTail: TickId;
  /** At least one; slot 0 of each holds its UTC ms. The log keeps no reference to the bytes. */
  readonly ticks: Ticks;
}

export type AppendResult =
  /** All ticks are stored durably, with ids from `firstId` to `lastId`. */
  | { readonly outcome: "appended"; readonly firstId: TickId; readonly lastId: TickId }
  /** Nothing was stored: the tail is another. `checkpoint` is absent when the log knows nothing. */
  | { readonly outcome: "conflict"; readonly checkpoint?: Checkpoint }
  /** Nothing was stored: the symbol belongs to another feed. */
  | { readonly outcome: "foreign_feed"; readonly feed: string };

/** Consecutive ticks of one symbol. The id of each follows from the one before it (`nextId`). */
export interface Segment {
  readonly symbol: string;
  readonly firstId: TickId;
  readonly lastId: TickId;
  readonly ticks: Ticks;
}

export interface Mark {
  readonly symbol: string;
  readonly feed: string;
  readonly watermarkMs: number;
  readonly ended: boolean;
}

export interface ReadOptions {
  /** At most about this many ticks in all (a segment is never split for it alone). */
  readonly maxTicks?: number;
  /** Wait this long for the first tick; 0 (the default) answers at once. */
  readonly waitMs?: number;
  /** Ends a wait early with what there is, usually nothing; never rejects. */
  readonly signal?: AbortSignal;
}

export interface TrimPolicy {
  /** A tick is past the policy when its id is older than this, in ms before `nowMs`… */
  readonly maxAgeMs: number;
  /** …or when this many newer ones of its symbol exist. */
  readonly maxCount: number;
  readonly nowMs: number;
  /** Only what every one of these readers has committed is trimmed. */
  readonly readers: readonly string[];
}

/**
 * The reading side. Positions are ids: a read returns what lies strictly after them.
 * A call rejects with `LogUnavailable` while the store cannot be reached; it may be tried again.
 */
export interface TickLogReader extends AsyncDisposable {
  /**
   * A random name, constant for the life of the stored sequence; another name means that the log
   * was lost or begun anew, and that ids of the old one mean nothing. `undefined`: no log yet.
   */
  epoch(): Promise<string | undefined>;
  /** A random secret that lives with the epoch; gateways sign resume tokens with it. */
  resumeKey(): Promise<string | undefined>;
  symbols(): Promise<string[]>;
  /** All checkpoints in one call, by symbol. */
  checkpoints(): Promise<Map<string, Checkpoint>>;
  checkpoint(symbol: string): Promise<Checkpoint | undefined>;
  /** What lies after the position of each named symbol; a symbol without ticks is left out. */
  read(after: ReadonlyMap<string, TickId>, options?: ReadOptions): Promise<Segment[]>;
  /** The newest `count` ticks of a symbol, oldest first; fewer when there are fewer. */
  newest(symbol: string, count: number): Promise<Segment[]>;
  /** Stores that `reader` is done with everything up to these ids; never moves a position back. */
  commit(reader: string, positions: ReadonlyMap<string, TickId>): Promise<void>;
  committed(reader: string): Promise<Map<string, TickId>>;
  /** Ticks appended and not yet committed by `reader`, by symbol; symbols at 0 are left out. */
  backlog(reader: string): Promise<Map<string, number>>;
}

/** The collector's side. */
export interface TickLog extends TickLogReader {
  /**
   * Appends each entry whole or not at all; a result for each, in order. At most one entry a symbol.
   * When it rejects with `LogUnavailable` an entry may or may not have been stored: sent again, a
   * stored one answers `conflict` with its own last id.
   */
  append(appends: readonly Append[]): Promise<AppendResult[]>;
  /** The checkpoint with the ticks that a re-read from `highServerMs - overlapMs` will bring again. */
  resume(symbol: string, overlapMs: number): Promise<Resume | undefined>;
  /**
   * Stores how far the feed is. Never moves a watermark back. When the watermark has reached a new
   * UTC day, or the feed has ended, later ids start no earlier than the day after the last closed
   * one, so that a closed day stays closed. Rejects, storing nothing more, when a symbol belongs to
   * another feed.
   */
  mark(marks: readonly Mark[]): Promise<void>;
  /**
   * Frees ticks that are both committed by every named reader and past the policy. Ticks that
   * `resume(symbol, overlapMs)` may need are kept. Returns how many went.
   */
  trim(policy: TrimPolicy & { readonly overlapMs: number }): Promise<number>;
}

/** The store cannot be reached or cannot take writes now; the call may be tried again. */
export class LogUnavailable extends Error {
  override readonly name = "LogUnavailable";
  /** `full`: no room (disk or memory); `down`: not reachable; `readonly`: reachable, takes no writes. */
  readonly reason: "down" | "full" | "readonly";

  constructor(message: string, options: { reason: LogUnavailable["reason"]; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.reason = options.reason;
  }
}
