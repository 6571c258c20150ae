import { z } from "zod";
import { symbolFolder } from "../../market/symbol.ts";
import { TIMEFRAME_LABELS, type TimeframeLabel } from "../../market/timeframe.ts";
import { parseJson } from "../parse_json.ts";
import { chainLinkSchema, chainManifest, CycleTaken, readHead, sha256Of } from "../chain.ts";
import { manifestPath } from "../day_path.ts";
import { barFileSchema } from "./bar_file.ts";
import { recordFiles } from "./unrecorded.ts";

export type { BarFile } from "./bar_file.ts";

/** The reason of a gap in hours in which brokers commonly do not quote. */
export const HOLIDAY = "holiday";

/** The metadata of one ingestion cycle: what a vendor was asked, what it gave and what became of it. */
export const barCycleSchema = z.object({
  cycle_id: z.string(),
  symbol: z.string(),
  /** The vendor's name; null when it is not known. */
  symbol_raw: z.string().nullable(),
  timeframe: z.enum(TIMEFRAME_LABELS),
  /** The vendor: `MT5`, `FXCM`, `SIMULATED`, … */
  source: z.string().nullable(),
  /** `vendor:server:raw name`. */
  feed: z.string().nullable(),
  /** As `recordedAccountId` of `account_snapshot.ts` makes it; null when the vendor names none. */
  account_id: z.string().nullable(),
  /** The server's clock minus UTC at the last bar; null without bars. */
  broker_utc_offset_hours: z.number().nullable(),
  timestamps_normalized: z.boolean(),
  ingestion_time_utc: z.string(),
  /** What the vendor was asked: UTC opens, `[from, to)`. */
  range_from_utc: z.string(),
  range_to_utc: z.string(),
  /** By the calendar; null where it does not reach. */
  bars_expected: z.number().int().nullable(),
  bars_received: z.number().int(),
  /** Bars of earlier cycles that the vendor no longer shows. */
  bars_removed: z.number().int().default(0),
  /** `SUCCESS` all received, `PARTIAL` fewer, `FAILED` none, with `error`. */
  status: z.enum(["SUCCESS", "PARTIAL", "FAILED"]),
  error: z.string().nullable(),
  files: z.array(barFileSchema),
  /** Files that held exactly the answer already. */
  files_unchanged: z.number().int().default(0),
  /**
   * UTC opens `[from, to)` of bars that the calendar expects and the vendor did not give. `holiday`,
   * and what is from before the vendor's first bar, does not make a cycle `PARTIAL`, nor is it expected.
   */
  gaps: z.array(z.object({
    from_utc: z.string(),
    to_utc: z.string(),
    reason: z.string(),
    bars: z.number().int(),
  })),
  written_at: z.string(),
  /** The record before it of the same symbol and timeframe; null for the first. */
  previous: chainLinkSchema.nullable(),
});
export type BarCycle = z.infer<typeof barCycleSchema>;

/** What a run knows of a cycle; `recordCycle` adds its id, its time of writing and its link. */
export type BarCycleFacts = Omit<BarCycle, "cycle_id" | "written_at" | "previous">;

/**
 * Writes the record of a cycle as the next of its chain; it is on the disk when this resolves. Its id
 * is made of `ingestion_time_utc`; a second one of that second gets `__1`, `__2` and so on. Of its files
 * those are named that nobody replaced meanwhile.
 */
export function recordCycle(dataDir: string, facts: BarCycleFacts): Promise<BarCycle> {
  return recordFiles(dataDir, facts.files, (files) => chainCycle(dataDir, { ...facts, files }));
}

async function chainCycle(dataDir: string, facts: BarCycleFacts): Promise<BarCycle> {
  for (let count = 0;; count++) {
    try {
      return await chainManifest(dataDir, facts, (previous) => ({
        cycle_id: barCycleId(facts, count),
        ...facts,
        written_at: new Date().toISOString(),
        previous,
      }));
    } catch (cause) {
      if (!(cause instanceof CycleTaken)) throw cause;
    }
  }
}

export interface Series {
  readonly symbol: string;
  readonly timeframe: TimeframeLabel;
  /** Hears where the records cannot be followed. */
  readonly onProblem?: ((message: string) => void) | undefined;
}

/** A record, and the hash of its file. */
export interface ChainedCycle {
  readonly cycle: BarCycle;
  readonly sha256: string;
}

/** The records of a series, oldest first; as `cyclesBackwards` follows them. */
export async function listCycles(dataDir: string, series: Series): Promise<BarCycle[]> {
  return (await Array.fromAsync(cyclesBackwards(dataDir, series), ({ cycle }) => cycle)).reverse();
}

/**
 * The records of a series, newest first, followed from the head of its chain as far as they are taken.
 * Where the chain is broken they end, and `onProblem` hears of it: what nothing proves any more is
 * unknown. `verify` names every break.
 */
export async function* cyclesBackwards(
  dataDir: string,
  { symbol, timeframe, onProblem }: Series,
): AsyncGenerator<ChainedCycle, void> {
  let link = await readHead(dataDir, { symbol, timeframe }) ?? null;
  while (link !== null) {
    const path = `${dataDir}/${manifestPath(link.cycle_id)}`;
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(path);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      onProblem?.(`Cannot follow the chain of ${symbol} ${timeframe} to ${path}: it is missing`);
      return;
    }
    if (sha256Of(bytes) !== link.sha256) {
      onProblem?.(`Cannot follow the chain of ${symbol} ${timeframe} to ${path}: it was changed`);
      return;
    }
    const cycle = parseCycle(bytes, path);
    yield { cycle, sha256: link.sha256 };
    link = cycle.previous;
  }
}

/** `2025-12-22T094532Z_EURUSD_1H`: no colons, so that it is a file name everywhere. */
function barCycleId(
  { ingestion_time_utc, symbol, timeframe }: BarCycleFacts,
  count: number,
): string {
  const time = new Date(ingestion_time_utc).toISOString().slice(0, 19).replaceAll(":", "");
  return `${time}Z_${symbolFolder(symbol)}_${timeframe}${count === 0 ? "" : `__${count}`}`;
}

/** @throws SyntaxError when the file is no record of bars. */
function parseCycle(bytes: Uint8Array, path: string): BarCycle {
  const text = new TextDecoder().decode(bytes);
  return parseJson(text, { path, as: "the record of a cycle", schema: barCycleSchema });
}
