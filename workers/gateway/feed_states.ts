import type { FeedFact } from "../../lib/log/channel.ts";

export type FeedState = "up" | "down" | "ended" | "unknown";

/** What is known of the feed of each symbol: hearsay from the live channel, so it may be unknown. */
export class FeedStates {
  /** The last fact that concerned all symbols, and later ones of single symbols. */
  #general: FeedFact | undefined;
  readonly #bySymbol = new Map<string, FeedFact>();

  /** Takes a fact; returns it as a message of the stream. */
  note(fact: FeedFact): object {
    if (fact.symbols.length === 0) {
      this.#general = fact;
      this.#bySymbol.clear();
    }
    for (const symbol of fact.symbols) this.#bySymbol.set(symbol, fact);
    return messageOf(fact, fact.symbols);
  }

  of(symbol: string): FeedState {
    return (this.#bySymbol.get(symbol) ?? this.#general)?.state ?? "unknown";
  }

  /** The present as messages, for a client that comes now. */
  messages(): object[] {
    const messages = this.#general === undefined ? [] : [messageOf(this.#general, [])];
    for (const [symbol, fact] of this.#bySymbol) messages.push(messageOf(fact, [symbol]));
    return messages;
  }
}

/** `symbols` empty: all. `ts` in epoch seconds. */
function messageOf({ state, atMs }: FeedFact, symbols: readonly string[]): object {
  return { type: "status", state, symbols, ts: atMs / 1000 };
}
