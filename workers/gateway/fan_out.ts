import type { Segment } from "../../lib/log/tick_log.ts";
import type { GatewayEvents } from "./events.ts";
import { type Bytes, encodeMessage, encodeRuns } from "./frames.ts";
import type { RecentTicks } from "./recent.ts";
import { type Gap, gapMessage, type Missed, type Subscriber } from "./subscriber.ts";
import { countOf } from "./segments.ts";
import { encodeTicks } from "./tick_json.ts";
import { newestRuns, type Recipients, Turn } from "./turn.ts";

/** More messages than this for a client that takes nothing: it is ended instead. */
const MAX_HELD_MESSAGES = 256;

export interface FanOutOptions {
  readonly recent: RecentTicks;
  readonly events: GatewayEvents;
  /** A client with more than this waiting in its socket is slow, in bytes. */
  readonly slowBytes: number;
}

/** Subscribers that are sent the very same bytes. */
interface Audience extends Recipients {
  readonly key: string;
  readonly members: Set<Subscriber>;
}

/**
 * Sends each turn's ticks to everybody who wants them. A tick is encoded once, a frame is built once
 * a shape, and all that a client gets in a turn is one buffer, shared by its whole audience, and one
 * socket write.
 *
 * A client whose socket buffer is over the limit is sent nothing until it has taken half of it; then
 * it gets a `gap` and the newest tick of each symbol it missed. No client waits for another.
 */
export class FanOut {
  readonly #recent: RecentTicks;
  readonly #events: GatewayEvents;
  readonly #slowBytes: number;
  readonly #subscribers = new Set<Subscriber>();
  readonly #audiences = new Map<string, Audience>();
  readonly #audienceOf = new Map<Subscriber, Audience>();
  readonly #slow = new Set<Subscriber>();
  readonly #conflated = new Set<Subscriber>();
  readonly #quotes = new Map<string, { bid: number; ask: number }>();

  constructor(options: FanOutOptions) {
    this.#recent = options.recent;
    this.#events = options.events;
    this.#slowBytes = options.slowBytes;
  }

  get subscribers(): ReadonlySet<Subscriber> {
    return this.#subscribers;
  }

  get slowCount(): number {
    return this.#slow.size;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    this.place(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#unplace(subscriber);
    this.#slow.delete(subscriber);
    this.#conflated.delete(subscriber);
    clearTimeout(subscriber.conflateTimer);
  }

