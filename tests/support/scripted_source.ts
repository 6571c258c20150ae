import type { Source } from "../../bridge/source.ts";
import type {
  BarRequest,
  SourceBar,
  SourceEvent,
  SymbolSpec,
  TickRequest,
} from "../../lib/bridge/feed.ts";

/** A source that says what a test tells it to, and counts how often it is pulled. */
export class ScriptedSource implements Source {
  readonly name = "scripted:test";
  readonly kind = "raw";
  readonly clock = "learned";
  readonly #script: (pull: number) => SourceEvent | undefined;
  /** What the vendor says of its symbols. */
  described: SymbolSpec[] = [{
    symbol: "EURUSD",
    rawName: "EURUSDm",
    digits: 5,
    fields: { trade_contract_size: 100_000 },
  }];
  pulls = 0;
  open = 0;

  /** @param script the event of each pull; undefined waits until the stream is stopped. */
  constructor(script: (pull: number) => SourceEvent | undefined) {
    this.#script = script;
  }

  symbols() {
    return Promise.resolve([{ symbol: "EURUSD", rawName: "EURUSDm", digits: 5 }]);
  }

  specs() {
    return Promise.resolve(this.described);
  }

  account() {
    return Promise.resolve({ id: "1", server: "test", currency: "EUR" });
  }

  bars(_request: BarRequest): Promise<SourceBar[]> {
    return Promise.resolve([]);
  }

  async *stream(
    _requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    this.open++;
    try {
      for (let pull = 0; !signal.aborted; pull++) {
        const event = this.#script(pull);
        if (event === undefined) {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return;
        }
        this.pulls++;
        yield event;
        if (event.type === "ended") return;
      }
    } finally {
      this.open--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
