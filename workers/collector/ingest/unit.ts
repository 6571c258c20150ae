import type { SourceBar } from "../../../lib/bridge/feed.ts";
import {
  type BarCycleFacts,
  type BarFile,
  recordCycle,
} from "../../../lib/capture/bars/bar_cycle.ts";
import { faultOf } from "../../../lib/capture/bars/bar_rules.ts";
import { storeBars } from "../../../lib/capture/bars/bar_store.ts";
import { claimMarket } from "../../../lib/capture/symbol_market.ts";
import type { Bar } from "../../../lib/market/bar.ts";
import type { Timeframe } from "../../../lib/market/timeframe.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import type { GridClock, MarketCalendar } from "../../../lib/time/calendar/market_calendar.ts";
import type { ServerClock } from "../../../lib/time/server_clock.ts";
import type { Beginnings } from "./beginning.ts";
import { judge, type Judgement } from "./judge.ts";
import type { WorkUnit } from "./plan.ts";
import type { TimeRange } from "../../../lib/time/time_range.ts";
import type { IngestSession } from "./session.ts";

/** What of a source all its units share. */
export interface UnitContext {
  readonly dataDir: string;
  /** `vendor:server`. */
  readonly source: string;
  readonly rawNameOf: (symbol: string) => string;
  /** As it stands in metadata. */
  readonly accountId: string | null;
  readonly clock: ServerClock;
  readonly gridOf: (timeframe: Timeframe) => GridClock;
  readonly calendarOf: (symbol: string) => MarketCalendar;
  /** See `WantedRange`. */
  readonly settledMs: number;
  readonly beginnings: Beginnings;
}

export interface UnitResult {
  readonly unit: WorkUnit;
  readonly status: Judgement["status"];
  readonly expected: number;
  readonly received: number;
  readonly missing: Judgement["missing"];
  readonly missingBars: number;
  /** Written by this unit, or by one like it that was killed before it could record them. */
  readonly files: readonly BarFile[];
  /** Bars of earlier cycles that the vendor no longer shows. */
  readonly removed: number;
  readonly seconds: number;
  readonly error: string | null;
}

type Outcome = Omit<UnitResult, "seconds">;

/** An hour that the server's clock repeats may hide up to so much of the end of a range. */
const HOUR_MS = 3_600_000, TWICE_MS = 2 * HOUR_MS;

/**
 * Reads the bars of a unit, stores them and records the cycle; then it is done, whatever happens.
 * A unit that was killed on its way may be done again: the files end the same.
 * @throws what the session or the disk throws, with nothing recorded.
 */
export async function ingestUnit(
  unit: WorkUnit,
  session: Pick<IngestSession, "bars">,
  context: UnitContext,
): Promise<Outcome> {
  const { symbol, timeframe, fromMs, toMs } = unit, { dataDir, clock } = context;
  const read = async ({ fromMs, toMs }: TimeRange) => {
    const answer = await session.bars({
      symbol,
      timeframe: timeframe.label,
      // West of Greenwich 1970 began in the year before, and no vendor has negative times.
      fromServerMs: Math.max(0, clock.toServerMs(fromMs)),
      toServerMs: clock.toServerMs(toMs) + TWICE_MS,
    });
    return barsWithin(answer, { fromMs, toMs }, clock);
  };
  const { bars, refused } = await read(unit);
  const calendar = context.calendarOf(symbol), grid = context.gridOf(timeframe);
  const measure = { ...unit, calendar, grid, refused: refused.length };
  const beginsMs = await context.beginnings.of(unit, {
    bars,
    measure,
    hasBars: async (range) => (await read(range)).bars.length > 0,
  });
  const judgement = judge(bars, { ...measure, beginsMs });
  const ingestedAt = new Date();
  // Where everything is missing nothing is sealed either: the vendor may have it tomorrow.
  const stored = judgement.status === "FAILED" ? undefined : await storeBars({
    dataDir,
    symbol,
    market: await claimMarket(dataDir, symbol),
    timeframe,
    bars,
    range: { fromMs, toMs },
    nowMs: context.settledMs,
  });
  const outcome: Outcome = {
    unit,
    ...judgement,
    files: stored?.files ?? [],
    removed: stored?.removed ?? 0,
    error: errorOf(judgement, refused),
  };
  await recordCycle(dataDir, {
    ...factsOf(outcome, { ...context, ingestedAt }),
    broker_utc_offset_hours: offsetHours(bars),
    bars_expected: judgement.isKnown ? judgement.expected : null,
    files_unchanged: stored?.unchanged ?? 0,
    gaps: judgement.missing.map((gap) => ({
      from_utc: isoOf(gap.fromMs),
      to_utc: isoOf(gap.toMs),
      reason: gap.reason,
      bars: gap.bars,
    })),
  });
  return outcome;
}

