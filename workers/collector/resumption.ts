import type { SourceSymbol, TickRequest } from "../../lib/bridge/feed.ts";
import type { Resume, TickLog } from "../../lib/log/tick_log.ts";
import { NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import type { ServerClock } from "../../lib/time/server_clock.ts";
import { Overlap } from "./overlap.ts";

/** Where a symbol new to the log begins; its first connection, for `now`. */
export type CaptureFrom = "now" | "start" | Date;

/** What one connection starts from: the requests to the source, and what the log knows. */
export interface Resumption {
  readonly requests: readonly TickRequest[];
  readonly feeds: ReadonlyMap<string, string>;
  readonly tails: ReadonlyMap<string, TickId>;
  readonly overlaps: Map<string, Overlap>;
  /** The least watermark that each symbol has, UTC ms. */
  readonly watermarks: ReadonlyMap<string, number>;
  /** Symbols whose stream belongs to another feed, with its name; nothing of them is read. */
  readonly foreign: ReadonlyMap<string, string>;
}

export interface ResumptionOptions {
  readonly log: TickLog;
  readonly source: string;
  readonly clock: Pick<ServerClock, "toServerMs">;
  readonly symbols: readonly SourceSymbol[];
  readonly overlapMs: number;
  readonly captureFrom: CaptureFrom;
}

/**
 * Remembers in the log that symbols new to it begin now: their first ticks may be readable only
 * later, after restarts too. For a source whose present cannot be asked for as long as its clock is
 * not known.
 */
export async function rememberBeginnings(
  { log, source, symbols, nowUtcMs }:
    & Pick<ResumptionOptions, "log" | "source" | "symbols">
    & { readonly nowUtcMs: number },
): Promise<void> {
  const known = await log.checkpoints();
  const marks = symbols.filter(({ symbol }) => !known.has(symbol)).map(({ symbol, rawName }) => ({
    symbol,
    feed: `${source}:${rawName}`,
    watermarkMs: nowUtcMs,
    ended: false,
  }));
  if (marks.length > 0) await log.mark(marks);
}

/** Reads the checkpoint of each symbol and says from where the source must be read again. */
export async function planResumption(options: ResumptionOptions): Promise<Resumption> {
  const { log, source, clock, symbols, overlapMs, captureFrom } = options;
  const requests: TickRequest[] = [];
  const feeds = new Map<string, string>(), tails = new Map<string, TickId>();
  const overlaps = new Map<string, Overlap>(), watermarks = new Map<string, number>();
  const foreign = new Map<string, string>();
  for (const { symbol, rawName } of symbols) {
    const resume = await log.resume(symbol, overlapMs);
    const feed = `${source}:${rawName}`;
    if (resume !== undefined && resume.feed !== feed) {
      foreign.set(symbol, resume.feed);
      continue;
    }
    feeds.set(symbol, feed);
    tails.set(symbol, resume?.lastId ?? NO_TICK);
    watermarks.set(symbol, resume?.watermarkMs ?? 0);
    if (resume !== undefined && resume.recent.count > 0) {
      overlaps.set(symbol, new Overlap(resume.recent, resume.highServerMs));
    }
    requests.push({ symbol, fromServerMs: startOf(resume, { clock, overlapMs, captureFrom }) });
  }
  return { requests, feeds, tails, overlaps, watermarks, foreign };
}

type StartOptions = Pick<ResumptionOptions, "clock" | "overlapMs" | "captureFrom">;

/**
 * A symbol that has had no tick begins at its watermark: the source was read up to there. So a
 * quiet symbol keeps its beginning across restarts.
 */
function startOf(resume: Resume | undefined, options: StartOptions): number | "now" {
  const { clock, overlapMs, captureFrom } = options;
  if (resume !== undefined && resume.highServerMs > 0) return resume.highServerMs - overlapMs;
  if (resume !== undefined && resume.watermarkMs > 0) {
    return clock.toServerMs(resume.watermarkMs) - overlapMs;
  }
  if (captureFrom === "now") return "now";
  return captureFrom === "start" ? 0 : clock.toServerMs(captureFrom.getTime());
}
