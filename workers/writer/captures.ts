import { messageOf } from "../../lib/program/errors.ts";
import { BackOff } from "../../lib/program/pause.ts";
import { SymbolCapture } from "./symbol_capture.ts";
import type { WriterEvents } from "./events.ts";
import type { Peers } from "./peers.ts";

/** A symbol that nobody took for so long is taken even past the fair share. */
const FREE_TOO_LONG_MS = 3000;

export interface CapturesOptions {
  readonly dataDir: string;
  readonly maxSymbols: number;
  readonly peers: Peers;
  readonly events: WriterEvents;
}

/** The symbols this writer holds. Several writers on one data folder share them out fairly. */
export class Captures implements Disposable {
  readonly #options: CapturesOptions;
  readonly #held = new Map<string, SymbolCapture>();
  readonly #passedOverMs = new Map<string, number>();
  readonly #untakeable = new Map<string, string>();
  readonly #retry = new BackOff({ minMs: 500, maxMs: 10_000 });
  #takeAtMs = 0;
  #peerCount = 0;

  constructor(options: CapturesOptions) {
    this.#options = options;
  }

  get(symbol: string): SymbolCapture | undefined {
    return this.#held.get(symbol);
  }

  all(): IterableIterator<SymbolCapture> {
    return this.#held.values();
  }

  /** Symbols that the disk refused a lock for at the last sharing, and why. */
  get untakeable(): ReadonlyMap<string, string> {
    return this.#untakeable;
  }

  capturing(): SymbolCapture[] {
    return [...this.#held.values()].filter(({ state }) => state === "capturing");
  }

  /**
   * Takes free symbols up to the fair share of all writers, and gives some up when one has come. To be
   * called between two flushes, about once a second. True when symbols went away.
   */
  async share(symbols: readonly string[]): Promise<boolean> {
    const { maxSymbols, peers, events } = this.#options;
    const peerCount = peers.count();
    const fair = Math.min(maxSymbols, Math.ceil(symbols.length / (peerCount + 1)));
    const surplus = peerCount > this.#peerCount ? [...this.#held.values()].slice(fair) : [];
    for (const capture of surplus) {
      this.#held.delete(capture.symbol);
      capture[Symbol.dispose]();
      this.#passedOverMs.set(capture.symbol, performance.now());
      events.givenUp(capture.symbol);
    }
    this.#peerCount = peerCount;
    if (performance.now() >= this.#takeAtMs) await this.#takeFree(symbols, fair);
    return surplus.length > 0;
  }

  [Symbol.dispose](): void {
    for (const capture of this.#held.values()) capture[Symbol.dispose]();
    this.#held.clear();
  }

  async #takeFree(symbols: readonly string[], fair: number): Promise<void> {
    const { maxSymbols } = this.#options;
    this.#untakeable.clear();
    for (const symbol of symbols) {
      if (this.#held.has(symbol) || this.#held.size >= maxSymbols) continue;
      if (this.#held.size >= fair && !this.#isFreeTooLong(symbol)) continue;
      await this.#take(symbol);
    }
    if (this.#untakeable.size === 0) this.#retry.reset();
    else this.#takeAtMs = performance.now() + this.#retry.next();
  }

  async #take(symbol: string): Promise<void> {
    const { dataDir, events } = this.#options;
    try {
      const capture = await SymbolCapture.tryTake(dataDir, symbol);
      if (capture !== undefined) this.#held.set(symbol, capture);
      this.#passedOverMs.delete(symbol);
    } catch (cause) {
      // A full disk has no room for a lock either; a later sharing tries again.
      this.#untakeable.set(symbol, messageOf(cause));
      events.failing(symbol, cause);
    }
  }

  #isFreeTooLong(symbol: string): boolean {
    const sinceMs = this.#passedOverMs.get(symbol);
    if (sinceMs === undefined) this.#passedOverMs.set(symbol, performance.now());
    return sinceMs !== undefined && performance.now() - sinceMs > FREE_TOO_LONG_MS;
  }
}
