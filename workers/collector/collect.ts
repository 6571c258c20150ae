import {
  type BridgeConnection,
  connectBridge,
  type ConnectOptions,
} from "../../lib/bridge/client.ts";
import { BridgeError } from "../../lib/bridge/bridge_error.ts";
import type { SessionStatus, SourceSymbol } from "../../lib/bridge/feed.ts";
import type { FeedHoles } from "../../lib/capture/feed_holes.ts";
import type { Channel } from "../../lib/log/channel.ts";
import type { TickMirror } from "../../lib/log/mirror.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import { BackOff, nextTurn, pause } from "../../lib/program/pause.ts";
import { Appending, TailMoved } from "./appending.ts";
import type { Collecting } from "./collecting.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { CollectorEvents } from "./events.ts";
import { Gathering, type Group, type SourcePresent } from "./gathering.ts";
import { Marks } from "./marks.ts";
import { Reading } from "./reading.ts";
import { type CaptureFrom, planResumption, rememberBeginnings } from "./resumption.ts";
import { ClockUnknown, type Timekeeping } from "./timekeeping.ts";

export interface CollectOptions {
  readonly log: TickLog;
  readonly channel: Channel;
  /** Where a copy of what is appended goes, when that is wanted. */
  readonly mirror?: TickMirror | undefined;
  readonly events: CollectorEvents;
  readonly deadLetters: DeadLetters;
  /** Outlives a connection: a feed may come back on another than it went away on. */
  readonly holes: FeedHoles;
  /** Outlives a connection, as what was learned of the source's clock does. */
  readonly time: Timekeeping;
  /** What the collector says of this session in its beats. */
  readonly collecting: Collecting;
  readonly bridge: Omit<ConnectOptions, "signal">;
  readonly kind: string;
  /** Which of the source's symbols are captured. */
  readonly choose: (
    available: readonly SourceSymbol[],
    source: string,
  ) => Promise<readonly SourceSymbol[]>;
  readonly captureFrom: CaptureFrom;
  readonly overlapMs: number;
  readonly groupTicks: number;
  readonly futureLimitMs: number;
  readonly reconnectMaxMs: number;
  /** Hears how the bridge's sessions stand, whenever it says so. */
  readonly onSessions?: (sessions: readonly SessionStatus[]) => void;
  /** Stop when the source is over. */
  readonly once: boolean;
  /** Stops reading; what has arrived is appended before `collect` resolves. */
  readonly signal: AbortSignal;
}

/** The bridge serves another kind of data than this program captures: no retry mends that. */
export class WrongSource extends Error {
  override readonly name = "WrongSource";
}

/** A time whose rule only the operator or many more weeks can tell: the terminal is left in peace. */
const LASTING_PAUSE_MS = 60_000;

/** From one session of the bridge to the log, over as many connections as it takes, until the signal or the end. */
export async function collect(options: CollectOptions): Promise<void> {
  const { signal, events, collecting } = options;
  const backOff = new BackOff({ minMs: 50, maxMs: options.reconnectMaxMs });
  const foreign = new Set<string>();
  while (!signal.aborted) {
    const began = performance.now();
    try {
      const ended = await collectOnce(options, foreign);
      if (ended) {
        events.ended();
        if (options.once) return;
        collecting.disconnected("the source is over");
        await pause(options.reconnectMaxMs, signal);
      }
    } catch (cause) {
      if (signal.aborted) return;
      if (cause instanceof WrongSource) throw cause;
      if (cause instanceof BridgeError) {
        if (cause.code === "unknown_session") throw cause;
        tellSession(options, cause.sessions);
      }
      // A connection that lasted is no reason to wait longer for the next.
      if (performance.now() - began > options.reconnectMaxMs) backOff.reset();
      const isLasting = cause instanceof ClockUnknown && cause.isLasting;
      const pauseMs = isLasting ? LASTING_PAUSE_MS : backOff.next();
      // Appending has told it; two collectors of one log would have it again and again.
      if (!(cause instanceof TailMoved)) {
        collecting.disconnected(cause);
        if (cause instanceof ClockUnknown) events.clockUnknown(cause, pauseMs);
        else events.broke(cause, pauseMs);
      }
      await pause(pauseMs, signal);
    }
  }
}

