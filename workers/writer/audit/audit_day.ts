import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import { addTicks, checkDay } from "../../../lib/capture/additions/add_ticks.ts";
import { compareTicks, type Differences } from "../../../lib/capture/additions/compare_ticks.ts";
import { type Part, partsOfDay } from "../../../lib/capture/additions/day_parts.ts";
import { DayRefused } from "../../../lib/capture/additions/day_refused.ts";
import { finishDay } from "../../../lib/capture/additions/finish_day.ts";
import { readHeld } from "../../../lib/capture/additions/held_ticks.ts";
import type { CaptureLog } from "../../../lib/capture/additions/refusal.ts";
import { isOfDay, serverRangeOf } from "../../../lib/capture/additions/server_day.ts";
import { type Day, dayName, ticksFolder } from "../../../lib/capture/day_path.ts";
import { gapsOf } from "../../../lib/capture/gaps.ts";
import { marketIn } from "../../../lib/capture/symbol_market.ts";
import { TICK_BYTES, Ticks } from "../../../lib/market/tick.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { auditId, NO_COUNTS, type TickAudit } from "./audit_record.ts";
import { examplesOf } from "./examples.ts";
import { readVendorTwice } from "./vendor_reading.ts";
import { NotPossible, type Vendors } from "./vendors.ts";

