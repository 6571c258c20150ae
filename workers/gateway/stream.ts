import type { Channel, FeedFact } from "../../lib/log/channel.ts";
import type { TickLogReader } from "../../lib/log/tick_log.ts";
import type { TickId } from "../../lib/market/tick_id.ts";
import { UNIVERSE } from "../../lib/market/universe.ts";
import { CatchUp } from "./catch_up.ts";
import { CommandError, type Subscribe, unknownSymbol, type Wanted } from "./commands.ts";
import type { GatewayEvents } from "./events.ts";
import { FanOut } from "./fan_out.ts";
import { type FeedState, FeedStates } from "./feed_states.ts";
import type { StreamPosition } from "./position_token.ts";
import { RecentTicks } from "./recent.ts";
import { type ResumePoint, resumePoints } from "./resume_points.ts";
import type { Subscriber } from "./subscriber.ts";
import { Tail } from "./tail.ts";

export interface StreamOptions {
  readonly reader: TickLogReader;
  readonly channel: Channel;
  readonly events: GatewayEvents;
  readonly recentBytes: number;
  readonly slowBytes: number;
  readonly maxRecoverTicks: number;
  readonly maxSymbols: number;
}

const UNIVERSE_SYMBOLS: ReadonlySet<string> = new Set(UNIVERSE.map(({ symbol }) => symbol));

/**
 * The live stream, whatever carries it: subscriptions, snapshots, resumes and the facts about the
 * feed. A subscription is answered, its snapshot is sent and the symbol goes live in one breath, so
 * nothing falls between the snapshot and the first live tick.
 */
export class Stream {
  readonly #options: StreamOptions;
  readonly #recent: RecentTicks;
  readonly #fanOut: FanOut;
  readonly #tail: Tail;
  readonly #catchUp: CatchUp;
  readonly #feeds = new FeedStates();
  readonly #begun = Promise.withResolvers<void>();
  #generation = 0;
  #knownSymbols = 0;