/** Records that a unit failed for good. @throws what the disk throws. */
export async function recordFailure(
  unit: WorkUnit,
  cause: unknown,
  context: UnitContext,
): Promise<Outcome> {
  const error = messageOf(cause), { expected, fromMs, toMs } = unit;
  const missing = [{ fromMs, toMs, bars: expected, reason: "not read" }];
  const outcome: Outcome = {
    ...{ unit, status: "FAILED", expected, received: 0, files: [], removed: 0, error },
    ...{ missing: expected > 0 ? missing : [], missingBars: expected },
  };
  await recordCycle(context.dataDir, factsOf(outcome, { ...context, ingestedAt: new Date() }));
  return outcome;
}

function factsOf(
  { unit, expected, received, removed, status, error, files }: Outcome,
  { source, rawNameOf, accountId, ingestedAt }: UnitContext & { ingestedAt: Date },
): BarCycleFacts {
  const { symbol, timeframe } = unit, symbolRaw = rawNameOf(symbol);
  return {
    symbol,
    symbol_raw: symbolRaw,
    timeframe: timeframe.label,
    source: source.split(":", 1)[0]?.toUpperCase() ?? null,
    feed: `${source}:${symbolRaw}`,
    account_id: accountId,
    broker_utc_offset_hours: null,
    timestamps_normalized: true,
    ingestion_time_utc: ingestedAt.toISOString(),
    range_from_utc: isoOf(unit.fromMs),
    range_to_utc: isoOf(unit.toMs),
    bars_expected: expected,
    bars_received: received,
    bars_removed: removed,
    status,
    error,
    files: [...files],
    files_unchanged: 0,
    gaps: [],
  };
}

/**
 * The bars that open within the range, oldest first, and what is wrong with those that cannot be true.
 *
 * An hour that the server's clock repeats has each stamp twice. A vendor that keeps bars by their
 * stamps has one bar of both hours; it opens with the first, and the calendar expects no other. Of two
 * bars with one stamp the first is of the first hour and the next of the second. Of two that open at
 * one moment otherwise the later one of the answer is the vendor's correction.
 */
export function barsWithin(
  answer: readonly SourceBar[],
  { fromMs, toMs }: TimeRange,
  clock: GridClock,
): { bars: Bar[]; refused: string[] } {
  const byOpen = new Map<number, Bar>(), refused: string[] = [], opened = new Set<number>();
  for (const { openServerMs: serverMs, tickVolume: volume, open, high, low, close } of answer) {
    const firstMs = clock.toUtcMs(serverMs), againMs = firstMs + HOUR_MS;
    const isAgain = opened.has(firstMs) && clock.toServerMs(againMs) === serverMs;
    const utcMs = isAgain ? againMs : firstMs;
    opened.add(firstMs);
    if (utcMs < fromMs || utcMs >= toMs) continue;
    const bar = { utcMs, serverMs, open, high, low, close, volume };
    const fault = faultOf(bar);
    if (fault === undefined) byOpen.set(utcMs, bar);
    else refused.push(`${isoOf(utcMs)}: ${fault.field} is ${fault.got}, not ${fault.want}`);
  }
  return { bars: [...byOpen.values()].sort((a, b) => a.utcMs - b.utcMs), refused };
}

function errorOf({ status }: Judgement, refused: readonly string[]): string | null {
  if (refused.length > 0) {
    const more = refused.length > 1 ? ` and ${refused.length - 1} more` : "";
    return `refused a bar that cannot be true, ${refused[0]}${more}`;
  }
  return status === "FAILED" ? "the vendor has none of these bars" : null;
}

function offsetHours(bars: readonly Bar[]): number | null {
  const last = bars.at(-1);
  return last === undefined ? null : (last.serverMs - last.utcMs) / 3_600_000;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
