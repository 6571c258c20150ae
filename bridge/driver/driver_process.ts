import type { SourceBar } from "../../lib/bridge/feed.ts";
import { CONTROL_FRAME, decodeTicks, type Frame } from "../../lib/bridge/frames.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import { type DriverAnswer, isOf, misfit, namedBar, readDriverMessage } from "./driver_answers.ts";
import { type DriverEnd, DriverError } from "./driver_error.ts";
import { exitReason } from "./driver_exit.ts";
import { type DriverMessage, LIVE_STREAM } from "./driver_messages.ts";
import type {
  DriverBarRequest,
  DriverChecked,
  DriverFeed,
  DriverListener,
  DriverOpened,
  DriverOptions,
  DriverSymbol,
  PageEnd,
  PageListener,
} from "./driver.ts";
import { DriverPipe } from "./driver_pipe.ts";
import { type DriverQuestion, DriverRequests, type Unnumbered } from "./driver_requests.ts";
import { DriverOutput, type Redaction, redaction } from "./driver_stderr.ts";
import { DriverWatchdog } from "./driver_watchdog.ts";
import { DriverWatches, type LiveListener } from "./driver_watches.ts";

export type * from "./driver.ts";

const CALL_LIMIT_MS = 30_000;
const OPEN_LIMIT_MS = 120_000;
const CLOSE_LIMIT_MS = 5_000;
/** Of one answer: about two years of minutes. */
const MAX_BARS = 1_000_000;

/**
 * One life of one driver: a Python child process that is logged in at its vendor. It is killed when
 * it hangs, floods, stops reading or says what cannot be understood; it is never started again here.
 * Requests are answered one after another, in their order; each rejects with a DriverError, and all
 * that are open do when the driver ends.
 */
export class DriverProcess implements AsyncDisposable {
  readonly #options: DriverOptions;
  readonly #pipe: DriverPipe;
  readonly #output: DriverOutput;
  readonly #redact: Redaction;
  readonly #requests: DriverRequests;
  readonly #watches: DriverWatches;
  readonly #watchdog: DriverWatchdog;
  readonly #listeners = new Set<DriverListener>();
  readonly #dispose = () => void this[Symbol.asyncDispose]();
  #opened: DriverOpened | undefined;
  #feed: DriverFeed | undefined;
  #end: DriverEnd | undefined;
  #closing: Promise<void> | undefined;
  /** Resolves, never rejects, when the process is gone. */
  readonly ended: Promise<DriverEnd>;

  /**
   * Starts the process and logs in. Rejects with a DriverError; the process is gone then.
   * `settings` are sent as they are.
   */
  static async open(options: DriverOptions): Promise<DriverProcess> {
    if (options.signal?.aborted) throw new DriverError("disposed", "It is not wanted any more");
    const driver = new DriverProcess(options);
    try {
      driver.#opened = await driver.#askToOpen();
      return driver;
    } catch (cause) {
      await driver[Symbol.asyncDispose]();
      throw cause;
    }
  }