  constructor(options: StreamOptions) {
    const { reader, events, recentBytes, slowBytes, maxRecoverTicks } = options;
    this.#options = options;
    this.#recent = new RecentTicks(recentBytes);
    const recent = this.#recent;
    this.#fanOut = new FanOut({ recent, events, slowBytes });
    const fanOut = this.#fanOut;
    this.#tail = new Tail({
      reader,
      recent,
      fanOut,
      events,
      onEpoch: (epoch) => this.#beginEpoch(epoch),
      onMoved: () => this.#noteSymbols(),
    });
    this.#catchUp = new CatchUp({
      reader,
      recent,
      fanOut,
      events,
      maxTicks: maxRecoverTicks,
      bufferBytes: slowBytes,
      generation: () => this.#generation,
    });
  }

  get recent(): RecentTicks {
    return this.#recent;
  }

  get tail(): Tail {
    return this.#tail;
  }

  /** Resolves once there is a log: before that nobody can say what a position means. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get slowCount(): number {
    return this.#fanOut.slowCount;
  }

  get subscribers(): ReadonlySet<Subscriber> {
    return this.#fanOut.subscribers;
  }

  /** Runs until the signal aborts; subscribers stay connected, whoever owns their wires ends them. */
  async run(signal: AbortSignal): Promise<void> {
    const end = this.#options.channel.subscribe("feed", (fact) => this.#tellFeed(fact));
    try {
      await this.#tail.run(signal);
    } finally {
      end();
    }
  }

  add(subscriber: Subscriber): void {
    this.#fanOut.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#fanOut.remove(subscriber);
    subscriber.catchingUp.clear();
    subscriber.live.clear();
  }

  send(subscriber: Subscriber, message: object, event?: string): void {
    this.#fanOut.send(subscriber, message, event);
  }

  feedOf(symbol: string): FeedState {
    return this.#feeds.of(symbol);
  }

  isKnown(symbol: string): boolean {
    if (this.#recent.has(symbol) || UNIVERSE_SYMBOLS.has(symbol)) return true;
    // Before the log could be read nobody can say that it does not hold a symbol.
    return this.#tail.epoch === undefined;
  }

  /**
   * Carries out a subscription whole, or throws and changes nothing. `answer` is sent before the
   * first snapshot or tick.
   * @throws CommandError
   */
  subscribe(subscriber: Subscriber, command: Subscribe): void {
    const symbols = this.#symbolsOf(command.symbols);
    for (const symbol of symbols) if (!this.isKnown(symbol)) throw unknownSymbol(symbol);
    const added = symbols.filter((symbol) => !subscriber.has(symbol)).length;
    const { maxSymbols } = this.#options, total = subscriber.symbolCount() + added;
    if (total > maxSymbols && command.symbols !== "*") {
      throw new CommandError(
        `Cannot subscribe to more than ${maxSymbols} symbols: current value is ${total}`,
        { code: "too_many_symbols" },
      );
    }
    const resumes = resumePoints(symbols, command.after, this.#tail.epoch);
    applyOptions(subscriber, command);
    if (command.symbols === "*") {
      subscriber.all = true;
      subscriber.except.clear();
    }
    for (const symbol of symbols) subscriber.except.delete(symbol);
    const answer = { subscribed: [...asked(command.symbols)], epoch: this.#tail.epoch ?? null };
    this.#fanOut.send(subscriber, answer, "status");
    if (subscriber.channels.has("status")) {
      for (const message of this.#feeds.messages()) this.send(subscriber, message, "status");
    }
    this.#start(subscriber, symbols, { snapshot: command.snapshot, resumes });
  }

  /** Goes on from a position that was handed out with a token. */
  resume(subscriber: Subscriber, symbols: readonly string[], from: StreamPosition): void {
    const resumes = new Map<string, ResumePoint>();
    for (const symbol of symbols) {
      const id = from.positions.get(symbol);
      if (id !== undefined) resumes.set(symbol, from.epoch === this.#tail.epoch ? id : "epoch");
    }
    this.#start(subscriber, symbols, { snapshot: true, resumes });
  }

  unsubscribe(subscriber: Subscriber, wanted: Wanted): void {
    const symbols = wanted === "*" ? [...subscriber.live, ...subscriber.catchingUp.keys()] : wanted;
    if (wanted === "*") subscriber.all = false;
    else if (subscriber.all) { for (const symbol of wanted) subscriber.except.add(symbol); }
    for (const symbol of symbols) {
      subscriber.live.delete(symbol);
      subscriber.catchingUp.delete(symbol);
      subscriber.missed.delete(symbol);
      subscriber.due.delete(symbol);
    }
    this.#fanOut.place(subscriber);
    this.#fanOut.send(subscriber, { unsubscribed: [...symbols] }, "status");
  }

  /** Where a subscriber stands: every tick up to here was written to it, or told as a gap. */
  positionOf(subscriber: Subscriber): StreamPosition | undefined {
    const epoch = this.#tail.epoch;
    if (epoch === undefined) return undefined;
    const positions = new Map<string, TickId>(subscriber.catchingUp);
    for (const symbol of subscriber.live) positions.set(symbol, this.#recent.position(symbol));
    return { epoch, positions };
  }

  #symbolsOf(wanted: Wanted): readonly string[] {
    return wanted === "*" ? [...this.#recent.symbols()] : wanted;
  }

  #start(
    subscriber: Subscriber,
    symbols: readonly string[],
    how: { snapshot: boolean; resumes: ReadonlyMap<string, ResumePoint> },
  ): void {
    const after = new Map<string, TickId>();
    for (const symbol of symbols) {
      subscriber.catchingUp.delete(symbol);
      const from = how.resumes.get(symbol);
      if (from === "epoch") {
        this.#catchUp.refuse(subscriber, symbol, "epoch");
      } else if (from !== undefined) {
        subscriber.live.delete(symbol);
        subscriber.catchingUp.set(symbol, from);
        after.set(symbol, from);
      } else {
        subscriber.live.add(symbol);
        if (how.snapshot) this.#fanOut.sendSnapshot(subscriber, symbol);
      }
    }
    this.#fanOut.place(subscriber);
    if (after.size > 0) this.#runCatchUp(subscriber, after);
  }

  #runCatchUp(subscriber: Subscriber, after: ReadonlyMap<string, TickId>): void {
    this.#catchUp.run(subscriber, after).catch((cause) => {
      this.#options.events.failed("bring a client up to date", cause);
      subscriber.wire.end({ code: 1001, reason: "internal error: reconnect and resume" });
    });
  }

  /** The log is another one: nobody's ids mean anything any more, so all begin again. */
  #beginEpoch(epoch: string): void {
    const first = this.#generation++ === 0;
    this.#knownSymbols = this.#recent.size;
    for (const subscriber of this.#fanOut.subscribers) {
      if (!first) this.send(subscriber, { type: "status", state: "epoch", epoch }, "status");
      // The answer again, so that a client learns the epoch in one place only.
      const subscribed = subscriber.all
        ? ["*"]
        : [...subscriber.live, ...subscriber.catchingUp.keys()];
      this.send(subscriber, { subscribed, epoch }, "status");
      const caughtUp = [...subscriber.live];
      const interrupted = [...subscriber.catchingUp.keys()];
      subscriber.catchingUp.clear();
      subscriber.missed.clear();
      if (subscriber.all) {
        for (const symbol of this.#recent.symbols()) subscriber.live.add(symbol);
      }
      for (const symbol of interrupted) this.#catchUp.refuse(subscriber, symbol, "epoch");
      for (const symbol of new Set([...caughtUp, ...subscriber.live])) {
        if (!interrupted.includes(symbol)) this.#fanOut.sendSnapshot(subscriber, symbol);
      }
      this.#fanOut.place(subscriber);
    }
    this.#begun.resolve();
  }

  #noteSymbols(): void {
    if (this.#recent.size === this.#knownSymbols) return;
    this.#knownSymbols = this.#recent.size;
    for (const subscriber of this.#fanOut.subscribers) {
      if (this.#addNew(subscriber)) this.#fanOut.place(subscriber);
    }
  }

  #addNew(subscriber: Subscriber): boolean {
    const before = subscriber.live.size;
    for (const symbol of this.#recent.symbols()) {
      if (subscriber.wantsNew(symbol)) subscriber.live.add(symbol);
    }
    return subscriber.live.size > before;
  }

  #tellFeed(fact: FeedFact): void {
    const message = this.#feeds.note(fact);
    for (const subscriber of this.#fanOut.subscribers) {
      if (subscriber.channels.has("status")) this.send(subscriber, message, "status");
    }
    if (fact.state !== "up" || fact.fromMs === undefined || fact.fromMs >= fact.atMs) return;
    const symbols = fact.symbols.length > 0 ? fact.symbols : this.#recent.symbols();
    const from = { ms: fact.fromMs, n: 0 }, to = { ms: fact.atMs, n: 0 };
    for (const symbol of symbols) this.#fanOut.sendGap({ symbol, from, to, reason: "feed_down" });
  }
}

function asked(wanted: Wanted): readonly string[] {
  return wanted === "*" ? ["*"] : wanted;
}

function applyOptions(subscriber: Subscriber, command: Subscribe): void {
  if (command.batch !== undefined && subscriber.shape !== "sse") {
    subscriber.shape = command.batch ? "batch" : "single";
  }
  if (command.conflateMs !== undefined) subscriber.conflateMs = command.conflateMs;
  if (command.onSlow !== undefined) subscriber.onSlow = command.onSlow;
  if (command.channels !== undefined) subscriber.channels = new Set(command.channels);
}