/** One connection, without the symbols that are found to be foreign. True when the source is over. */
async function collectOnce(options: CollectOptions, foreign: Set<string>): Promise<boolean> {
  const { log, events, collecting, time, holes, signal } = options;
  await using connection = await connectBridge({ ...options.bridge, signal });
  checkKind(connection, options.kind);
  tellSession(options, connection.sessions);
  connection.onSessions((sessions) => tellSession(options, sessions));
  const source = connection.source.name;
  const symbols = (await options.choose(await connection.symbols(), source))
    .filter(({ symbol }) => !foreign.has(symbol));
  if (symbols.length === 0) {
    if (foreign.size > 0) throw nothingIsOurs(source, foreign);
    throw new RangeError(
      `Cannot capture anything from ${source}: it offers none of the wanted symbols; set SYMBOLS`,
    );
  }
  const { overlapMs, captureFrom } = options;
  if (captureFrom === "now" && connection.source.clock === "learned") {
    await rememberBeginnings({ log, source, symbols, nowUtcMs: Date.now() });
  }
  collecting.settling(source);
  await time.settle(connection, { symbols, signal });
  const resumption = await planResumption({
    log,
    source,
    clock: time,
    symbols,
    overlapMs,
    captureFrom,
  });
  for (const [symbol, owner] of resumption.foreign) {
    foreign.add(symbol);
    const rawName = symbols.find((one) => one.symbol === symbol)?.rawName ?? symbol;
    events.foreignFeed(symbol, `${source}:${rawName}`, owner);
  }
  const captured = resumption.requests.map(({ symbol }) => symbol);
  if (captured.length === 0) throw nothingIsOurs(source, foreign);
  if (holes.session !== undefined) holes.symbols = captured;
  const epoch = await log.epoch() ?? "";
  const appending = new Appending({ ...options, ...resumption, epoch });
  const marks = new Marks({
    log,
    ...resumption,
    intervalMs: 1_000,
    closedIntervalMs: 60_000,
    isClosed: () => collecting.trading?.market === "closed",
  });
  const gathering = new Gathering(options.groupTicks);
  collecting.connected({ source, symbols: captured, appending, gathering });
  events.connected(source, captured.length);

  const stop = new AbortController();
  const streamSignal = AbortSignal.any([signal, stop.signal]);
  const reading = new Reading({ ...options, gathering, resumption })
    .run(connection.stream(resumption.requests, streamSignal))
    .then(() => gathering.close(), (cause) => gathering.close(signal.aborted ? undefined : cause));
  try {
    return await appendGroups(gathering, { ...options, appending, marks });
  } finally {
    for (const symbol of appending.foreign) foreign.add(symbol);
    gathering.close();
    stop.abort(new DOMException("stream no longer wanted", "AbortError"));
    await reading;
  }
}

/** A source without a login (invented, recorded) has no session that could fail. */
function tellSession(
  { collecting, bridge, onSessions }: CollectOptions,
  all: readonly SessionStatus[],
): void {
  onSessions?.(all);
  const status = all.find(({ name }) => name === bridge.session) ?? all[0];
  if (status !== undefined) collecting.session = status;
}

function nothingIsOurs(source: string, foreign: ReadonlySet<string>): RangeError {
  return new RangeError(
    `Cannot capture anything from ${source}: other feeds own the streams of ${
      [...foreign].join(", ")
    }; set another DATA_DIR, or name the symbols apart, such as EURUSD@other`,
  );
}

function checkKind({ source }: BridgeConnection, kind: string): void {
  if (source.kind !== kind) {
    throw new WrongSource(
      `Cannot capture ${source.name} as ${kind} data: current kind of the source is ${source.kind}; set DATA_KIND=${source.kind}`,
    );
  }
}

interface AppendGroupsOptions extends CollectOptions {
  readonly appending: Appending;
  readonly marks: Marks;
}

/** From the gathering to the log. True when the source's end was stored. */
async function appendGroups(gathering: Gathering, options: AppendGroupsOptions): Promise<boolean> {
  const { appending, marks, collecting } = options;
  let present: SourcePresent | undefined;
  let group: Group | undefined;
  while ((group = await gathering.take()) !== undefined) {
    await appending.append(group.ticks);
    await nextTurn();
    present = group.present ?? present;
    collecting.appended(group, present);
    if (group.ended) {
      await marks.end(present?.watermarkUtcMs ?? 0);
      options.channel.publish("feed", {
        state: "ended",
        ...options.holes.whose,
        atMs: Date.now(),
      });
      return true;
    }
    if (group.present !== undefined) await marks.reach(group.present.watermarkUtcMs);
  }
  return false;
}
