import { formatId, type TickId } from "../../../lib/market/tick_id.ts";
import { loadHistory } from "./history.ts";
import type { Gap, Message, Quote } from "./messages.ts";
import { type ConnectionState, Stream } from "./stream.ts";
import { TickSeries } from "./tick_series.ts";

/** How far back the chart looks, nearest first, until it has enough ticks. */
const LOOK_BACK_MS = [120_000, 600_000, 1_800_000, 7_200_000, 21_600_000];
const ENOUGH_TICKS = 8_000;
const RETRY_HISTORY_MS = 2_000;

/** A stretch of the past that the series still misses. */
interface Missing {
  readonly fromMs: number;
  readonly toId: TickId;
  /** The hole that the stretch closes once it is loaded. */
  readonly gap?: Gap;
  /** Further look-back steps that follow when the ticks are too few. */
  readonly step?: number;
}

/**
 * The chosen symbol's ticks without a hole: a stream of its own that is never conflated, resumed
 * from the newest id after a break, and the REST history for what came before the stream and for
 * what it could not bring again.
 */
export class ChartFeed {
  readonly series: TickSeries;
  readonly #stream: Stream;
  readonly #changed: (how: "appended" | "merged") => void;
  readonly #ended = new AbortController();
  #epoch = "";
  /** Holes to load, oldest request first; at most one a break and one a look-back step. */
  #missing: Missing[] = [];
  #loading = false;
  /** Why the log could not bring back what followed the newest tick; a snapshot comes next. */
  #unrecovered: string | undefined;

  constructor(
    { symbol, url, changed }: {
      symbol: string;
      url: string;
      /** `appended`: ticks were added at the end only; `merged`: anything may have changed. */
      changed(how: "appended" | "merged"): void;
    },
  ) {
    this.series = new TickSeries(symbol);
    this.#changed = changed;
    this.#stream = new Stream(url, {
      subscription: () => this.#subscription(),
      receive: (messages) => this.#receive(messages),
    });
  }

  get state(): ConnectionState {
    return this.#stream.state;
  }

  /** Whether the first tick or some of the history is still on its way. */
  get loading(): boolean {
    return this.series.last === undefined || this.#missing.length > 0;
  }

  close(): void {
    this.#ended.abort();
    this.#stream.close();
  }

  #subscription(): object {
    const { symbol, last } = this.series;
    return {
      action: "subscribe",
      symbols: [symbol],
      batch: true,
      channels: ["ticks", "status"],
      ...(last !== undefined && this.#epoch !== ""
        ? { after: { [symbol]: `${this.#epoch}:${formatId(last.id)}` } }
        : {}),
    };
  }

  #receive(messages: readonly Message[]): void {
    const quotes: Quote[] = [];
    for (const message of messages) {
      const first = quotes.length === 0 && this.series.last === undefined;
      if (message.type === "tick" && !first) quotes.push(message.quote);
      else {
        // What came before the message must be in the series before the message is judged.
        this.#add(quotes.splice(0));
        this.#judge(message);
      }
    }
    this.#add(quotes);
  }

  #judge(message: Message): void {
    switch (message.type) {
      case "subscribed":
        this.#enterEpoch(message.epoch);
        break;
      // A first tick without a snapshot before it: the symbol, or its place in the stream, is new.
      case "tick":
      case "snapshot":
        this.#startAt(message.quote);
        break;
      case "recovered":
        // A snapshot follows, from which the stream goes on.
        if (!message.recovered) this.#unrecovered = message.reason;
        break;
      case "status":
        if (message.state === "epoch") this.#enterEpoch(message.epoch);
        break;
      case "gap":
        this.#takeGap(message.gap);
        break;
    }
    void this.#load();
  }

  /** Another epoch is another log: its ids say nothing about the ticks of the one before. */
  #enterEpoch(epoch: string): void {
    // No epoch yet: there is no log. The first one it gets is no change.
    if (epoch === "") return;
    if (this.#epoch !== "" && epoch !== this.#epoch) {
      this.series.clear();
      this.#unrecovered = undefined;
      this.#missing = [];
      this.#changed("merged");
    }
    this.#epoch = epoch;
  }

  /**
   * The stream goes on after this tick. What lies before it comes from the history: all of it at the
   * first time, and after a break that the stream could not make good what came since the newest tick.
   */
  #startAt(quote: Quote): void {
    const { last, symbol } = this.series;
    const reason = this.#unrecovered;
    this.#unrecovered = undefined;
    this.#add([quote]);
    if (last === undefined) {
      this.#missing.push(lookBack(quote.id, 0));
      return;
    }
    const toId = quote.id, fromMs = last.id.ms;
    if (reason === undefined) {
      this.#missing.push({ fromMs, toId });
      return;
    }
    const gap: Gap = { symbol, fromMs: last.utcMs, toMs: quote.utcMs, reason };
    this.series.addGap(gap);
    // What the log has trimmed the files may lack too, so that only `too_many` is surely healed.
    this.#missing.push(reason === "too_many" ? { fromMs, toId, gap } : { fromMs, toId });
  }

  #takeGap(gap: Gap): void {
    this.series.addGap(gap);
    this.#changed("merged");
    // The ticks exist: only this client was too slow for them.
    if (gap.reason !== "slow_client") return;
    const toId = { ms: gap.toMs, n: Number.MAX_SAFE_INTEGER };
    this.#missing.push({ fromMs: gap.fromMs, toId, gap });
  }

  /** One load at a time; a failed one is tried again, and at once when the stream is back. */
  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      for (let next = this.#missing[0]; next !== undefined; next = this.#missing[0]) {
        await this.#loadMissing(next);
      }
    } catch {
      // The browser's console has named the failed request; the range stays wanted.
      if (!this.#ended.signal.aborted) setTimeout(() => void this.#load(), RETRY_HISTORY_MS);
    } finally {
      this.#loading = false;
    }
  }

  async #loadMissing(missing: Missing): Promise<void> {
    const { symbol } = this.series;
    const whole = await loadHistory({ symbol, ...missing }, {
      take: (quotes) => this.#missing.includes(missing) && this.#add(quotes),
      signal: this.#ended.signal,
    });
    if (!this.#missing.includes(missing)) return;
    this.#missing = this.#missing.filter((other) => other !== missing);
    if (whole && missing.gap !== undefined) this.series.removeGap(missing.gap);
    if (missing.step !== undefined) this.#lookFurtherBack(missing.fromMs, missing.step);
    this.#changed("merged");
  }

  #lookFurtherBack(fromMs: number, step: number): void {
    const reachedMs = LOOK_BACK_MS[step], nextMs = LOOK_BACK_MS[step + 1];
    if (reachedMs === undefined || nextMs === undefined) return;
    if (this.series.ticks.length >= ENOUGH_TICKS) return;
    const toId = { ms: fromMs - 1, n: Number.MAX_SAFE_INTEGER };
    this.#missing.push({ fromMs: fromMs - (nextMs - reachedMs), toId, step: step + 1 });
  }

  #add(quotes: readonly Quote[]): void {
    const how = this.series.add(quotes);
    if (how !== "none") this.#changed(how);
  }
}

function lookBack(toId: TickId, step: number): Missing {
  return { fromMs: toId.ms - (LOOK_BACK_MS[step] ?? 0), toId, step };
}
