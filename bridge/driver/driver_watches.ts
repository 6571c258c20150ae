import type { Ticks } from "../../lib/market/tick.ts";
import { DriverError } from "./driver_error.ts";

/** Called for each live frame, as it is read and before any later frame is; must not throw. */
export type LiveListener = (rawName: string, ticks: Ticks) => void;

export interface WatchCommands {
  /** Resolves when the driver watches all; rejects when it watches none of them. */
  watch(symbols: readonly { rawName: string; index: number }[]): Promise<void>;
  unwatch(indexes: readonly number[]): void;
}

interface Watch {
  readonly rawName: string;
  readonly index: number;
  readonly listeners: Set<LiveListener>;
  /** Rejects when the driver refused it; then the watch is forgotten. */
  readonly ready: Promise<void>;
}

/** Keeps one request's frame far below its limit. */
const SYMBOLS_PER_REQUEST = 1000;

/** Which symbols a driver watches, and for whom: one watch a symbol, however many listen. */
export class DriverWatches {
  readonly #commands: WatchCommands;
  readonly #byName = new Map<string, Watch>();
  readonly #byIndex = new Map<number, Watch>();
  /** An index is never used twice, so that a frame on its way finds no other symbol. */
  #nextIndex = 0;

  constructor(commands: WatchCommands) {
    this.#commands = commands;
  }

  /** All or none: resolves with what ends the listening, or rejects with the driver's reason. */
  async watch(rawNames: readonly string[], listener: LiveListener): Promise<() => void> {
    const held = new Map<string, Watch>();
    const release = () => this.#release(held.values(), listener);
    try {
      // A watch that somebody else asked for may fail for a reason of theirs; then it is asked for again.
      for (;;) {
        const own = this.#addMissing(rawNames);
        const others: Promise<unknown>[] = [];
        for (const rawName of rawNames) {
          const watch = this.#byName.get(rawName);
          if (watch === undefined) continue;
          held.set(rawName, watch);
          watch.listeners.add(listener);
          if (!own.has(watch.ready)) others.push(watch.ready.catch(() => {}));
        }
        await Promise.all([...own, ...others]);
        if (rawNames.every((rawName) => this.#byName.get(rawName) === held.get(rawName))) {
          return release;
        }
      }
    } catch (cause) {
      release();
      throw cause;
    }
  }

  /** @throws DriverError `bad_frames` for an index that was never given. */
  ticks(index: number, ticks: Ticks): void {
    const watch = this.#byIndex.get(index);
    if (watch !== undefined) {
      for (const listener of watch.listeners) listener(watch.rawName, ticks);
    } else if (index >= this.#nextIndex) {
      throw new DriverError(
        "bad_frames",
        `Cannot take live ticks as those of a watched symbol: current index is ${index}`,
      );
    }
  }

  /** The requests of the symbols that nobody watches yet. */
  #addMissing(rawNames: readonly string[]): Set<Promise<void>> {
    const missing = [...new Set(rawNames)].filter((rawName) => !this.#byName.has(rawName));
    const requests = new Set<Promise<void>>();
    for (let from = 0; from < missing.length; from += SYMBOLS_PER_REQUEST) {
      const symbols = missing.slice(from, from + SYMBOLS_PER_REQUEST)
        .map((rawName) => ({ rawName, index: this.#nextIndex++ }));
      const ready: Promise<void> = this.#commands.watch(symbols).catch((cause) => {
        for (const { rawName, index } of symbols) {
          this.#byName.delete(rawName);
          this.#byIndex.delete(index);
        }
        throw cause;
      });
      for (const { rawName, index } of symbols) {
        const watch: Watch = { rawName, index, listeners: new Set(), ready };
        this.#byName.set(rawName, watch);
        this.#byIndex.set(index, watch);
      }
      requests.add(ready);
    }
    return requests;
  }

  #release(watches: Iterable<Watch>, listener: LiveListener): void {
    const byRequest = new Map<Promise<void>, Watch[]>();
    for (const watch of watches) {
      watch.listeners.delete(listener);
      const together = byRequest.get(watch.ready);
      if (together === undefined) byRequest.set(watch.ready, [watch]);
      else together.push(watch);
    }
    for (const [ready, together] of byRequest) {
      ready.then(() => this.#unwatchUnheard(together), () => {});
    }
  }

  #unwatchUnheard(watches: readonly Watch[]): void {
    const unheard = watches.filter((watch) =>
      watch.listeners.size === 0 && this.#byIndex.get(watch.index) === watch
    );
    if (unheard.length === 0) return;
    for (const { rawName, index } of unheard) {
      this.#byName.delete(rawName);
      this.#byIndex.delete(index);
    }
    this.#commands.unwatch(unheard.map(({ index }) => index));
  }
}
