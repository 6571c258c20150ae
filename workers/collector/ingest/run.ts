import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import type { BarFile } from "../../../lib/capture/bars/bar_cycle.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { BackOff, pause } from "../../../lib/program/pause.ts";
import { type IngestEvents, nameOf } from "./events.ts";
import type { SymbolWork, WorkUnit } from "./plan.ts";
import { IngestSession, SessionLost, type SessionOptions } from "./session.ts";
import { ingestUnit, recordFailure, type UnitContext, type UnitResult } from "./unit.ts";

/** The work of one source, and what its units share. */
export interface Lane {
  /** See `OfferedSource`. */
  readonly lease: string;
  readonly context: UnitContext;
  readonly work: readonly SymbolWork[];
}

export interface RunOptions {
  readonly lanes: readonly Lane[];
  /** Sessions at once; every source has one at least. */
  readonly workers: number;
  readonly session: Omit<SessionOptions, "source" | "lease" | "onProblem" | "signal">;
  /** New tries of a failed unit. */
  readonly retries: number;
  readonly retryMs: number;
  readonly events: IngestEvents;
  /** Copies the files of a unit that is recorded; it never fails. */
  readonly copy: ((files: readonly BarFile[]) => Promise<void>) | undefined;
  /** Takes nothing new; what is being written is finished and recorded. */
  readonly signal: AbortSignal;
}

const MAX_RETRY_MS = 30_000;

export interface RunEnding {
  /** What was not done. */
  readonly left: readonly WorkUnit[];
  /** What made it impossible to go on, such as a full disk; undefined when nothing did. */
  readonly failure: unknown;
}

/**
 * Does the units of all lanes, each lane over sessions of its own; a session that is free takes the
 * next symbol. What is left at the end is what no session of its source came back for, or all there
 * was when the signal came, or when a cycle could not be recorded.
 */
export async function runUnits(options: RunOptions): Promise<RunEnding> {
  const all = options.lanes.reduce((sum, { work }) => sum + work.length, 0);
  const fatal = new AbortController();
  const signal = AbortSignal.any([options.signal, fatal.signal]);
  const left = await Promise.all(options.lanes.map((lane) => {
    const share = Math.round(options.workers * lane.work.length / Math.max(all, 1));
    const workers = Math.min(Math.max(share, 1), lane.work.length);
    return runLane(lane, workers, {
      ...options,
      signal,
      fail: (cause) => fatal.abort(cause),
    });
  }));
  return { left: left.flat(), failure: fatal.signal.reason };
}

interface LaneOptions extends RunOptions {
  /** Ends the whole run. */
  readonly fail: (cause: unknown) => void;
}

async function runLane(lane: Lane, workers: number, options: LaneOptions): Promise<WorkUnit[]> {
  const { source } = lane.context, { events, signal } = options;
  const queue = [...lane.work];
  let sessions = Array.from({ length: workers }, () =>
    new IngestSession({
      ...options.session,
      source,
      lease: lane.lease,
      signal,
      onProblem: (message) => events.problem(message),
    }));
  await using open = new AsyncDisposableStack();
  for (const session of sessions) open.use(session);
  // What a lost session leaves is done by those that had ended already.
  while (queue.length > 0 && sessions.length > 0 && !signal.aborted) {
    const worked = await Promise.all(
      sessions.map(async (session) => await work(queue, { lane, session, options }) && session),
    );
    sessions = worked.filter((session) => session !== false);
  }
  if (queue.length > 0 && !signal.aborted) {
    events.problem(`All sessions of ${source} are gone: what is left was not read`);
  }
  return queue.flatMap(({ units }) => units);
}

interface Working {
  readonly lane: Lane;
  readonly session: IngestSession;
  readonly options: LaneOptions;
}

/** Takes symbols until there is none. False when it cannot go on; its work is back in the queue. */
async function work(queue: SymbolWork[], working: Working): Promise<boolean> {
  const { events, signal, fail } = working.options;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { symbol, units } = next;
    for (const [index, unit] of units.entries()) {
      try {
        signal.throwIfAborted();
        const result = await finish(unit, working);
        await working.options.copy?.(result.files);
        events.unit(result);
      } catch (cause) {
        queue.unshift({ symbol, units: units.slice(index) });
        if (signal.aborted) return true;
        if (cause instanceof SessionLost) events.problem(messageOf(cause));
        else fail(cause);
        return false;
      }
    }
    if (signal.aborted) return true;
  }
  return true;
}

/** Tries until it is done, or has failed for good. */
async function finish(
  unit: WorkUnit,
  { lane, session, options }: Working,
): Promise<UnitResult> {
  const { retries, retryMs, events, signal } = options;
  const backOff = new BackOff({ minMs: retryMs, maxMs: MAX_RETRY_MS });
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  for (let tries = 0;; tries++) {
    try {
      return { ...await ingestUnit(unit, session, lane.context), seconds: seconds() };
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof SessionLost || isForbidden(cause)) throw cause;
      if (tries >= retries || isHopeless(cause)) {
        const outcome = await recordFailure(unit, cause, lane.context).catch((failure) => {
          const why = `Cannot record that ${nameOf(unit)} failed (${messageOf(cause)})`;
          throw new Error(why, { cause: failure });
        });
        return { ...outcome, seconds: seconds() };
      }
      const pauseMs = backOff.next();
      events.triesAgain(unit, { cause, pauseMs });
      await pause(pauseMs, signal);
    }
  }
}

/** What asking again cannot change: a symbol that is not there, a time that no clock can place. */
function isHopeless(cause: unknown): boolean {
  return cause instanceof BridgeError
    ? cause.code === "unknown_symbol"
    : cause instanceof RangeError;
}

function isForbidden(cause: unknown): boolean {
  return cause instanceof Deno.errors.NotCapable ||
    cause instanceof Error && isForbidden(cause.cause);
}
