import type { SourceEvent } from "../../lib/bridge/feed.ts";

type TicksEvent = Extract<SourceEvent, { type: "ticks" }>;
type TimeEvent = Extract<SourceEvent, { type: "clock" | "present" }>;

interface Item {
  readonly event: SourceEvent;
  /** Of a page that was asked for; else it came by itself. */
  readonly isHistory: boolean;
}

/** A frame of single ticks costs in objects what this many ticks cost in bytes. */
const LEAST_TICKS = 5;
const MAX_PULLED = 4096;

/** Events between a driver and who pulls a stream; counts what waits, and refuses nothing. */
export class ProcessQueue {
  #items: Item[] = [];
  #at = 0;
  #historyTicks = 0;
  #liveTicks = 0;

  /** Ticks of pages that wait to be pulled. */
  get historyTicks(): number {
    return this.#historyTicks;
  }

  /** Live ticks that wait to be pulled; each frame counts as five at least. */
  get liveTicks(): number {
    return this.#liveTicks;
  }

  pushHistory(event: TicksEvent): void {
    this.#historyTicks += weightOf(event);
    this.#items.push({ event, isHistory: true });
  }

  pushLive(event: Exclude<SourceEvent, TimeEvent>): void {
    this.#liveTicks += weightOf(event);
    this.#items.push({ event, isHistory: false });
  }

  /** Takes the place of one that nothing follows: only the last one tells the time. */
  pushTime(event: TimeEvent): void {
    const last = this.#items.at(-1)?.event;
    if (this.#at < this.#items.length && (last?.type === "clock" || last?.type === "present")) {
      this.#items.pop();
    }
    this.#items.push({ event, isHistory: false });
  }

  /** The oldest; undefined when there is none. */
  shift(): SourceEvent | undefined {
    const item = this.#items[this.#at];
    if (item === undefined) return undefined;
    this.#at++;
    // What was pulled is let go, also by a queue that is never empty.
    if (this.#at === this.#items.length || this.#at === MAX_PULLED) {
      this.#items.splice(0, this.#at);
      this.#at = 0;
    }
    const { event, isHistory } = item;
    if (isHistory) this.#historyTicks -= weightOf(event);
    else this.#liveTicks -= weightOf(event);
    return event;
  }

  clear(): void {
    this.#items = [];
    this.#at = 0;
    this.#historyTicks = 0;
    this.#liveTicks = 0;
  }
}

function weightOf(event: SourceEvent): number {
  if (event.type === "clock" || event.type === "present") return 0;
  return event.type === "ticks" ? Math.max(event.ticks.count, LEAST_TICKS) : LEAST_TICKS;
}
