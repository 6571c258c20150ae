import { formatId, type TickId } from "../../lib/market/tick_id.ts";
import { type Bytes, encodeMessage, type Shape } from "./frames.ts";
import type { Wire } from "./wire.ts";

export type ChannelName = "ticks" | "quotes" | "status";

/** What a slow subscriber was not sent of one symbol. */
export interface Missed {
  /** The first tick that it was not sent. */
  readonly from: TickId;
  count: number;
}

export interface SubscriberOptions {
  readonly shape: Shape;
  readonly onSlow: "conflate" | "disconnect";
}

/**
 * One client of the stream, over whatever transport: what it asked for, and where it stands. Only
 * `fan_out.ts` and `catch_up.ts` change it.
 */
export class Subscriber {
  readonly wire: Wire;
  shape: Shape;
  onSlow: "conflate" | "disconnect";
  channels: ReadonlySet<ChannelName> = new Set<ChannelName>(["ticks"]);
  /** 0: every tick. Otherwise the newest tick of a symbol, at most this often. */
  conflateMs = 0;
  /** Symbols that come to be known later are subscribed too. */
  all = false;
  /** Of all, those that were unsubscribed by name. */
  readonly except = new Set<string>();
  /** Symbols whose next tick goes out when it comes. */
  readonly live = new Set<string>();
  /** Symbols being caught up from these ids: their live ticks wait. */
  readonly catchingUp = new Map<string, TickId>();
  /** Its buffer is over the limit: it is sent nothing. */
  slow = false;
  /** When it last took its full buffer, by `performance.now()`: a sign of life like a pong. */
  recoveredMs = 0;
  readonly missed = new Map<string, Missed>();
  /** Conflated symbols with a newer tick than was sent. */
  readonly due = new Set<string>();
  conflateTimer: ReturnType<typeof setTimeout> | undefined;
  /** Messages that are no ticks and came while it was slow. */
  readonly held: Bytes[] = [];

  constructor(wire: Wire, options: SubscriberOptions) {
    this.wire = wire;
    this.shape = options.shape;
    this.onSlow = options.onSlow;
  }

  noteMissed(symbol: string, from: TickId, count: number): void {
    if (!this.live.has(symbol)) return;
    const missed = this.missed.get(symbol);
    if (missed === undefined) this.missed.set(symbol, { from, count });
    else missed.count += count;
  }

  /** Whether a symbol that has just come to be known is among what was asked for. */
  wantsNew(symbol: string): boolean {
    return this.all && !this.except.has(symbol) && !this.has(symbol);
  }

  has(symbol: string): boolean {
    return this.live.has(symbol) || this.catchingUp.has(symbol);
  }

  symbolCount(): number {
    return this.live.size + this.catchingUp.size;
  }

  /** What subscribers have in common when they are sent the very same bytes. */
  audienceKey(): string {
    const everything = this.all && this.catchingUp.size === 0 && this.except.size === 0;
    const symbols = everything ? "*" : [...this.live].sort().join();
    return `${this.shape} ${[...this.channels].sort().join()} ${symbols}`;
  }

  send(message: object, event?: string): void {
    this.wire.write(encodeMessage(this.shape, message, event));
  }
}

/** A hole in what a subscriber is sent: ids in `[from, to)`. */
export interface Gap {
  readonly symbol: string;
  readonly from: TickId;
  readonly to: TickId;
  readonly reason: "feed_down" | "slow_client" | "log_trimmed";
}

export function gapMessage({ symbol, from, to, reason }: Gap): object {
  return { type: "gap", symbol, from: formatId(from), to: formatId(to), reason };
}

/** The least id after this one. */
export function afterId({ ms, n }: TickId): TickId {
  return { ms, n: n + 1 };
}
