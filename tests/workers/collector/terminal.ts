import type { Source } from "../../../bridge/source.ts";
import type {
  BarRequest,
  ServerZone,
  SourceBar,
  SourceEvent,
  TickRequest,
} from "../../../lib/bridge/feed.ts";
import { type Tick, Ticks } from "../../../lib/market/tick.ts";
import { pause } from "../../../lib/program/pause.ts";
import { isFxWeekOpen, nextFxWeekOpen } from "../../../lib/time/fx_week.ts";
import { parseServerZone, toServerMs, toUtcMs } from "../../../lib/time/server_zone.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 20;

/** Whatever day it is, a clock that shows the middle of a trading week, and goes on from there. */
export function midweek(): () => number {
  const aheadMs = nextFxWeekOpen(Date.now()) + 2.5 * DAY_MS - Date.now();
  return () => Date.now() + aheadMs;
}

/** A terminal whose clock nobody states: it stamps its ticks with a zone of its own. */
export class Terminal implements Source {
  readonly name: string;
  readonly kind = "raw";
  readonly clock = "learned";
  zone: ServerZone = parseServerZone("America/New_York+7h");
  /** Its newest tick is of Friday, however long one watches. */
  frozen = false;
  hasBars = true;
  /** Past ticks, by the time that they came, and how the server stamped them. */
  history: Tick[] = [];
  /** Live ticks go out with the stamps, not only their newest stamp. */
  ticks = false;
  barsAsked = 0;
  readonly asked: TickRequest[][] = [];
  readonly nowMs: () => number;
  readonly #symbol: string;

  constructor(nowMs: () => number = Date.now, name = "mt5:Broker-Live", symbol = "EURUSD") {
    this.nowMs = nowMs;
    this.name = name;
    this.#symbol = symbol;
  }

  symbols() {
    return Promise.resolve([{
      symbol: this.#symbol,
      rawName: `${this.#symbol}m`,
      digits: 5,
    }]);
  }
  async specs() {
    return (await this.symbols()).map((symbol) => ({ ...symbol, fields: {} }));
  }
  account() {
    return Promise.resolve({ id: "1", server: "Broker-Live", currency: "EUR" });
  }

  bars({ fromServerMs, toServerMs: toMs }: BarRequest): Promise<SourceBar[]> {
    this.barsAsked++;
    if (!this.hasBars) return Promise.reject(new Error("no history"));
    const bars: SourceBar[] = [];
    const first = Math.ceil(fromServerMs / HOUR_MS) * HOUR_MS;
    for (let openServerMs = first; openServerMs < toMs; openServerMs += HOUR_MS) {
      const utcMs = toUtcMs(openServerMs, this.zone);
      if (!isFxWeekOpen(utcMs) || utcMs > this.nowMs() - HOUR_MS) continue;
      bars.push({ openServerMs, open: 1, high: 1, low: 1, close: 1, tickVolume: 1 });
    }
    return Promise.resolve(bars);
  }

  async *stream(
    requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    this.asked.push([...requests]);
    const from = requests[0]?.fromServerMs ?? "now";
    const past = from === "now" ? [] : this.history.filter(({ serverMs }) => serverMs >= from);
    if (past.length > 0) {
      yield { type: "ticks", symbol: this.#symbol, ticks: Ticks.from(past) };
    }
    yield { type: "live" };
    for (let turn = 0; !signal.aborted; turn++) {
      const nowUtcMs = this.nowMs();
      const newestServerMs = this.frozen ? null : toServerMs(nowUtcMs - 40, this.zone);
      if (this.ticks && newestServerMs !== null) {
        const tick = { ...TICK, serverMs: newestServerMs };
        this.history.push(tick);
        yield { type: "ticks", symbol: this.#symbol, ticks: Ticks.from([tick]) };
      }
      if (turn % 3 === 2) {
        yield { type: "present", nowUtcMs, watermarkUtcMs: nowUtcMs, newestServerMs };
      }
      await pause(STEP_MS, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export const TICK: Tick = {
  serverMs: 0,
  bid: 1.1,
  ask: 1.2,
  last: NaN,
  volume: NaN,
  flags: 6,
};
