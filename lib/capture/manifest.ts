import { z } from "zod";
import type { Market } from "../market/universe.ts";
import { formatId } from "../market/tick_id.ts";
import type { DayScan } from "./day_scan.ts";
import { type ChainLink, chainLinkSchema } from "./chain.ts";
import type { DayHole } from "./gaps.ts";
import { cycleId, type Day, manifestPath, sealedName, ticksFolder } from "./day_path.ts";

const HOUR_MS = 3_600_000;

/** A time `[from, to)` of a day in which no feed was heard. */
const gapSchema = z.object({
  from_utc: z.string(),
  to_utc: z.string(),
  reason: z.string(),
  /** Rows of the file whose own time lies in it: the vendor's history brought them afterwards. */
  rows: z.number().int().default(0),
});

export const ORIGINS = ["capture", "history", "audit"] as const;
export type Origin = (typeof ORIGINS)[number];

/** The metadata of a sealed tick file: what an audit compares the file with. */
const manifestSchema = z.object({
  cycle_id: z.string(),
  symbol: z.string(),
  /** The vendor's name; null when the feed is not known. */
  symbol_raw: z.string().nullable(),
  timeframe: z.literal("TICK"),
  /** `capture`: from the log; `history`, `audit`: read from the vendor's history afterwards. */
  origin: z.enum(ORIGINS).default("capture"),
  source: z.string().nullable(),
  /** `vendor:server:raw name`. */
  feed: z.string().nullable(),
  /** The server's clock minus UTC at the day's last tick. */
  broker_utc_offset_hours: z.number().nullable(),
  /** All that were applied that day, in order: two where summer time begins or ends. */
  broker_utc_offsets_hours: z.array(z.number()),
  timestamps_normalized: z.boolean(),
  ingestion_time_utc: z.string(),
  /** How far the feed had delivered everything when the day was sealed. */
  watermark_utc: z.string().nullable(),
  rows: z.number().int(),
  bytes: z.number().int(),
  sha256: z.string(),
  first_id: z.string(),
  last_id: z.string(),
  /** Rows whose own time is before their id's. */
  late_ticks: z.number().int(),
  gaps: z.array(gapSchema),
  /** `PARTIAL` when there is a gap of which nothing is known. */
  status: z.enum(["SUCCESS", "PARTIAL", "FAILED"]),
  files: z.array(z.object({
    /** Relative to the data folder, with `/` on every system. */
    path: z.string(),
    rows: z.number().int(),
    bytes: z.number().int(),
    sha256: z.string(),
    first_id: z.string(),
    last_id: z.string(),
    supersedes: z.string().nullable(),
  })),
  written_at: z.string(),
  /** The manifest before it of the same symbol; absent in what was written before there were chains. */
  previous: chainLinkSchema.nullable().optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** What the writer knows of a day and its file does not say. */
export interface DayFacts {
  readonly feed?: string;
  /** UTC ms; 0 when the feed never said. */
  readonly watermarkMs: number;
  readonly gaps: readonly DayHole[];
  /** `capture` when absent. */
  readonly origin?: Origin;
  /** Null for the first of the symbol. */
  readonly previous: ChainLink | null;
}

/** The manifest of a day that a scan, asked about the gaps, has found good from end to end. */
export function manifestOf(
  { symbol, market, day, part }: { symbol: string; market: Market; day: Day; part: number },
  scan: DayScan,
  { feed, watermarkMs, gaps, origin = "capture", previous }: DayFacts,
): Manifest {
  const [vendor, , ...rawName] = feed?.split(":") ?? [];
  const now = new Date().toISOString();
  const offsets = scan.offsetsMs.map((ms) => ms / HOUR_MS);
  const content = {
    rows: scan.rows,
    bytes: scan.goodBytes,
    sha256: scan.sha256,
    first_id: formatId(scan.firstId),
    last_id: formatId(scan.lastId),
  };
  return {
    cycle_id: cycleId(symbol, { day, part }),
    symbol,
    symbol_raw: rawName.length === 0 ? null : rawName.join(":"),
    timeframe: "TICK",
    origin,
    source: vendor?.toUpperCase() ?? null,
    feed: feed ?? null,
    broker_utc_offset_hours: scan.lastRow === undefined
      ? null
      : (scan.lastRow.serverMs - scan.lastRow.utcMs) / HOUR_MS,
    broker_utc_offsets_hours: offsets,
    timestamps_normalized: true,
    ingestion_time_utc: now,
    watermark_utc: watermarkMs > 0 ? new Date(watermarkMs).toISOString() : null,
    ...content,
    late_ticks: scan.lateRows,
    gaps: gaps.map(({ fromMs, toMs, reason }, index) => ({
      from_utc: new Date(fromMs).toISOString(),
      to_utc: new Date(toMs).toISOString(),
      reason,
      rows: scan.rowsIn[index] ?? 0,
    })),
    status: gaps.every((_, index) => (scan.rowsIn[index] ?? 0) > 0) ? "SUCCESS" : "PARTIAL",
    files: [{
      path: `${ticksFolder(symbol, market)}/${sealedName(day, part)}`,
      ...content,
      supersedes: null,
    }],
    written_at: now,
    previous,
  };
}

/** `undefined` when there is none. @throws SyntaxError when the file is no manifest. */
export async function readManifest(dataDir: string, cycle: string): Promise<Manifest | undefined> {
  const path = `${dataDir}/${manifestPath(cycle)}`;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as the manifest of a tick file: current length is ${text.length}`,
      { cause },
    );
  }
}
