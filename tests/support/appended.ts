import type { Appended } from "../../lib/log/mirror.ts";
import { lastIdOf } from "../../lib/log/segments.ts";
import { Ticks } from "../../lib/market/tick.ts";
import { formatId, nextId, NO_TICK, type TickId } from "../../lib/market/tick_id.ts";

export const FIRST_MS = Date.UTC(2025, 11, 22, 8);

/** What a log would have stored of one symbol, append after append: ticks 10 ms apart, two an id ms. */
export class AppendedTicks {
  readonly symbol: string;
  readonly feed: string;
  tail: TickId = NO_TICK;
  #count = 0;

  constructor(symbol: string, feed = `test:Demo:${symbol}`) {
    this.symbol = symbol;
    this.feed = feed;
  }

  next(count: number): Appended {
    const ticks = Ticks.from(Array.from({ length: count }, (_, index) => {
      const bid = (110_000 + this.#count + index) / 100_000;
      const serverMs = this.#utcMs(index) + 7_200_000;
      return { serverMs, bid, ask: bid + 0.0001, last: NaN, volume: 0, flags: 6 };
    }));
    for (let index = 0; index < count; index++) ticks.setUtcMs(index, this.#utcMs(index));
    const after = this.tail;
    const firstId = nextId(after, ticks.utcMs(0));
    this.tail = lastIdOf(firstId, ticks);
    this.#count += count;
    const { symbol, feed } = this;
    return { symbol, feed, after, firstId, lastId: this.tail, ticks };
  }

  #utcMs(index: number): number {
    return FIRST_MS + Math.floor((this.#count + index) / 2) * 10;
  }
}

/** The id of each tick. */
export function idsOf({ firstId, ticks }: Appended): string[] {
  let id = firstId;
  return Array.from({ length: ticks.count }, (_, index) => {
    if (index > 0) id = nextId(id, ticks.utcMs(index));
    return formatId(id);
  });
}
