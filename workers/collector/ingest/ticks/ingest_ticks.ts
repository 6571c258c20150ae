import type { BridgeConnection } from "../../../../lib/bridge/bridge_connection.ts";
import { BridgeError } from "../../../../lib/bridge/bridge_error.ts";
import type { SourceSymbol } from "../../../../lib/bridge/feed.ts";
import { addTicks, checkDay } from "../../../../lib/capture/additions/add_ticks.ts";
import { finishDay } from "../../../../lib/capture/additions/finish_day.ts";
import { DayRefused } from "../../../../lib/capture/additions/day_refused.ts";
import { readVendorDay } from "../../../../lib/capture/additions/vendor_day.ts";
import { type Day, DAY_MS, dayName, dayOf } from "../../../../lib/capture/day_path.ts";
import { claimMarket, marketIn } from "../../../../lib/capture/symbol_market.ts";
import type { TickLogReader } from "../../../../lib/log/tick_log.ts";
import { messageOf } from "../../../../lib/program/errors.ts";
import { BackOff, pause } from "../../../../lib/program/pause.ts";
import type { GridClock } from "../../../../lib/time/calendar/market_calendar.ts";

export interface IngestTicksOptions {
  readonly dataDir: string;
  /** Its one stream is used; the symbols are read one after the other. */
  readonly connection: BridgeConnection;
  readonly symbols: readonly SourceSymbol[];
  /** The source's clock, as stated or learned; throws a RangeError for a time whose rule is unknown. */
  readonly clock: GridClock;
  /** UTC ms, `[from, to)`; widened to whole UTC days, because a file is a day. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The source's present, UTC ms: a day that is not over is skipped by name. */
  readonly nowMs: number;
  /** The folder's log, so that no day is touched that capture may still bring; `openLogReader`. */
  readonly log: Pick<TickLogReader, "checkpoint" | "committed">;
  /** Reads and compares, and writes nothing. */
  readonly dryRun?: boolean;
  /** After each day, in order; awaited, so that a copy may be made of `file`. */
  readonly onDay?: (day: TickDay) => void | Promise<void>;
  /** Between two days: the day in hand is finished. */
  readonly signal: AbortSignal;
}

/** One UTC day of one symbol. */
export interface TickDay {
  readonly symbol: string;
  /** `2025-12-22`. */
  readonly day: string;
  /**
   * `added`: what the files lacked is written (of a dry run: would be); `unchanged`: they hold
   * everything; `empty`: the vendor has no tick and the files neither; `skipped`: it may not be
   * touched; `failed`: the vendor or the disk refused.
   */
  readonly outcome: "added" | "unchanged" | "empty" | "skipped" | "failed";
  /** What the vendor has. */
  readonly received: number;
  /** What the files held before. */
  readonly held: number;
  readonly added: number;
  /** The part that was written, relative to the data folder. */
  readonly file?: string;
  /** Why it was skipped or failed. */
  readonly reason?: string;
}

export interface Outcome {
  readonly days: readonly TickDay[];
  readonly received: number;
  readonly added: number;
  /** Days skipped and failed, each with its reason. */
  readonly refused: readonly TickDay[];
}

/** A vendor that fails once may answer the next time; the third failure is the day's. */
const TRIES = 3;

/**
 * The vendor's tick history of some symbols into the day folders: what no part of a day holds, as a
 * multiset of server ms and payload, becomes the day's next part. Ends early, without a word, when
 * the signal aborts: the days so far are whole, and a second run adds what is missing.
 * @throws BridgeError when the connection is gone.
 */
export async function ingestTicks(options: IngestTicksOptions): Promise<Outcome> {
  const days: TickDay[] = [];
  for (const symbol of options.symbols) {
    for (const day of daysOf(options)) {
      if (options.signal.aborted) break;
      const done = await ingestDay(symbol, day, options);
      if (done === undefined) break;
      days.push(done);
      await options.onDay?.(done);
    }
  }
  return {
    days,
    received: days.reduce((sum, { received }) => sum + received, 0),
    added: days.reduce((sum, { added }) => sum + added, 0),
    refused: days.filter(({ outcome }) => outcome === "skipped" || outcome === "failed"),
  };
}

/** The days of a run for each symbol; nobody has any of the future. */
export function daysOf(
  { fromMs, toMs, nowMs }: Pick<IngestTicksOptions, "fromMs" | "toMs" | "nowMs">,
): Day[] {
  const first = dayOf(fromMs), untilMs = Math.min(toMs, nowMs);
  const count = Math.max(0, Math.ceil(untilMs / DAY_MS) - first);
  return Array.from({ length: count }, (_, index) => first + index);
}

/** `undefined` when the signal aborted before the vendor had told everything. */
async function ingestDay(
  { symbol, rawName }: SourceSymbol,
  day: Day,
  options: IngestTicksOptions,
): Promise<TickDay | undefined> {
  const { dataDir, connection, clock, nowMs, log, dryRun = false, signal } = options;
  const nothing = { symbol, day: dayName(day), received: 0, held: 0, added: 0 };
  const feed = `${connection.source.name}:${rawName}`;
  try {
    const market = await (dryRun ? marketIn : claimMarket)(dataDir, symbol);
    const about = { symbol, market, day, feed, nowMs, log };
    if (!dryRun) await finishDay(dataDir, about);
    await checkDay(dataDir, about);
    const { ticks, impossible } = await retried(
      () => readVendorDay(connection, { symbol, day, clock, signal }),
      signal,
    );
    const origin = "history";
    const { added, held, file } = await addTicks(dataDir, { ...about, ticks, origin, dryRun });
    return {
      ...nothing,
      ...{ received: ticks.count, held, added },
      outcome: added > 0 ? "added" : ticks.count > 0 ? "unchanged" : "empty",
      ...(file === undefined ? {} : { file }),
      ...(impossible > 0 ? { reason: `${impossible} ticks of the vendor have no price` } : {}),
    };
  } catch (cause) {
    if (signal.aborted) return undefined;
    if (isGone(cause)) throw cause;
    const isRefused = cause instanceof DayRefused || cause instanceof RangeError;
    return { ...nothing, outcome: isRefused ? "skipped" : "failed", reason: messageOf(cause) };
  }
}

async function retried<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const backOff = new BackOff({ minMs: 500, maxMs: 5_000 });
  for (let attempt = 1;; attempt++) {
    try {
      return await read();
    } catch (cause) {
      const mayHeal = cause instanceof BridgeError &&
        (cause.code === "source_failed" || cause.code === "request_timeout");
      if (!mayHeal || attempt === TRIES || signal.aborted) throw cause;
      await pause(backOff.next(), signal);
    }
  }
}

/** Of the connection itself; other errors of a bridge concern one request. */
function isGone(cause: unknown): boolean {
  return cause instanceof BridgeError &&
    !["source_failed", "request_timeout", "unknown_symbol"].includes(cause.code);
}
