import type { Segment, TickLogReader } from "../../lib/log/tick_log.ts";
import { compareIds, type TickId } from "../../lib/market/tick_id.ts";
import { BackOff, pause } from "../../lib/program/pause.ts";
import type { GatewayEvents } from "./events.ts";
import type { FanOut } from "./fan_out.ts";
import { encodeRuns } from "./frames.ts";
import type { RecentTicks } from "./recent.ts";
import { countOf, partsOf, partUpTo } from "./segments.ts";
import { afterId, type Gap, gapMessage, type Subscriber } from "./subscriber.ts";
import { encodeTicks } from "./tick_json.ts";

/** Ticks written between two looks at the client's buffer. */
const WRITE_TICKS = 1000;
/** Ticks of one read of the log. */
const READ_TICKS = 10_000;
/** A client that takes nothing for this long while it is caught up is ended, in ms. */
const STALL_MS = 10_000;
/** Catch-ups that hold ticks out of the log at a time; the others wait for their turn. */
const MAX_FROM_LOG = 4;

export type NotRecovered = "trimmed" | "epoch" | "too_many";

export interface CatchUpOptions {
  readonly reader: TickLogReader;
  readonly recent: RecentTicks;
  readonly fanOut: FanOut;
  readonly events: GatewayEvents;
  /** More ticks than this are not recovered for one symbol. */
  readonly maxTicks: number;
  /** Bytes that may wait in the client's socket before the catch-up waits for it. */
  readonly bufferBytes: number;
  /** Grows whenever the log is begun anew. */
  generation(): number;
}

/**
 * Brings a subscriber from an id to the present of a symbol without a hole or a repetition, then
 * makes the symbol live. Either all of it is sent, announced with its count before the first tick,
 * or nothing: then the reason is sent, and a snapshot.
 *
 * What is near is in memory and goes out at once. Older ticks are read from the log, for a few
 * clients at a time, so that a crowd that comes back together costs bounded memory.
 */
export class CatchUp {
  readonly #options: CatchUpOptions;
  #fromLog = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Symbols of one subscriber, one after the other. */
  async run(subscriber: Subscriber, after: ReadonlyMap<string, TickId>): Promise<void> {
    const late: [string, TickId][] = [];
    for (const [symbol, id] of after) {
      if (!this.#sendRecent(subscriber, symbol, id)) late.push([symbol, id]);
    }
    if (late.length === 0) return;
    await this.#takePlace();
    try {
      for (const [symbol, id] of late) {
        const stillWanted = subscriber.catchingUp.get(symbol) === id;
        if (stillWanted && subscriber.wire.open) await this.#sendFromLog(subscriber, symbol, id);
      }
    } finally {
      this.#fromLog--;
      this.#waiting.shift()?.();
    }
  }

  /** Says that a symbol is not recovered, and why; a snapshot follows, and the symbol is live. */
  refuse(subscriber: Subscriber, symbol: string, reason: NotRecovered): void {
    const { fanOut, events } = this.#options;
    events.recovery(symbol, reason, 0);
    const message = { type: "recovered", symbol, recovered: false, reason };
    fanOut.send(subscriber, message, "status");
    this.#goLive(subscriber, symbol);
    fanOut.sendSnapshot(subscriber, symbol);
  }

  /** All at once from memory; false when memory or the client's buffer does not allow it. */
  #sendRecent(subscriber: Subscriber, symbol: string, id: TickId): boolean {
    const { recent, maxTicks, bufferBytes } = this.#options;
    if (compareIds(id, recent.position(symbol)) > 0) return false;
    if (subscriber.slow || subscriber.wire.bufferedBytes > bufferBytes / 2) return false;
    const segments = recent.since(symbol, id);
    if (segments === undefined) return false;
    const count = countOf(segments);
    if (count > Math.min(WRITE_TICKS, maxTicks)) return false;
    this.#announce(subscriber, symbol, count);
    write(subscriber, segments);
    this.#goLive(subscriber, symbol);
    return true;
  }

  async #sendFromLog(subscriber: Subscriber, symbol: string, id: TickId): Promise<void> {
    const { recent, generation } = this.#options;
    const begun = generation();
    const current = () =>
      generation() === begun && subscriber.wire.open && subscriber.catchingUp.get(symbol) === id;
    let segments = await this.#gather(symbol, id, current);
    if (!current()) return;
    if (typeof segments === "string") return this.refuse(subscriber, symbol, segments);
    this.#announce(subscriber, symbol, countOf(segments));
    let position = id;
    for (;;) {
      if (!await this.#pump(subscriber, segments, current)) return;
      position = segments.at(-1)?.lastId ?? position;
      // What came while the client took the last part is next. Nothing may be awaited between seeing
      // that nothing came and going live, or a turn would fall in between.
      const near = recent.since(symbol, position);
      if (near?.length === 0) return this.#goLive(subscriber, symbol);
      const more = near ?? await this.#gather(symbol, position, current);
      if (!current()) return;
      if (typeof more === "string") return this.#giveUp(subscriber, symbol, position);
      segments = more;
    }
  }

