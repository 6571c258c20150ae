import type { ServerZone } from "../bridge/feed.ts";
import { ClockLearning } from "./server_clock_learning.ts";
import { readServerClock, writeServerClock } from "./server_clock_file.ts";
import { defaultCandidates } from "./server_clock_rules.ts";
import type { ServerClock } from "./server_clock_view.ts";
import { type ClockVerdict, verdictOf } from "./server_clock_words.ts";

export { type ServerClock, statedClock } from "./server_clock_view.ts";
export type { ClockState, ClockVerdict } from "./server_clock_words.ts";

/** What a `present` event says of the clock; pass all of them, also those without a stamp. */
export interface ClockSample {
  /** The newest stamp that advanced since the last event; null when none did. */
  readonly newestServerMs: number | null;
  readonly nowUtcMs: number;
}

export interface LedgerOptions {
  /** The ledger is `<dataDir>/metadata/server_clock.json`. */
  readonly dataDir: string;
  /** `<vendor>:<server>`, e.g. `mt5:ICMarkets-Demo`. */
  readonly server: string;
  /**
   * The operator's word (BROKER_TZ): it holds whatever the evidence says, from where the evidence
   * failed or from now; for all history where it only says which of the possible rules it is.
   */
  readonly override?: ServerZone | undefined;
  /** Instead of `defaultCandidates()`, the preferred name first; none is the same as not set. */
  readonly candidates?: readonly ServerZone[] | undefined;
  /** Now, by default the machine's clock. */
  readonly nowUtcMs?: number | undefined;
  /** Two samples that agree are believed when they are at least this far apart; default 5,000 ms. */
  readonly minApartMs?: number | undefined;
  /** The same while the FX week is closed: a frozen tick looks like another zone; default 30 min. */
  readonly closedApartMs?: number | undefined;
  /** The same for samples that contradict what is believed; default 60,000 ms. */
  readonly minContradictionMs?: number | undefined;
}

/**
 * What is known of one server's clock, and why: the rules that the evidence has not contradicted.
 * A time is converted only where all of them agree, so nothing is ever guessed. What was applied
 * once stays in the ledger with its dates; a contradiction begins a new interval.
 */
export class ServerClockLedger implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #server: string;
  readonly #learning: ClockLearning;

  private constructor(options: LedgerOptions, learning: ClockLearning) {
    this.#dataDir = options.dataDir;
    this.#server = options.server;
    this.#learning = learning;
  }

  /** @throws SyntaxError when the file is torn or foreign; it is left as it is. */
  static async open(options: LedgerOptions): Promise<ServerClockLedger> {
    const record = await readServerClock(options.dataDir, options.server);
    const learning = new ClockLearning(record, {
      override: options.override,
      candidates: options.candidates?.length ? options.candidates : defaultCandidates(),
      nowUtcMs: options.nowUtcMs ?? Date.now(),
      minApartMs: options.minApartMs ?? 5_000,
      closedApartMs: options.closedApartMs ?? 1_800_000,
      minContradictionMs: options.minContradictionMs ?? 60_000,
    });
    return new ServerClockLedger(options, learning);
  }

  /** Costs next to nothing when it teaches nothing. Whether there is something to `save()`. */
  observe(sample: ClockSample): boolean {
    this.#learning.observe(sample);
    return this.#learning.unsaved;
  }

  /**
   * Opens of one-hour bars on the server's clock, in any order, of a symbol that trades from Sunday
   * to Friday 17:00 New York (a major pair). May be called again, with more or with other symbols.
   * Whether there is something to `save()`.
   */
  learnFromHistory(symbol: string, barOpenServerMs: Iterable<number>): boolean {
    this.#learning.learnFromHistory(symbol, barOpenServerMs);
    return this.#learning.unsaved;
  }

  /**
   * The clock of now; undefined while the offset is not known, or while the newest sample contradicts
   * it. The same object until something changes: ask again after each `observe`.
   */
  clock(): ServerClock | undefined {
    return this.#learning.clock();
  }

  verdict(): ClockVerdict {
    return verdictOf(this.#learning.standing());
  }

  /**
   * Writes what was learned; afterwards it is on the disk, and other servers' entries are as they
   * were. To be awaited before ticks are stored by a clock that has changed, and at the end.
   */
  async save(): Promise<void> {
    if (!this.#learning.unsaved && !this.#learning.moreSamples) return;
    const record = this.#learning.record();
    this.#learning.saved();
    try {
      await writeServerClock(this.#dataDir, this.#server, record);
    } catch (cause) {
      this.#learning.notSaved();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.save();
  }
}
