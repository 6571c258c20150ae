import type { Ticks } from "../../lib/market/tick.ts";
import type { SimulatedMarket } from "./simulated_market.ts";
import { TickBlock } from "./tick_block.ts";

interface Line {
  readonly index: number;
  ticks: Ticks;
  /** The next tick that is not taken. */
  at: number;
}

/**
 * The ticks of the running second, made when it starts and handed out as they fall due. A second's
 * ticks are the market's function of that second, so nothing is remembered beyond it.
 */
export class DueTicks {
  readonly #market: SimulatedMarket;
  readonly #lines: readonly Line[];
  readonly #block = new TickBlock();
  #second = NaN;
  #offsetMs = 0;

  constructor(market: SimulatedMarket, symbolIndexes: readonly number[]) {
    this.#market = market;
    const none = this.#block.take();
    this.#lines = symbolIndexes.map((index) => ({ index, ticks: none, at: 0 }));
  }

  /** When the next tick of the running second is due; its end when none is. UTC ms. */
  get nextUtcMs(): number {
    let next = (this.#second + 1) * 1000;
    for (const { ticks, at } of this.#lines) {
      if (at < ticks.count) next = Math.min(next, ticks.serverMs(at) - this.#offsetMs);
    }
    return next;
  }

  /** The ticks of [fromUtcMs, toUtcMs) by symbol index; each range starts where the last ended. */
  *take(fromUtcMs: number, toUtcMs: number): Generator<[number, Ticks]> {
    for (let second = Math.floor(fromUtcMs / 1000); second * 1000 < toUtcMs; second++) {
      if (second !== this.#second) this.#make(second, fromUtcMs);
      const endServerMs = toUtcMs + this.#offsetMs;
      for (const line of this.#lines) {
        const from = line.at;
        while (line.at < line.ticks.count && line.ticks.serverMs(line.at) < endServerMs) line.at++;
        if (line.at > from) yield [line.index, line.ticks.slice(from, line.at)];
      }
    }
  }

  #make(second: number, fromUtcMs: number): void {
    this.#second = second;
    this.#offsetMs = this.#market.serverOffsetMs(second);
    for (const line of this.#lines) {
      this.#market.writeSecond(line.index, second, this.#block);
      line.ticks = this.#block.take();
      line.at = 0;
      const fromServerMs = fromUtcMs + this.#offsetMs;
      while (line.at < line.ticks.count && line.ticks.serverMs(line.at) < fromServerMs) line.at++;
    }
  }
}
