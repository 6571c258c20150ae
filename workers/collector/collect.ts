import {
  type BridgeConnection,
  connectBridge,
  type ConnectOptions,
} from "../../lib/bridge/client.ts";
import type { ServerZone, SourceEvent } from "../../lib/bridge/feed.ts";
import type { FeedHoles } from "../../lib/capture/feed_holes.ts";
import type { Channel } from "../../lib/log/channel.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import { BackOff, nextTurn, pause } from "../../lib/program/pause.ts";
import { toUtcMs } from "../../lib/time/server_zone.ts";
import type { Refusal } from "./admission.ts";
import { Appending, TailMoved } from "./appending.ts";
import type { Collecting } from "./collecting.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { CollectorEvents } from "./events.ts";
import { Gathering, type Group, type SourceClock } from "./gathering.ts";
import { takeIn } from "./intake.ts";
import { Marks } from "./marks.ts";
import { type CaptureFrom, planSession, type Session } from "./session.ts";

export interface CollectOptions {
  readonly log: TickLog;
  readonly channel: Channel;
  readonly events: CollectorEvents;
  readonly deadLetters: DeadLetters;
  /** Outlives a connection: a feed may come back on another than it went away on. */
  readonly holes: FeedHoles;
  /** What the collector says of itself in its beats. */
  readonly collecting: Collecting;
  readonly bridge: Omit<ConnectOptions, "signal">;
  readonly kind: string;
  readonly symbols: readonly string[] | undefined;
  readonly captureFrom: CaptureFrom;
  readonly overlapMs: number;
  readonly groupTicks: number;
  readonly futureLimitMs: number;
  readonly reconnectMaxMs: number;
  /** Stop when the source is over. */
  readonly once: boolean;
  /** Stops reading; what has arrived is appended before `collect` resolves. */
  readonly signal: AbortSignal;
}

/** The bridge serves another kind of data than this program captures: no retry mends that. */
export class WrongSource extends Error {
  override readonly name = "WrongSource";
}

/** From the bridge to the log, over as many connections as it takes, until the signal or the end. */
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
      if (cause instanceof TailMoved) continue;
      // A connection that lasted is no reason to wait longer for the next.
      if (performance.now() - began > options.reconnectMaxMs) backOff.reset();
      const pauseMs = backOff.next();
      collecting.disconnected(cause);
      events.broke(cause, pauseMs);
      await pause(pauseMs, signal);
    }
  }
}

/** One connection, without the symbols that are found to be foreign. True when the source is over. */
async function collectOnce(options: CollectOptions, foreign: Set<string>): Promise<boolean> {
  const { log, events, collecting, signal } = options;
  await using connection = await connectBridge({ ...options.bridge, signal });
  const zone = checkSource(connection, options.kind);
  const symbols = (await connection.symbols()).filter(({ symbol }) =>
    (options.symbols?.includes(symbol) ?? true) && !foreign.has(symbol)
  );
  const { overlapMs, captureFrom } = options;
  const source = connection.source.name;
  const session = await planSession({ log, source, zone, symbols, overlapMs, captureFrom });
  const epoch = await log.epoch() ?? "";
  const appending = new Appending({ ...options, ...session, epoch });
  const marks = new Marks({ log, ...session, intervalMs: 1_000 });
  const gathering = new Gathering(options.groupTicks);
  collecting.connected({ source, symbols: symbols.length, zone, appending, gathering });
  events.connected(source, symbols.length);

  const stop = new AbortController();
  const streamSignal = AbortSignal.any([signal, stop.signal]);
  const stream = connection.stream(session.requests, streamSignal);
  const reading = read(stream, {
    ...options,
    gathering,
    session,
    zone,
  })
    .then(() => gathering.close(), (cause) => gathering.close(signal.aborted ? undefined : cause));
  try {
    return await appendGroups(gathering, { ...options, appending, marks, zone });
  } finally {
    for (const symbol of appending.foreign) foreign.add(symbol);
    gathering.close();
    stop.abort(new DOMException("stream no longer wanted", "AbortError"));
    await reading;
  }
}

function checkSource(connection: BridgeConnection, kind: string): ServerZone {
  const { source } = connection;
  if (source.kind !== kind) {
    throw new WrongSource(
      `Cannot capture ${source.name} as ${kind} data: current kind of the source is ${source.kind}; set DATA_KIND=${source.kind}`,
    );
  }
  if (source.clock === "learned") {
    throw new WrongSource(
      `Cannot capture ${source.name}: its clock's offset from UTC is not known, and nothing is appended on a guess`,
    );
  }
  return source.clock;
}

