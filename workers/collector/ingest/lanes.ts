import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import { type BridgeConnection, connectBridge } from "../../../lib/bridge/client.ts";
import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { presentUtcMs } from "../../../lib/bridge/present.ts";
import { recordedAccountId } from "../../../lib/capture/account_snapshot.ts";
import { readCoverage } from "../../../lib/capture/bars/bar_coverage.ts";
import { barGrid } from "../../../lib/time/bar_grid.ts";
import type { Calendars } from "../../../lib/time/calendar/calendars.ts";
import type { ServerClock } from "../../../lib/time/server_clock.ts";
import { Beginnings } from "./beginning.ts";
import type { ChosenSource } from "./choosing.ts";
import { clockOf } from "./clock.ts";
import type { IngestOptions } from "./options.ts";
import { expectedBars } from "./judge.ts";
import { type Plan, planOf, type PlanOptions } from "./plan.ts";
import type { TimeRange } from "../../../lib/time/time_range.ts";
import { rangeOf, type WantedRange } from "./ranges.ts";
import type { Lane } from "./run.ts";
import type { BridgeOptions } from "./sources.ts";
import type { UnitContext } from "./unit.ts";

/** A source and its present, by its own clock. */
export interface TimedSource {
  readonly source: ChosenSource;
  readonly clock: ServerClock;
  readonly nowUtcMs: number;
}

export interface TimingOptions {
  readonly bridge: BridgeOptions;
  readonly dataDir: string;
  readonly brokerTz: ServerZone | undefined;
  readonly dryRun: boolean;
  readonly onProblem: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * What time it is at the source, and what its clock means.
 * @throws ClockUnknown, or BridgeError when the source cannot be asked.
 */
export async function timed(source: ChosenSource, options: TimingOptions): Promise<TimedSource> {
  const { bridge, dataDir, brokerTz, dryRun, onProblem, signal } = options;
  await using connection = await connectBridge({ ...bridge, session: source.session, signal });
  const clock = await clockOf(connection, {
    ...{ dataDir, brokerTz, onProblem, signal, save: !dryRun },
    symbols: source.symbols,
  });
  return { source, clock, nowUtcMs: await presentOf(connection, { source, clock, signal }) };
}

async function presentOf(
  connection: BridgeConnection,
  { source, clock, signal }: { source: ChosenSource; clock: ServerClock; signal: AbortSignal },
): Promise<number> {
  const [first] = source.chosen;
  if (first === undefined) {
    throw new BridgeError("unknown_symbol", `Cannot ask ${source.name} for its present: no symbol`);
  }
  return await presentUtcMs(connection, { symbol: first.symbol, clock, signal });
}

export interface PlanningOptions {
  readonly options: IngestOptions;
  readonly dataDir: string;
  readonly calendars: Calendars;
  readonly closeBufferMs: number;
  readonly chunkBars: number;
  /** For how long `--resume` asks again for bars that the vendor did not have. */
  readonly gapRetryMs: number;
  readonly recordAccount: boolean;
  readonly onProblem: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The units of a source, and what they share. */
export async function laneOf(
  { source, clock, nowUtcMs }: TimedSource,
  planning: PlanningOptions,
): Promise<Plan & Lane> {
  const { options, dataDir, calendars, recordAccount } = planning, { account, name } = source;
  const rawNames = new Map(source.chosen.map(({ symbol, rawName }) => [symbol, rawName]));
  const settledMs = nowUtcMs - planning.closeBufferMs;
  const context: UnitContext = {
    dataDir,
    source: name,
    rawNameOf: (symbol) => rawNames.get(symbol) ?? symbol,
    accountId: account === undefined
      ? null
      : await recordedAccountId(account.id, { source: name, recordAccount }),
    clock,
    gridOf: (timeframe) => barGrid(name, timeframe, clock),
    calendarOf: (symbol) => calendars.calendarOf(symbol),
    settledMs,
    beginnings: new Beginnings({ chunkBars: planning.chunkBars, settledMs }),
  };
  const { timeframes } = options, symbols = [...rawNames.keys()];
  const wanted = {
    ...context,
    symbols,
    timeframes,
    fromMs: options.from,
    toMs: options.to,
    historyDays: options["history-days"],
    chunkBars: planning.chunkBars,
  };
  const covered = options.resume ? await coverage(wanted, planning) : undefined;
  const plan = planOf({
    ...wanted,
    coveredOf: (symbol, { label }) => covered?.get(`${label} ${symbol}`) ?? [],
  });
  return { ...plan, lease: source.lease, context };
}

/** What the records cover of what is wanted, by timeframe and symbol; some series at a time. */
async function coverage(
  wanted: Omit<PlanOptions, "coveredOf">,
  { dataDir, gapRetryMs, onProblem, signal }: PlanningOptions,
): Promise<Map<string, readonly TimeRange[]>> {
  const settledMs = Date.now() - gapRetryMs;
  const covered = new Map<string, readonly TimeRange[]>();
  const queue = wanted.symbols.flatMap((symbol) =>
    wanted.timeframes.map((timeframe) => ({ symbol, timeframe }))
  ).reverse();
  await Promise.all(Array.from({ length: SERIES_AT_ONCE }, async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      signal.throwIfAborted();
      const { symbol, timeframe } = next;
      const calendar = wanted.calendarOf(symbol), grid = wanted.gridOf(timeframe);
      const measure = { timeframe, calendar, grid };
      const range = knownRange({ ...wanted, ...measure });
      if (range === undefined) continue;
      const ranges = await readCoverage(dataDir, {
        ...{ symbol, timeframe: timeframe.label, wanted: range, settledMs, onProblem },
        expects: (part) => expectedBars({ ...measure, ...part }) > 0,
      });
      covered.set(`${timeframe.label} ${symbol}`, ranges);
    }
  }));
  return covered;
}

const SERIES_AT_ONCE = 8;

/** Undefined also where no clock can place it, which the plan tells. */
function knownRange(wanted: WantedRange): TimeRange | undefined {
  try {
    return rangeOf(wanted);
  } catch (cause) {
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}