  private constructor(options: DriverOptions) {
    this.#options = options;
    const { events, callLimitMs = CALL_LIMIT_MS, openLimitMs = OPEN_LIMIT_MS } = options;
    this.#redact = redaction(options.settings);
    this.#output = new DriverOutput({
      redact: this.#redact,
      onLine: (line) => events.driverSaid(line),
      onDropped: (bytes) => events.driverDropped(bytes),
    });
    this.#pipe = new DriverPipe({
      ...options,
      output: this.#output,
      onFrame: (frame) => this.#take(frame),
      onBroken: (error) => this.#break(error),
    });
    this.#requests = new DriverRequests((question) => this.#pipe.send(question));
    this.#watches = new DriverWatches({
      watch: (symbols) => this.#askFor({ type: "watch", symbols }, "watching", () => undefined),
      unwatch: (indexes) => {
        if (this.#end === undefined) this.#pipe.send({ type: "unwatch", indexes });
      },
    });
    this.#watchdog = new DriverWatchdog({
      pipe: this.#pipe,
      requests: this.#requests,
      output: this.#output,
      callLimitMs,
      openLimitMs,
      onBite: (error) => this.#break(error),
    });
    this.ended = this.#live();
    options.signal?.addEventListener("abort", this.#dispose);
  }

  get opened(): DriverOpened {
    if (this.#opened === undefined) throw new TypeError("Cannot tell of a driver before it opened");
    return this.#opened;
  }

  /** The vendor's own connection as it was told last; undefined until it changed once. */
  get feed(): DriverFeed | undefined {
    return this.#feed;
  }

  /** Resolves while still logged in, by asking the vendor. */
  check(): Promise<DriverChecked> {
    return this.#askFor({ type: "check" }, "checked", ({ account, terminal }) => {
      return { account, terminal };
    });
  }

  /** All that the vendor offers; may take seconds. */
  symbols(): Promise<DriverSymbol[]> {
    const symbols: DriverSymbol[] = [];
    return this.#ask({ type: "symbols" }, (answer) => {
      if (answer.type !== "symbols") throw misfit(answer, "symbols");
      for (const symbol of answer.symbols) symbols.push(symbol);
      return answer.last ? { value: symbols } : undefined;
    });
  }

  /**
   * Has the vendor's live ticks of all these symbols, or of none. Resolves with what ends it; a symbol
   * that several watch is watched once. After the driver ended nothing is delivered.
   */
  watch(rawNames: readonly string[], listener: LiveListener): Promise<() => void> {
    return this.#watches.watch(rawNames, listener);
  }

  /** See `page` in `driver_messages.ts`; the symbol must be watched. */
  page(
    rawName: string,
    fromServerMs: number | "now",
    listener: PageListener,
  ): Promise<PageEnd> {
    const ticks = (part: Ticks) => listener.ticks(part);
    return this.#ask({ type: "page", rawName, fromServerMs }, (answer) => {
      if (answer.type !== "page") throw misfit(answer, "page");
      const { nextServerMs, waitMs } = answer;
      listener.end?.({ nextServerMs, waitMs });
      return { value: { nextServerMs, waitMs } };
    }, ticks);
  }

  /** Finished bars, oldest first. Rejects with `bad_request` when there are more than a million. */
  bars(request: DriverBarRequest): Promise<SourceBar[]> {
    const bars: SourceBar[] = [];
    let count = 0;
    return this.#ask({ type: "bars", ...request }, (answer) => {
      if (answer.type !== "bars") throw misfit(answer, "bars");
      count += answer.bars.length;
      if (count > MAX_BARS) bars.length = 0;
      else for (const bar of answer.bars) bars.push(namedBar(bar));
      return answer.last ? { value: bars } : undefined;
    }).then((whole) => {
      if (count <= MAX_BARS) return whole;
      throw new DriverError(
        "bad_request",
        `Cannot read more than ${MAX_BARS} bars at once: current count is ${count}; ask for less`,
      );
    });
  }

  /** Listens until the returned function is called. */
  subscribe(listener: DriverListener): () => void {
    if (this.#end !== undefined) listener.ended?.(this.#end);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Logs out, and kills what has not ended by `closeLimitMs`; resolves when the process is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish(new DriverError("disposed", "The bridge ended the session"));
    this.#close();
    await this.ended;
  }

  #askToOpen(): Promise<DriverOpened> {
    const { settings } = this.#options;
    return this.#askFor({ type: "open", settings }, "opened", (answer) => {
      const { server, clock, account, facts } = answer;
      return { server, clock, account, facts };
    });
  }

  #askFor<K extends DriverAnswer["type"], T>(
    question: Unnumbered<DriverQuestion>,
    want: K,
    valueOf: (answer: Extract<DriverAnswer, { type: K }>) => T,
  ): Promise<T> {
    return this.#ask(question, (answer) => {
      if (!isOf(answer, want)) throw misfit(answer, want);
      return { value: valueOf(answer) };
    });
  }

  #ask<T>(
    question: Unnumbered<DriverQuestion>,
    take: (answer: DriverAnswer) => { readonly value: T } | undefined,
    ticks?: (ticks: Ticks) => void,
  ): Promise<T> {
    if (this.#end !== undefined) return Promise.reject(errorOf(this.#end));
    return this.#requests.ask(question, ticks === undefined ? { take } : { take, ticks });
  }

  #take(frame: Frame): void {
    if (this.#end !== undefined) return;
    this.#watchdog.heard();
    if (frame.type === CONTROL_FRAME) return this.#takeMessage(readDriverMessage(frame));
    const { stream, symbolIndex, ticks } = decodeTicks(frame.payload);
    if (stream === LIVE_STREAM) this.#watches.ticks(symbolIndex, ticks);
    else this.#requests.ticks(stream, ticks);
  }

  #takeMessage(message: DriverMessage): void {
    if ("id" in message) {
      const isOver = message.type === "failed" && message.code === "session";
      const safe = message.type === "failed"
        ? { ...message, message: this.#redact(message.message) }
        : message;
      this.#requests.answer(safe);
      if (isOver) this.#lose({ closed: false, reason: message.message });
      return;
    }
    this.#watchdog.heardUnasked();
    switch (message.type) {
      case "present":
        for (const listener of this.#listeners) listener.present?.(message);
        break;
      case "feed":
        this.#feed = { ...message, reason: this.#redact(message.reason) };
        for (const listener of this.#listeners) listener.feed?.(this.#feed);
        break;
      case "lost":
        this.#lose(message);
    }
  }

  /** The session is over, the process is not: it may log out. */
  #lose({ closed, reason }: { closed: boolean; reason: string }): void {
    this.#finish(new DriverError(closed ? "closed" : "session", this.#redact(reason)), closed);
    this.#close();
  }

  /** The process cannot be talked to any more. */
  #break(error: DriverError): void {
    const { vendor } = this.#options;
    const message = `The Python process of ${vendor} was ended. ${error.message}`;
    this.#finish(new DriverError(error.code, message, { cause: error.cause }));
    this.#pipe.kill();
  }

  #close(): void {
    const { closeLimitMs = CLOSE_LIMIT_MS } = this.#options;
    this.#closing ??= this.#pipe.close(closeLimitMs);
  }

  async #live(): Promise<DriverEnd> {
    const status = await this.#pipe.exited;
    const { lastLine } = this.#output;
    const { vendor } = this.#options;
    const hadOpened = this.#opened !== undefined;
    const reason = exitReason({ vendor, status, hadOpened, lastLine });
    return this.#finish(new DriverError("crashed", reason));
  }

  /** The first cause is the cause. */
  #finish(error: DriverError, closed = false): DriverEnd {
    if (this.#end !== undefined) return this.#end;
    const end = { code: error.code, closed, reason: error.message };
    this.#end = end;
    this.#watchdog.stop();
    this.#options.signal?.removeEventListener("abort", this.#dispose);
    this.#requests.failAll(error);
    for (const listener of this.#listeners) listener.ended?.(end);
    this.#listeners.clear();
    return end;
  }
}

/** The end of a driver, to be thrown by who still needs it. */
export function errorOf({ code, reason }: DriverEnd): DriverError {
  return new DriverError(code, reason);
}