interface ReadOptions extends CollectOptions {
  readonly gathering: Gathering;
  readonly session: Session;
  readonly zone: ServerZone;
}

/** From the stream to the gathering: refuse, reconcile, stamp. */
async function read(stream: AsyncIterable<SourceEvent>, options: ReadOptions): Promise<void> {
  const { gathering, session, collecting, events, channel, holes, zone } = options;
  let nowServerMs = Infinity;
  let isLive = false;
  // The first tick of any symbol after a hole that began on an earlier connection.
  let backMs = Infinity;
  for await (const event of stream) {
    switch (event.type) {
      case "ticks": {
        const kept = await admit(event.symbol, event.ticks, { ...options, nowServerMs });
        if (!isLive && holes.downSinceMs !== undefined) {
          backMs = Math.min(backMs, firstAfter(kept, holes.downSinceMs));
        }
        if (kept.count > 0) await gathering.addTicks(event.symbol, kept);
        break;
      }
      case "clock":
        nowServerMs = event.nowServerMs;
        // Only a feed that is up tells the time: one that went away on an earlier connection is back,
        // since its first tick as far as anybody can know.
        if (isLive && holes.downSinceMs !== undefined) {
          await tellFeed("up", Math.min(backMs, toUtcMs(nowServerMs, zone)), options);
        }
        gathering.addClock(event);
        break;
      case "live":
        isLive = true;
        session.overlaps.clear();
        channel.publish("feed", {
          state: "up",
          symbols: [],
          atMs: nowServerMs === Infinity ? Date.now() : toUtcMs(nowServerMs, zone),
        });
        break;
      case "feed":
        collecting.feed(event.state);
        events.feed(event.state);
        await tellFeed(event.state, toUtcMs(event.nowServerMs, zone), options);
        break;
      case "ended":
        gathering.addEnd();
        return;
    }
  }
}

/** UTC ms of the earliest tick after `utcMs`; Infinity when none is. */
function firstAfter(ticks: Ticks, utcMs: number): number {
  let first = Infinity;
  for (let index = 0; index < ticks.count; index++) {
    const atMs = ticks.utcMs(index);
    if (atMs > utcMs && atMs < first) first = atMs;
  }
  return first;
}

/** Notes where a hole begins or ends before any later tick is read, and tells those who listen. */
async function tellFeed(
  state: "down" | "up",
  atMs: number,
  { holes, channel, events }: ReadOptions,
): Promise<void> {
  const fromMs = state === "up" ? holes.downSinceMs : undefined;
  try {
    await holes[state](atMs);
  } catch (cause) {
    events.holeNotNoted(cause);
  }
  channel.publish("feed", {
    state,
    symbols: [],
    atMs,
    ...(fromMs === undefined ? {} : { fromMs }),
  });
}

interface AdmitOptions extends ReadOptions {
  readonly nowServerMs: number;
}

async function admit(symbol: string, delivery: Ticks, options: AdmitOptions): Promise<Ticks> {
  const { session, events, deadLetters, zone } = options;
  const overlap = session.overlaps.get(symbol);
  const { kept, repeated, refused } = takeIn(delivery, {
    overlap,
    latestServerMs: options.nowServerMs + options.futureLimitMs,
    toUtcMs: (serverMs) => toUtcMs(serverMs, zone),
  });
  if (overlap?.isEmpty) session.overlaps.delete(symbol);
  if (repeated > 0) events.repeated(symbol, repeated);
  if (refused.length > 0) {
    const reasons = new Map<Refusal, number>();
    for (const [reason] of refused) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    events.refused(symbol, reasons);
    await deadLetters.write(symbol, refused, delivery);
  }
  return kept;
}

interface AppendGroupsOptions extends CollectOptions {
  readonly appending: Appending;
  readonly marks: Marks;
  readonly zone: ServerZone;
}

/** From the gathering to the log. True when the source's end was stored. */
async function appendGroups(gathering: Gathering, options: AppendGroupsOptions): Promise<boolean> {
  const { appending, marks, collecting, zone } = options;
  let clock: SourceClock | undefined;
  let group: Group | undefined;
  while ((group = await gathering.take()) !== undefined) {
    await appending.append(group.ticks);
    await nextTurn();
    clock = group.clock ?? clock;
    collecting.appended(group, clock);
    if (group.ended) {
      await marks.end(toUtcMs(clock?.watermarkServerMs ?? 0, zone));
      options.channel.publish("feed", { state: "ended", symbols: [], atMs: Date.now() });
      return true;
    }
    if (group.clock !== undefined) await marks.reach(toUtcMs(group.clock.watermarkServerMs, zone));
  }
  return false;
}