  /** Puts a subscriber where its wishes now belong; call it after each change of them. */
  place(subscriber: Subscriber): void {
    this.#unplace(subscriber);
    this.#conflated.delete(subscriber);
    if (!this.#subscribers.has(subscriber) || subscriber.slow) return;
    if (subscriber.conflateMs > 0) {
      this.#conflated.add(subscriber);
      return;
    }
    clearTimeout(subscriber.conflateTimer);
    subscriber.conflateTimer = undefined;
    const key = subscriber.audienceKey();
    let audience = this.#audiences.get(key);
    if (audience === undefined) {
      audience = {
        key,
        symbols: key.endsWith(" *") ? undefined : new Set(subscriber.live),
        shape: subscriber.shape,
        channels: subscriber.channels,
        members: new Set(),
      };
      this.#audiences.set(key, audience);
    }
    audience.members.add(subscriber);
    this.#audienceOf.set(subscriber, audience);
  }

  /** Sends a turn's ticks. `recent` holds them already. */
  deliver(turn: readonly Segment[]): void {
    const batch = new Turn(turn, this.#changedQuotes(turn));
    let delivered = 0, bytes = 0;
    for (const audience of this.#audiences.values()) {
      const sent = batch.bytesFor(audience);
      if (sent === undefined) continue;
      for (const subscriber of audience.members) {
        if (subscriber.wire.bufferedBytes > this.#slowBytes) {
          this.#becomeSlow(subscriber);
          continue;
        }
        subscriber.wire.write(sent.bytes);
        delivered += sent.ticks;
        bytes += sent.bytes.length;
      }
    }
    for (const subscriber of this.#conflated) this.#noteDue(subscriber, turn);
    for (const subscriber of this.#slow) {
      for (const { symbol, firstId, ticks } of turn) {
        subscriber.noteMissed(symbol, firstId, ticks.count);
      }
      this.#recover(subscriber);
    }
    this.#events.published({ ticks: countOf(turn), delivered, bytes });
  }

  /** Sends a message to one subscriber, or keeps it until the subscriber takes data again. */
  send(subscriber: Subscriber, message: object, event?: string): void {
    const bytes = encodeMessage(subscriber.shape, message, event);
    if (!subscriber.slow && subscriber.wire.bufferedBytes <= this.#slowBytes) {
      subscriber.wire.write(bytes);
      return;
    }
    if (!subscriber.slow) this.#becomeSlow(subscriber);
    subscriber.held.push(bytes);
    if (subscriber.held.length > MAX_HELD_MESSAGES) this.#endSlow(subscriber);
  }

  /** The newest tick of a symbol as a snapshot; nothing when the symbol has no tick yet. */
  sendSnapshot(subscriber: Subscriber, symbol: string): void {
    const newest = this.#recent.newest(symbol);
    if (newest === undefined) return;
    const bytes = encodeRuns(subscriber.shape, [encodeTicks(newest, "snapshot")], "tick");
    if (subscriber.slow || subscriber.wire.bufferedBytes > this.#slowBytes) {
      if (!subscriber.slow) this.#becomeSlow(subscriber);
      subscriber.noteMissed(symbol, newest.firstId, 1);
      return;
    }
    subscriber.wire.write(bytes);
  }

  /** Tells everybody who is subscribed to the symbol. */
  sendGap(gap: Gap): void {
    const message = gapMessage(gap);
    for (const subscriber of this.#subscribers) {
      if (subscriber.has(gap.symbol)) this.send(subscriber, message, "gap");
    }
  }

  #becomeSlow(subscriber: Subscriber): void {
    this.#events.slowClient(subscriber.onSlow);
    if (subscriber.onSlow === "disconnect") return this.#endSlow(subscriber);
    subscriber.slow = true;
    this.#slow.add(subscriber);
    this.#unplace(subscriber);
    this.#conflated.delete(subscriber);
    // Its commands wait too: an answer would have no room.
    subscriber.wire.pause();
    subscriber.wire.drained().then(() => this.#recover(subscriber));
  }

  #endSlow(subscriber: Subscriber): void {
    this.remove(subscriber);
    subscriber.wire.end({ code: 4008, reason: "too slow: read faster or subscribe to less" });
  }

  /** Takes a slow subscriber back once there is room: what it missed, told as gaps, then live. */
  #recover(subscriber: Subscriber): void {
    if (!this.#slow.has(subscriber) || subscriber.wire.bufferedBytes > this.#slowBytes / 2) return;
    subscriber.slow = false;
    subscriber.recoveredMs = performance.now();
    this.#slow.delete(subscriber);
    for (const bytes of subscriber.held.splice(0)) subscriber.wire.write(bytes);
    for (const [symbol, missed] of subscriber.missed) this.#sendMissed(subscriber, symbol, missed);
    subscriber.missed.clear();
    this.place(subscriber);
    subscriber.wire.resume();
  }

  #sendMissed(
    subscriber: Subscriber,
    symbol: string,
    missed: Missed,
  ): void {
    const newest = this.#recent.newest(symbol);
    if (newest === undefined || !subscriber.live.has(symbol)) return;
    if (missed.count > 1 && subscriber.conflateMs === 0) {
      const gap: Gap = {
        symbol,
        from: missed.from,
        to: newest.firstId,
        reason: "slow_client",
      };
      subscriber.send(gapMessage(gap), "gap");
    }
    subscriber.wire.write(this.#newestBytes(subscriber, newest));
  }

  #newestBytes(subscriber: Subscriber, newest: Segment): Bytes {
    return encodeRuns(subscriber.shape, newestRuns(subscriber.channels, newest), "tick");
  }

  #noteDue(subscriber: Subscriber, turn: readonly Segment[]): void {
    for (const { symbol } of turn) if (subscriber.live.has(symbol)) subscriber.due.add(symbol);
    if (subscriber.due.size === 0 || subscriber.conflateTimer !== undefined) return;
    subscriber.conflateTimer = setTimeout(() => {
      subscriber.conflateTimer = undefined;
      this.#sendDue(subscriber);
    }, subscriber.conflateMs);
  }

  #sendDue(subscriber: Subscriber): void {
    if (!this.#subscribers.has(subscriber)) return;
    if (!subscriber.slow && subscriber.wire.bufferedBytes > this.#slowBytes) {
      this.#becomeSlow(subscriber);
    }
    for (const symbol of subscriber.due) {
      const newest = this.#recent.newest(symbol);
      if (newest === undefined || !subscriber.live.has(symbol)) continue;
      if (subscriber.slow) subscriber.noteMissed(symbol, newest.firstId, 1);
      else subscriber.wire.write(this.#newestBytes(subscriber, newest));
    }
    subscriber.due.clear();
  }

  #unplace(subscriber: Subscriber): void {
    const audience = this.#audienceOf.get(subscriber);
    if (audience === undefined) return;
    audience.members.delete(subscriber);
    this.#audienceOf.delete(subscriber);
    if (audience.members.size === 0) this.#audiences.delete(audience.key);
  }

  /** Segments whose last quote differs from the symbol's last one: what `quotes` sends. */
  #changedQuotes(turn: readonly Segment[]): Set<Segment> {
    const changed = new Set<Segment>();
    for (const segment of turn) {
      const { ticks, symbol } = segment, index = ticks.count - 1;
      const bid = ticks.bid(index), ask = ticks.ask(index);
      const before = this.#quotes.get(symbol);
      if (before !== undefined && Object.is(before.bid, bid) && Object.is(before.ask, ask)) {
        continue;
      }
      this.#quotes.set(symbol, { bid, ask });
      changed.add(segment);
    }
    return changed;
  }
}
