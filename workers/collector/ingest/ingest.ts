import { bridgeAddress } from "../../../lib/bridge/bridge_address.ts";
import { openDataFolder } from "../../../lib/capture/data_folder.ts";
import { readUniverse } from "../../../lib/capture/universe_file.ts";
import { configureLog } from "../../../lib/program/log.ts";
import { dataDirOf, type DataKind } from "../../../lib/program/shared_settings.ts";
import { Calendars } from "../../../lib/time/calendar/calendars.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { chooseSymbols, type ChosenSource } from "./choosing.ts";
import { discoverSource, universeOnly } from "./discovering.ts";
import { ingestEvents } from "./events.ts";
import { laneOf, timed, type TimedSource } from "./lanes.ts";
import { barCopies } from "./parquet_copies.ts";
import { planJson, planText } from "./report/plan_text.ts";
import type { Progress } from "./report/progress.ts";
import { RateLimit } from "./rate_limit.ts";
import type { IngestRequest } from "./request.ts";
import { runUnits } from "./run.ts";
import { RunLog } from "./report/run_log.ts";
import { askSources, type OfferedSource } from "./sources.ts";
import { ALL, exitCodeOf, NONE, SOME, summaryJson, summaryText } from "./report/summary.ts";
import { liveTicks, type TickModeOptions, ticksOfHistory } from "./tick_modes.ts";

export interface IngestOptions {
  readonly progress: Progress;
  /** Where results go: standard output. */
  readonly print: (text: string) => void;
  /** Takes nothing new; the unit in hand is finished. */
  readonly signal: AbortSignal;
}

/**
 * One run, from the bridge to the files. Resolves with the exit code.
 * @throws what makes any work impossible: no bridge, unknown symbols, a folder that cannot be used.
 */
export async function ingest(
  request: IngestRequest,
  { progress, print, signal }: IngestOptions,
): Promise<number> {
  const { options, settings } = request;
  const address = await bridgeAddress(settings);
  const bridge = { ...address, requestTimeoutMs: settings.timeoutMs };
  const early: string[] = [];
  const onProblem = (message: string) => void early.push(message);
  const sources = await askSources({ bridge, signal, onProblem });
  const kind = kindOf(sources), dryRun = options["dry-run"];
  const dataDir = options["output-dir"] ?? dataDirOf({ ...settings, dataKind: kind });
  if (!dryRun) await openDataFolder(dataDir, kind);
  using log = dryRun ? undefined : await RunLog.open(dataDir, Date.now());
  const { logFormat: format, logLevel: level } = settings;
  await configureLog({ format, level, print: (line) => log?.write(line) });
  const events = ingestEvents({ progress });
  for (const message of early) events.problem(message);
  const run: Run = { request, bridge, dataDir, kind, events, print, signal };
  try {
    return await inFolder(sources, run);
  } catch (cause) {
    if (!signal.aborted) events.failed(cause);
    throw cause;
  }
}

type Run = Omit<TickModeOptions, "sources">;

async function inFolder(sources: readonly OfferedSource[], run: Run): Promise<number> {
  const { request: { options, settings }, dataDir, bridge, events, signal } = run;
  const discovering = { dataDir, bridge, signal, dryRun: options["dry-run"] };
  if (options["universe-only"]) {
    const { discover } = options;
    for (const line of await universeOnly(sources, { ...discovering, discover })) events.line(line);
    return ALL;
  }
  let universe = options.discover ? undefined : await readUniverse(dataDir);
  if (options.discover) {
    for (const source of sources) {
      const discovery = await discoverSource(source, discovering);
      universe = discovery.universe;
      events.line(discovery.told);
    }
  }
  const chosen = chooseSymbols(sources, { names: options.symbols ?? settings.symbols, universe });
  for (const { name, missing } of chosen) {
    if (missing.length > 0) events.problem(`${name} does not offer ${missing.join(", ")}`);
  }
  const timedSources = await timedAll(chosen, run);
  const mode = { ...run, sources: timedSources };
  return await (options.ticks ? ticksOfHistory(mode) : bars(mode));
}

/** A source whose clock is not known is told, and is no reason to leave the others. */
async function timedAll(chosen: readonly ChosenSource[], run: Run): Promise<TimedSource[]> {
  const { request: { options, settings }, events, signal } = run, { brokerTz } = settings;
  const timedSources: TimedSource[] = [];
  for (const source of chosen) {
    try {
      const onProblem = (message: string) => events.problem(message);
      const dryRun = options["dry-run"];
      timedSources.push(await timed(source, { ...run, brokerTz, dryRun, onProblem }));
    } catch (cause) {
      signal.throwIfAborted();
      if (chosen.length === 1) throw cause;
      events.problem(`${source.name} is left out: ${messageOf(cause)}`);
    }
  }
  if (timedSources.length > 0) return timedSources;
  throw new Error("Cannot ingest anything: every source was left out");
}

async function bars(mode: Run & { sources: readonly TimedSource[] }): Promise<number> {
  const { request: { options, settings, resume }, sources, dataDir, bridge, print } = mode;
  const { events, signal } = mode;
  const { marketCalendar: use, symbolCalendarMap: mapFile } = settings;
  const onProblem = (message: string) => events.problem(message);
  using calendars = await Calendars.open({ dataDir, mapFile, use, onProblem });
  const planning = { ...settings, options, dataDir, calendars, onProblem, signal };
  const lanes = await Promise.all(sources.map((source) => laneOf(source, planning)));
  for (const lane of lanes) events.doubts(lane);
  if (options["dry-run"]) {
    const show = options.json ? planJson : planText;
    for (const lane of lanes) print(show(lane.context.source, lane));
    const isPlanned = lanes.every(({ unplanned }) => unplanned.length === 0);
    return isPlanned ? ALL : lanes.every(({ work }) => work.length === 0) ? NONE : SOME;
  }
  for (const lane of lanes) events.planned(lane);
  const copy = options.parquet ? await barCopies(dataDir, events) : undefined;
  const { left, failure } = await runUnits({
    ...settings,
    lanes,
    workers: options.workers,
    session: {
      ...{ bridge, reconnectMs: settings.reconnectMs },
      rateLimit: new RateLimit(options["rate-limit"] * 1000),
    },
    events,
    copy,
    signal,
  });
  if (failure !== undefined) {
    if (events.tally.unitsDone === 0) throw failure;
    events.problem(`Cannot go on: ${messageOf(failure)}`);
  }
  if (options["tick-logging"] && !signal.aborted) await liveTicks(mode);
  const unplanned = lanes.reduce((sum, lane) => sum + lane.unplanned.length, 0);
  const ending = {
    tally: events.tally,
    left: left.length + unplanned,
    resume: left.length > 0 ? resume : undefined,
    wasStopped: signal.aborted && left.length > 0,
  };
  events.ended(ending);
  print(options.json ? summaryJson(ending) : summaryText(ending));
  return exitCodeOf(ending);
}

/** Sessions of one bridge are all of one kind; a folder could not take two. */
function kindOf(sources: readonly OfferedSource[]): DataKind {
  const kinds = new Set(sources.map(({ kind }) => kind)), [kind = "raw"] = kinds;
  if (kinds.size < 2) return kind;
  throw new TypeError(
    `Cannot ingest sources of several kinds into one folder: current kinds are ${
      [...kinds].join(", ")
    }`,
  );
}