  /** Everything after `id` up to the gateway's position, or why it cannot be had. */
  async #gather(
    symbol: string,
    id: TickId,
    current: () => boolean,
  ): Promise<Segment[] | NotRecovered> {
    const { reader, recent, maxTicks } = this.#options;
    const checkpoint = await this.#retrying(() => reader.checkpoint(symbol), current);
    if (checkpoint === undefined || compareIds(id, checkpoint.lastId) > 0) return "epoch";
    // Another gateway was ahead of this one: what it sent is waited for, and not sent again.
    while (current() && compareIds(id, recent.position(symbol)) > 0) await pause(20);
    const gathered: Segment[] = [];
    let from = id, count = 0;
    while (current() && compareIds(from, recent.position(symbol)) < 0) {
      const after = new Map([[symbol, from]]);
      const page = await this.#retrying(
        () => reader.read(after, { maxTicks: READ_TICKS }),
        current,
      );
      if (page === undefined || page.length === 0) break;
      for (const segment of page) {
        from = segment.lastId;
        const part = partUpTo(segment, recent.position(symbol));
        if (part === undefined) continue;
        gathered.push(part);
        count += part.ticks.count;
      }
      if (count > maxTicks) return "too_many";
    }
    // Asked last: had a part been trimmed before it was read, it shows now.
    const end = await this.#retrying(() => reader.checkpoint(symbol), current);
    return end === undefined || compareIds(end.trimmedId, id) > 0 ? "trimmed" : gathered;
  }

  /** A log that cannot be reached now is asked again while the client waits. */
  async #retrying<T>(ask: () => Promise<T>, current: () => boolean): Promise<T | undefined> {
    const backOff = new BackOff({ minMs: 100, maxMs: 2000 });
    while (current()) {
      try {
        return await ask();
      } catch (cause) {
        this.#options.events.failed("read the log for a client that resumes", cause);
        await pause(backOff.next());
      }
    }
    return undefined;
  }

  /** Writes as fast as the client takes it; false when the client is gone, or was ended. */
  async #pump(
    subscriber: Subscriber,
    segments: readonly Segment[],
    current: () => boolean,
  ): Promise<boolean> {
    const { bufferBytes, fanOut } = this.#options;
    for (const segment of segments) {
      for (const part of partsOf(segment, WRITE_TICKS)) {
        while (current() && (subscriber.slow || subscriber.wire.bufferedBytes > bufferBytes / 2)) {
          if (await drainedInTime(subscriber)) continue;
          fanOut.remove(subscriber);
          subscriber.wire.end({ code: 4008, reason: "too slow: read faster, then resume" });
        }
        if (!current()) return false;
        write(subscriber, [part]);
      }
    }
    return true;
  }

  /** The client fell behind what the log keeps after its recovery was complete: a gap, then live. */
  #giveUp(subscriber: Subscriber, symbol: string, position: TickId): void {
    const { fanOut, recent } = this.#options;
    const newest = recent.newest(symbol);
    this.#goLive(subscriber, symbol);
    if (newest === undefined) return;
    const gap: Gap = {
      symbol,
      from: afterId(position),
      to: newest.firstId,
      reason: "slow_client",
    };
    fanOut.send(subscriber, gapMessage(gap), "gap");
    write(subscriber, [newest]);
  }

  #announce(subscriber: Subscriber, symbol: string, count: number): void {
    const { fanOut, events } = this.#options;
    events.recovery(symbol, "recovered", count);
    fanOut.send(subscriber, { type: "recovered", symbol, recovered: true, count }, "status");
  }

  #goLive(subscriber: Subscriber, symbol: string): void {
    subscriber.catchingUp.delete(symbol);
    subscriber.live.add(symbol);
    this.#options.fanOut.place(subscriber);
  }

  async #takePlace(): Promise<void> {
    while (this.#fromLog >= MAX_FROM_LOG) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#fromLog++;
  }
}

function write(subscriber: Subscriber, segments: readonly Segment[]): void {
  if (segments.length === 0) return;
  const runs = segments.map((segment) => encodeTicks(segment));
  subscriber.wire.write(encodeRuns(subscriber.shape, runs, "tick"));
}

async function drainedInTime(subscriber: Subscriber): Promise<boolean> {
  const late = new AbortController();
  const drained = subscriber.wire.drained().then(() => true);
  const inTime = await Promise.race([drained, pause(STALL_MS, late.signal).then(() => false)]);
  late.abort();
  return inTime;
}