export interface AuditDay {
  readonly dataDir: string;
  readonly symbol: string;
  readonly day: Day;
  readonly vendors: Pick<Vendors, "of">;
  readonly log: CaptureLog | undefined;
  /** Compares, and writes neither ticks nor a record. */
  readonly dryRun: boolean;
  /** What a vendor gets to load its history before it is asked again, ms. */
  readonly againAfterMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Compares the files of a symbol's UTC day with the vendor's history of it, as multisets of (server
 * ms, bid, ask, last, volume, flags). A tick belongs to the day of its own time, wherever it came: a
 * late one lies in the next day's file. What the files lack is written to the day's next part;
 * a tick that the vendor tells otherwise now, or no more, stays as it was captured. A vendor that
 * cannot answer makes an audit that was not possible, by name, and never one that found something.
 * @throws AbortError when the signal aborts.
 */
export async function auditDay(options: AuditDay): Promise<TickAudit> {
  const { dataDir, symbol, day, signal } = options;
  const market = await marketIn(dataDir, symbol);
  let feed: string | null = null;
  try {
    const of = { symbol, market, day };
    if (!options.dryRun) await finishDay(dataDir, of);
    feed = feedOf(await partsOfDay(dataDir, of), options);
    return await compare({ ...options, of, feed });
  } catch (cause) {
    signal.throwIfAborted();
    const isNamed = cause instanceof DayRefused || cause instanceof BridgeError ||
      cause instanceof RangeError || cause instanceof NotPossible;
    if (!isNamed) throw cause;
    return { ...blank(options, feed), outcome: "not possible", reason: messageOf(cause) };
  }
}

type Auditing = AuditDay & {
  readonly of: Parameters<typeof partsOfDay>[1];
  readonly feed: string;
};

async function compare(options: Auditing): Promise<TickAudit> {
  const { dataDir, of, feed, day, log, dryRun, signal, againAfterMs } = options;
  await using asking = await options.vendors.of(feed, of.symbol);
  const { connection, clock, nowMs } = asking;
  await checkDay(dataDir, { ...of, feed, nowMs, log });
  const held = await readHeld(
    dataDir,
    of,
    serverRangeOf(day, clock),
    (serverMs) => isOfDay(day, serverMs, clock),
  );
  const asked = { symbol: of.symbol, day, clock, heldTicks: held.rows.count, signal };
  const vendor = await readVendorTwice(connection, { ...asked, againAfterMs });
  const ticks = held.rows.ticks;
  const found = await compareTicks(vendor.ticks, ticks);
  const isInGap = await gapsAround(options, held.parts);
  const missed = found.missing.filter((index) => isInGap(vendor.ticks.utcMs(index)));
  const addedLater = found.missing.filter((index) => !isInGap(vendor.ticks.utcMs(index)));
  const written = dryRun || found.missing.length === 0
    ? { unwritten: found.missing.length, written: null, why: null }
    : await write(options, { vendor: vendor.ticks, found, nowMs });
  const isAsBefore = found.surplus.length + found.rewritten.length === 0;
  return {
    ...blank(options, feed),
    outcome: "compared",
    reason: [vendor.remark, written.why].filter((said) => said !== null).join("; ") || null,
    status: isAsBefore && written.unwritten === 0 ? "SUCCESS" : "PARTIAL",
    readings: vendor.readings,
    vendor_ticks: vendor.ticks.count,
    held_ticks: ticks.count,
    captured: found.equal,
    missed: missed.length,
    added_later: addedLater.length,
    removed: found.surplus.length,
    rewritten: found.rewritten.length,
    impossible: vendor.impossible,
    unwritten: written.unwritten,
    written: written.written,
    examples: examplesOf({ vendor: vendor.ticks, held: held.rows, missed, addedLater, found }),
    files: held.parts.map(({ name, manifest }) => ({
      path: `${ticksFolder(of.symbol, of.market)}/${name}`,
      sha256: manifest?.sha256 ?? null,
    })),
  };
}

/** Of the captured part, else of any: files of one day are of one feed. */
function feedOf(parts: readonly Part[], { symbol, day }: AuditDay): string {
  const sealed = parts.filter(({ isOpen }) => !isOpen);
  if (parts.length === 0) {
    throw new NotPossible(
      `Cannot audit ${symbol} of ${dayName(day)}: no file of that day is here`,
    );
  }
  const feed = sealed.map(({ manifest }) => manifest?.feed).find((known) => known);
  if (feed) return feed;
  throw new NotPossible(
    `Cannot audit ${symbol} of ${dayName(day)}: ${
      sealed.length === 0 ? "the day is open" : "no manifest tells the feed of its files"
    }`,
  );
}

/** By UTC ms: whether no feed was heard then, as the manifests or the folder's notes say. */
async function gapsAround(
  { dataDir, symbol, day }: AuditDay,
  parts: readonly Part[],
): Promise<(utcMs: number) => boolean> {
  const told = parts.flatMap(({ manifest }) => manifest?.gaps ?? []).map((gap) => ({
    fromMs: Date.parse(gap.from_utc),
    toMs: Date.parse(gap.to_utc),
  }));
  const gaps = [...told, ...await gapsOf(dataDir, symbol, day)];
  return (utcMs) => gaps.some(({ fromMs, toMs }) => utcMs >= fromMs && utcMs < toMs);
}

type Writing = Pick<TickAudit, "unwritten" | "written"> & { readonly why: string | null };

async function write(
  { dataDir, of, feed, log }: Auditing,
  { vendor, found, nowMs }: { vendor: Ticks; found: Differences; nowMs: number },
): Promise<Writing> {
  try {
    // Whole but for what is told otherwise: what is missing is judged again, under the lock.
    const ticks = without(vendor, found.rewritten.map(([index]) => index));
    const origin = "audit";
    const { manifest } = await addTicks(dataDir, { ...of, feed, log, nowMs, ticks, origin });
    const file = manifest?.files[0];
    const written = file === undefined
      ? null
      : { path: file.path, rows: file.rows, sha256: file.sha256 };
    return { unwritten: 0, written, why: null };
  } catch (cause) {
    // What was found is to be known also where the disk takes nothing.
    return { unwritten: found.missing.length, written: null, why: messageOf(cause) };
  }
}

function without(ticks: Ticks, left: readonly number[]): Ticks {
  if (left.length === 0) return ticks;
  const kept = Ticks.ofLength(ticks.count - left.length), leftOut = new Set(left);
  for (let index = 0, at = 0; index < ticks.count; index++) {
    if (leftOut.has(index)) continue;
    kept.bytes.set(ticks.slice(index, index + 1).bytes, at);
    at += TICK_BYTES;
  }
  return kept;
}

function blank({ symbol, day }: AuditDay, feed: string | null): TickAudit {
  return {
    audit_id: auditId(symbol, day),
    symbol,
    day: dayName(day),
    feed,
    outcome: "not possible",
    reason: null,
    status: "PARTIAL",
    audited_at: new Date().toISOString(),
    readings: 0,
    ...NO_COUNTS,
    unwritten: 0,
    written: null,
    examples: { missed: [], added_later: [], removed: [], rewritten: [] },
    files: [],
    earlier: [],
  };
}
