import { z } from "zod";

/**
 * What the bridge and a vendor driver (a Python child process) say to each other over the child's
 * stdin and stdout: the frames of `lib/bridge/frames.ts`, control frames as below and tick frames of
 * packed 60-byte records. A tick frame of stream 0 is live, its symbol index the one that `watch`
 * gave; any other stream is the id of the `page` request it answers (symbol index 0).
 *
 * The driver is one loop: it answers one request at a time, in order, and polls or drains its
 * callbacks in between. Everything it writes is in the order in which it happened; so live frames
 * before a `page` with `nextServerMs: null` hold nothing that the page lacks, and those after it are
 * exactly what follows.
 */
export const LIVE_STREAM = 0;

const id = z.number().int().min(1).max(0xffff_ffff);
const ms = z.number().int();
const rawName = z.string().min(1);

/** A JSON value that is no list and no object. */
const field = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const driverMessage = z.discriminatedUnion("type", [
  /**
   * The answer to `open`: logged in and verified. `server` names the feed; `clock` as in `Source`.
   */
  z.object({
    type: z.literal("opened"),
    id,
    server: z.string().min(1),
    clock: z.enum(["learned", "utc"]),
    account: z.object({ id: z.string(), currency: z.string() }),
    /** What the terminal says of itself (build, limits, the price mode): for the log and metadata. */
    facts: z.record(z.string(), field),
  }),
  /**
   * The answer to `check`: still logged in, by asking the vendor. What it said of the account and the
   * terminal, by the vendor's names; no names of persons, no logins, no paths.
   */
  z.object({
    type: z.literal("checked"),
    id,
    account: z.record(z.string(), field).default({}),
    terminal: z.record(z.string(), field).default({}),
  }),
  /** Parts of an answer to `symbols`. */
  z.object({
    type: z.literal("symbols"),
    id,
    symbols: z.array(z.object({
      rawName,
      digits: z.number().int().min(0),
      fields: z.record(z.string(), field),
    })),
    last: z.boolean(),
  }),
  z.object({ type: z.literal("watching"), id }),
  /**
   * The end of a page, after its tick frames. `nextServerMs`: where the next page begins, or null:
   * the present is reached. With `waitMs` the vendor is not ready (history is warming up): nothing
   * was delivered, ask the same again after so long.
   */
  z.object({
    type: z.literal("page"),
    id,
    nextServerMs: ms.nullable(),
    waitMs: z.number().int().min(0).optional(),
  }),
  /** Parts of an answer to `bars`: finished bars, oldest first. */
  z.object({
    type: z.literal("bars"),
    id,
    bars: z.array(z.tuple([ms, z.number(), z.number(), z.number(), z.number(), z.number()])),
    last: z.boolean(),
  }),
  /**
   * A request could not be answered. `code`: `not_found` (no such symbol), `bad_request`, `vendor`
   * (this call failed; the session stands), `session` (the session is gone: open again), `closed`
   * (the vendor's market or service is closed: wait), `login` (refused: a person must act),
   * `unusable` (package missing, Python too old or too new: a person must act).
   */
  z.object({
    type: z.literal("failed"),
    id,
    code: z.enum(["not_found", "bad_request", "vendor", "session", "closed", "login", "unusable"]),
    message: z.string(),
    vendorCode: z.number().int().optional(),
  }),
  /** From the driver's loop, at least once a second: a call into the vendor that hangs stops it. */
  z.object({ type: z.literal("beat") }),
  /** See `present` in `lib/bridge/feed.ts`; every 500 ms while symbols are watched and the feed is up. */
  z.object({
    type: z.literal("present"),
    nowUtcMs: ms,
    watermarkUtcMs: ms,
    newestServerMs: ms.nullable(),
  }),
  /** The vendor's own connection to its servers went away or came back. */
  z.object({
    type: z.literal("feed"),
    state: z.enum(["down", "up"]),
    nowUtcMs: ms,
    reason: z.string(),
  }),
  /**
   * The session ended by itself and cannot go on: the bridge closes the driver and starts another.
   * `closed`: announced (weekend, maintenance), so that is no failure.
   */
  z.object({ type: z.literal("lost"), closed: z.boolean(), reason: z.string() }),
]);
export type DriverMessage = z.infer<typeof driverMessage>;

/** What the bridge sends. `settings` of `open` hold the password: they come by the pipe alone. */
export type DriverRequest =
  /** The first, and once. */
  | { type: "open"; id: number; settings: Readonly<Record<string, unknown>> }
  | { type: "check"; id: number }
  | { type: "symbols"; id: number }
  /** Adds to what is polled. Live frames carry the index. Unknown names fail the whole request. */
  | { type: "watch"; id: number; symbols: readonly { rawName: string; index: number }[] }
  /** No answer. */
  | { type: "unwatch"; indexes: readonly number[] }
  /**
   * Ticks of a watched symbol from a server ms (inclusive) on, at most about 100,000; `"now"` reads
   * nothing and answers `nextServerMs: null`. A page ends between two seconds, unless it reaches the
   * present.
   */
  | { type: "page"; id: number; rawName: string; fromServerMs: number | "now" }
  /** Finished bars with `from <= open < to`; timeframe labels of `lib/market/timeframe.ts`. */
  | {
    type: "bars";
    id: number;
    rawName: string;
    timeframe: string;
    fromServerMs: number;
    toServerMs: number;
  }
  /** Log out and end with code 0; so does the end of stdin. */
  | { type: "close" };
