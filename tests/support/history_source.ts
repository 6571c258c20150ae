import type { Source } from "../../bridge/source.ts";
import type { ServerZone, SourceEvent, TickRequest } from "../../lib/bridge/feed.ts";
import { type Tick, Ticks } from "../../lib/market/tick.ts";

/** A vendor whose memory of one symbol a test writes down, and may change between two readings. */
export class HistorySource implements Source {
  readonly name: string;
  readonly kind = "raw";
  readonly clock: ServerZone | "learned";
  /** In the vendor's order. */
  history: readonly Tick[] = [];
  /** What the n-th reading of history gives instead; throws as the vendor does. */
  answer: ((reading: number) => readonly Tick[]) | undefined;
  nowServerMs: number;
  /** What comes once the history is told. */
  live: readonly Tick[] = [];
  offered = [{ symbol: "EURUSD", rawName: "EURUSDm", digits: 5 }];
  readings = 0;

  constructor({ clock, nowServerMs, name = "scripted:test" }: {
    clock: ServerZone | "learned";
    nowServerMs: number;
    name?: string;
  }) {
    this.name = name;
    this.clock = clock;
    this.nowServerMs = nowServerMs;
  }

  symbols() {
    return Promise.resolve(this.offered);
  }

  specs() {
    return Promise.resolve([]);
  }

  account() {
    return Promise.resolve({ id: "1", server: "test", currency: "EUR" });
  }

  bars() {
    return Promise.resolve([]);
  }

  async *stream(
    [request]: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    const { symbol = "", fromServerMs = "now" } = request ?? {};
    if (fromServerMs !== "now") {
      const told = this.answer?.(this.readings++) ?? this.history;
      const wanted = told.filter(({ serverMs }) => serverMs >= fromServerMs);
      for (let from = 0; from < wanted.length; from += 7) {
        yield { type: "ticks", symbol, ticks: Ticks.from(wanted.slice(from, from + 7)) };
      }
    }
    yield { type: "live" };
    yield this.#present();
    if (this.live.length > 0) yield { type: "ticks", symbol, ticks: Ticks.from(this.live) };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #present(): SourceEvent {
    const { nowServerMs } = this;
    if (this.clock !== "learned") {
      return { type: "clock", nowServerMs, watermarkServerMs: nowServerMs };
    }
    const nowUtcMs = nowServerMs, watermarkUtcMs = nowServerMs;
    return { type: "present", nowUtcMs, watermarkUtcMs, newestServerMs: null };
  }
}
