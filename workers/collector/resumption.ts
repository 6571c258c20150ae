import type { SourceSymbol, TickRequest } from "../../lib/bridge/feed.ts";
import type { Resume, TickLog } from "../../lib/log/tick_log.ts";
import { NO_TICK, type TickId } from "../../lib/market/tick_id.ts";
import type { ServerClock } from "../../lib/time/server_clock.ts";
import { Overlap } from "./overlap.ts";

/** Where a symbol new to the log begins. */
export type CaptureFrom = "now" | "start" | Date;

/** What one connection starts from: the requests to the source, and what the log knows. */
export interface Resumption {
  readonly requests: readonly TickRequest[];
  readonly feeds: ReadonlyMap<string, string>;
  readonly tails: ReadonlyMap<string, TickId>;
  readonly overlaps: Map<string, Overlap>;
  /** The least watermark that each symbol has, UTC ms. */
  readonly watermarks: ReadonlyMap<string, number>;
}

export interface ResumptionOptions {
  readonly log: TickLog;
  readonly source: string;
  readonly clock: Pick<ServerClock, "toServerMs">;
  readonly symbols: readonly SourceSymbol[];
  readonly overlapMs: number;
  readonly captureFrom: CaptureFrom;
}

/** Reads the checkpoint of each symbol and says from where the source must be read again. */
export async function planResumption(options: ResumptionOptions): Promise<Resumption> {
  const { log, source, clock, symbols, overlapMs, captureFrom } = options;
  const requests: TickRequest[] = [];
  const feeds = new Map<string, string>(), tails = new Map<string, TickId>();
  const overlaps = new Map<string, Overlap>(), watermarks = new Map<string, number>();
  for (const { symbol, rawName } of symbols) {
    const resume = await log.resume(symbol, overlapMs);
    feeds.set(symbol, `${source}:${rawName}`);
    tails.set(symbol, resume?.lastId ?? NO_TICK);
    watermarks.set(symbol, resume?.watermarkMs ?? 0);
    if (resume !== undefined && resume.recent.count > 0) {
      overlaps.set(symbol, new Overlap(resume.recent, resume.highServerMs));
    }
    requests.push({ symbol, fromServerMs: startOf(resume, { clock, overlapMs, captureFrom }) });
  }
  return { requests, feeds, tails, overlaps, watermarks };
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
