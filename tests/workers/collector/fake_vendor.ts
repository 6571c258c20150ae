import type { Source } from "../../../bridge/source.ts";
import type { ServerZone, SourceEvent, SourceKind, TickRequest } from "../../../lib/bridge/feed.ts";
import { type Tick, Ticks } from "../../../lib/market/tick.ts";

export const TICK: Tick = {
  serverMs: 1_703_271_600_000,
  bid: 1.1,
  ask: 1.2,
  last: NaN,
  volume: NaN,
  flags: 6,
};
export const DAY: readonly Tick[] = Array.from({ length: 500 }, (_, index) => ({
  ...TICK,
  serverMs: TICK.serverMs + Math.floor(index / 3) * 100,
  bid: 1.1 + (index % 7) / 1000,
}));

/** A vendor with a history, which breaks off where a test says. */
export class FakeVendor implements Source {
  readonly name = "fake:server";
  kind: SourceKind = "raw";
  clock: ServerZone | "learned" = { zone: "America/New_York", shiftMs: 7 * 3_600_000 };
  /** Each stream fails after so many ticks; the last entry holds for all later ones. */
  breaksAfter: number[] = [Infinity];
  readonly asked: TickRequest[] = [];
  outage = false;
  readonly offered = [{ symbol: "EURUSD", rawName: "EURUSDm", digits: 5 }];

  symbols() {
    return Promise.resolve(this.offered);
  }
  async specs() {
    return (await this.symbols()).map((symbol) => ({ ...symbol, fields: {} }));
  }
  account() {
    return Promise.resolve({ id: "1", server: "server", currency: "EUR" });
  }
  bars() {
    return Promise.resolve([]);
  }

  async *stream(
    requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    const [request] = requests;
    if (request === undefined) return;
    this.asked.push(request);
    const limit = (this.breaksAfter.length > 1 ? this.breaksAfter.shift() : this.breaksAfter[0]) ??
      Infinity;
    const from = request.fromServerMs === "now" ? 0 : request.fromServerMs;
    const wanted = DAY.filter(({ serverMs }) => serverMs >= from);
    const nowServerMs = DAY.at(-1)?.serverMs ?? 0;
    for (let at = 0; at < wanted.length; at += 40) {
      if (at >= limit) throw new Error("the terminal crashed");
      yield { type: "ticks", symbol: "EURUSD", ticks: Ticks.from(wanted.slice(at, at + 40)) };
    }
    yield { type: "clock", nowServerMs, watermarkServerMs: nowServerMs };
    yield { type: "live" };
    if (this.outage) {
      yield { type: "feed", state: "down", nowServerMs };
      yield { type: "feed", state: "up", nowServerMs: nowServerMs + 5_000 };
    }
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
