import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import { connectBridge } from "../../../lib/bridge/client.ts";
import type { SourceSymbol } from "../../../lib/bridge/feed.ts";
import { openLogReader } from "../../../lib/log/open_log.ts";
import type { TickLogReader } from "../../../lib/log/tick_log.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { BackOff, pause } from "../../../lib/program/pause.ts";
import type { DataKind } from "../../../lib/program/shared_settings.ts";
import type { IngestEvents } from "./events.ts";
import type { TimedSource } from "./lanes.ts";
import { tickCopies } from "./parquet_copies.ts";
import type { IngestRequest } from "./request.ts";
import type { BridgeOptions, OfferedSource } from "./sources.ts";
import { ALL, NONE, SOME } from "./report/summary.ts";
import { ingestTicks, type TickDay } from "./ticks/ingest_ticks.ts";
import { logTicks } from "./ticks/log_ticks.ts";

export interface TickModeOptions {
  readonly request: IngestRequest;
  readonly sources: readonly TimedSource[];
  readonly bridge: BridgeOptions;
  readonly dataDir: string;
  readonly kind: DataKind;
  readonly events: IngestEvents;
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What a run of ticks came to. */
interface Sums {
  days: number;
  received: number;
  added: number;
  /** Days that were skipped or failed. */
  refused: number;
  /** Symbols that no connection read to their end. */
  left: number;
}

interface History extends TickModeOptions {
  readonly log: TickLogReader;
  readonly copy: ((day: TickDay) => Promise<void>) | undefined;
  readonly sums: Sums;
}

const MAX_RETRY_MS = 30_000;

/** `--ticks`: the vendors' tick history into the day folders, symbols abreast. The exit code. */
export async function ticksOfHistory(mode: TickModeOptions): Promise<number> {
  const { request: { options, settings }, dataDir, kind, events, signal } = mode;
  const { logBackend: backend, redisUrl } = settings;
  await using log = await openLogReader({
    ...{ backend, redisUrl, dataDir, kind, readerPositions: false },
  });
  const copy = options.parquet ? await tickCopies(dataDir, events) : undefined;
  const sums: Sums = { days: 0, received: 0, added: 0, refused: 0, left: 0 };
  const history = { ...mode, log, copy, sums };
  await Promise.all(mode.sources.map((source) => readSource(source, history)));
  const code = codeOf(sums, signal);
  const resume = sums.left > 0 ? mode.request.resume : undefined;
  if (options.json) {
    mode.print(
      JSON.stringify({ event: "summary", exit_code: code, ...sums, resume: resume ?? null }),
    );
  } else {
    mode.print(
      `${sums.days} days: ${sums.received} ticks of the vendor, ${sums.added} added, ` +
        `${sums.refused} days skipped or failed, ${sums.left} symbols not read to their end` +
        `${resume === undefined ? "" : `\nTo go on: ${resume}`}`,
    );
  }
  return code;
}

/** Each of some sessions takes the next symbol. */
async function readSource(source: TimedSource, history: History): Promise<void> {
  const queue = [...source.source.chosen];
  const workers = Math.min(history.request.options.workers, queue.length);
  await Promise.all(Array.from({ length: workers }, async () => {
    for (let symbol = queue.shift(); symbol !== undefined; symbol = queue.shift()) {
      if (!await readSymbol(symbol, { source, history })) history.sums.left++;
    }
  }));
}

/** False when it was stopped, or no connection lasted. Days that are there already cost a read. */
async function readSymbol(
  symbol: SourceSymbol,
  { source: { source, clock, nowUtcMs: nowMs }, history }: {
    source: TimedSource;
    history: History;
  },
): Promise<boolean> {
  const { request: { options, settings }, dataDir, log, copy, sums, events, signal } = history;
  const { from: fromMs = 0, to: toMs = Infinity } = options;
  const backOff = new BackOff({ minMs: settings.retryMs, maxMs: MAX_RETRY_MS });
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      await using connection = await connectTo(source, history);
      const outcome = await ingestTicks({
        ...{ dataDir, connection, symbols: [symbol], clock, fromMs, toMs, nowMs, log, signal },
        dryRun: options["dry-run"],
        async onDay(day) {
          events.day(day);
          if (day.outcome === "added" && !options["dry-run"]) await copy?.(day);
        },
      });
      sums.days += outcome.days.length;
      sums.received += outcome.received;
      sums.added += outcome.added;
      sums.refused += outcome.refused.length;
      return !signal.aborted;
    } catch (cause) {
      if (signal.aborted) return false;
      if (!(cause instanceof BridgeError)) throw cause;
      const isLast = tries >= settings.retries;
      events.problem(
        `${symbol.symbol}: ${messageOf(cause)}${isLast ? "" : "; tries again"}`,
      );
      if (isLast) return false;
      await pause(backOff.next(), signal);
    }
  }
  return false;
}

function codeOf({ days, refused, left }: Sums, signal: AbortSignal): number {
  if (refused + left === 0) return ALL;
  return refused === days && !signal.aborted ? NONE : SOME;
}

/** `--tick-logging`: some seconds of live ticks. A source that fails is told and stops nothing. */
export async function liveTicks(mode: TickModeOptions): Promise<void> {
  const { dataDir, events, signal } = mode;
  for (const { source, clock } of mode.sources) {
    try {
      await using connection = await connectTo(source, mode);
      const symbols = source.chosen;
      const snapshots = await logTicks({ dataDir, connection, symbols, clock, signal });
      const ticks = snapshots.reduce((sum, snapshot) => sum + snapshot.ticks, 0);
      events.line(`${source.name}: logged ${ticks} live ticks of ${snapshots.length} symbols`);
    } catch (cause) {
      if (signal.aborted) return;
      events.problem(`Cannot log the live ticks of ${source.name}: ${messageOf(cause)}`);
    }
  }
}

function connectTo({ lease: session }: OfferedSource, { bridge, signal }: TickModeOptions) {
  return connectBridge({ ...bridge, session, signal });
}
