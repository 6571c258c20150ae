import type { SourceEvent } from "../../lib/bridge/feed.ts";
import type { FeedHoles } from "../../lib/capture/feed_holes.ts";
import type { Channel } from "../../lib/log/channel.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import type { Refusal } from "../../lib/market/admission.ts";
import type { Collecting } from "./collecting.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { CollectorEvents } from "./events.ts";
import type { Gathering } from "./gathering.ts";
import { takeIn } from "./intake.ts";
import type { Resumption } from "./resumption.ts";
import { ClockUnknown, type Timekeeping } from "./timekeeping.ts";

type TicksEvent = Extract<SourceEvent, { type: "ticks" }>;

export interface ReadingOptions {
  readonly gathering: Gathering;
  readonly resumption: Resumption;
  readonly time: Timekeeping;
  readonly collecting: Collecting;
  readonly events: CollectorEvents;
  readonly channel: Channel;
  readonly deadLetters: DeadLetters;
  readonly holes: FeedHoles;
  readonly futureLimitMs: number;
}

/** What may wait for the source's present, which comes each second. */
const MOST_WAITING_TICKS = 200_000;

/** From one stream to the gathering: refuses, reconciles, stamps. It is the one place where server time becomes UTC. */
export class Reading {
  readonly #options: ReadingOptions;
  /** The source's present on its own clock; no tick may be far beyond it. */
  #nowServerMs = Infinity;
  #isLive = false;
  /** Deliveries that wait, in their order, until the source's present tells what their stamps mean. */
  #waiting: TicksEvent[] = [];
  #waitingTicks = 0;
  /** The first tick of any symbol after a hole that began on an earlier connection. */
  #backMs = Infinity;

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the stream ends.
   * @throws ClockUnknown where it is not known which rule holds: what was not yet gathered is read
   * again once it is.
   */
  async run(stream: AsyncIterable<SourceEvent>): Promise<void> {
    for await (const event of stream) {
      if (event.type === "ended") {
        await this.#release();
        this.#options.gathering.addEnd();
        return;
      }
      await this.#take(event);
    }
  }

  async #take(event: Exclude<SourceEvent, { type: "ended" }>): Promise<void> {
    const { gathering, resumption, collecting, events, channel, time } = this.#options;
    switch (event.type) {
      case "ticks":
        if (this.#mustWait(event)) this.#wait(event);
        else await this.#takeTicks(event);
        break;
      case "clock":
        this.#nowServerMs = event.nowServerMs;
        await this.#takePresent({
          nowUtcMs: time.toUtcMs(event.nowServerMs),
          watermarkUtcMs: time.toUtcMs(event.watermarkServerMs),
        });
        break;
      case "present":
        if (await time.observe(event)) await this.#release();
        this.#nowServerMs = time.toServerMs(event.nowUtcMs);
        // What waits is delivered, and not yet gathered.
        await this.#takePresent(
          this.#waiting.length === 0 ? event : { ...event, watermarkUtcMs: 0 },
        );
        break;
      case "live":
        this.#isLive = true;
        resumption.overlaps.clear();
        channel.publish("feed", {
          state: "up",
          ...this.#options.holes.whose,
          atMs: gathering.presentUtcMs ?? Date.now(),
        });
        break;
      case "feed":
        collecting.feed(event.state);
        events.feed(event.state);
        await this.#tellFeed(
          event.state,
          "nowUtcMs" in event ? event.nowUtcMs : time.toUtcMs(event.nowServerMs),
        );
        break;
    }
  }

  /**
   * The first ticks by a clock that was changed come before the present that tells of the change, and
   * would be stamped by the old rule. What comes after one of them keeps its place behind it.
   */
  #mustWait({ ticks }: TicksEvent): boolean {
    if (!this.#isLive) return false;
    if (this.#waiting.length > 0) return true;
    const newestServerMs = ticks.serverMs(ticks.count - 1);
    return this.#options.time.isDoubtful(newestServerMs, this.#nowServerMs);
  }

  #wait(event: TicksEvent): void {
    this.#waiting.push(event);
    this.#waitingTicks += event.ticks.count;
    if (this.#waitingTicks <= MOST_WAITING_TICKS) return;
    throw new ClockUnknown(
      `${this.#waitingTicks} ticks came whose stamps are far from the source's present, and it does not tell the time`,
    );
  }

  async #release(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingTicks = 0;
    for (const event of waiting) await this.#takeTicks(event);
  }

  async #takeTicks({ symbol, ticks: delivery }: TicksEvent): Promise<void> {
    const { gathering, holes } = this.#options;
    const kept = await this.#admit(symbol, delivery);
    if (kept.count === 0) return;
    if (!this.#isLive && holes.downSinceMs !== undefined) {
      this.#backMs = Math.min(this.#backMs, firstAfter(kept, holes.downSinceMs));
    }
    await gathering.addTicks(symbol, kept);
  }

  async #takePresent(present: { nowUtcMs: number; watermarkUtcMs: number }): Promise<void> {
    const { gathering, holes } = this.#options;
    // Only a feed that is up tells the time: one that went away on an earlier connection is back,
    // since its first tick as far as anybody can know.
    if (this.#isLive && holes.downSinceMs !== undefined) {
      await this.#tellFeed("up", Math.min(this.#backMs, present.nowUtcMs));
    }
    const { nowUtcMs, watermarkUtcMs } = present;
    gathering.addPresent({ nowUtcMs, watermarkUtcMs });
  }

  /** Notes where a hole begins or ends before any later tick is read, and tells those who listen. */
  async #tellFeed(state: "down" | "up", atMs: number): Promise<void> {
    const { holes, channel, events } = this.#options;
    const fromMs = state === "up" ? holes.downSinceMs : undefined;
    try {
      await holes[state](atMs);
    } catch (cause) {
      events.holeNotNoted(cause);
    }
    channel.publish("feed", {
      state,
      ...holes.whose,
      atMs,
      ...(fromMs === undefined ? {} : { fromMs }),
    });
  }

  async #admit(symbol: string, delivery: Ticks): Promise<Ticks> {
    const { resumption, events, deadLetters, time, futureLimitMs } = this.#options;
    const overlap = resumption.overlaps.get(symbol);
    const { kept, repeated, refused } = takeIn(delivery, {
      overlap,
      latestServerMs: this.#nowServerMs + futureLimitMs,
      toUtcMs: (serverMs) => time.toUtcMs(serverMs),
    });
    if (overlap?.isEmpty) resumption.overlaps.delete(symbol);
    if (repeated > 0) events.repeated(symbol, repeated);
    if (refused.length > 0) {
      const reasons = new Map<Refusal, number>();
      for (const [reason] of refused) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      events.refused(symbol, reasons);
      await deadLetters.write(symbol, refused, delivery);
    }
    return kept;
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
