import { type Message, readFrame } from "./messages.ts";

/** What a person should know of a connection. */
export type ConnectionState =
  | { readonly phase: "connecting" }
  | { readonly phase: "open" }
  /** Open, yet even a ping got no answer. */
  | { readonly phase: "stale" }
  /** Closed; the next attempt is at `untilMs` of `performance.now()`. */
  | { readonly phase: "waiting"; readonly untilMs: number }
  /** Closed by a decision that another attempt would not change. */
  | { readonly phase: "refused"; readonly reason: string };

export interface StreamListener {
  /** What to ask for, called at each opening, so that a reopening resumes where the reader is. */
  subscription(): object;
  /** The messages of one frame, in order. */
  receive(messages: readonly Message[]): void;
}

const PING_EVERY_MS = 5_000;
const STALE_AFTER_MS = 8_000;
const DEAD_AFTER_MS = 20_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 10_000;
/** A connection that lived this long was a good one: the next break starts with a short wait. */
const GOOD_AFTER_MS = 5_000;
const TOO_MANY_CONNECTIONS = 4029;
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [4001, "sign-in needed"],
  [4003, "not allowed"],
]);

/**
 * A WebSocket to the gateway that stays: it reopens after a break with jittered back-off, and after
 * silence, which a cut cable looks like. It keeps nothing to send and queues nothing.
 */
export class Stream {
  readonly #url: string;
  readonly #listener: StreamListener;
  #socket: WebSocket | undefined;
  #state: ConnectionState = { phase: "connecting" };
  #heardMs = 0;
  #openedMs = 0;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #pulse: ReturnType<typeof setInterval>;
  readonly #wake = () => this.#hurry();

  constructor(url: string, listener: StreamListener) {
    this.#url = url;
    this.#listener = listener;
    this.#pulse = setInterval(() => this.#checkPulse(), PING_EVERY_MS / 5);
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#open();
  }

  get state(): ConnectionState {
    if (this.#state.phase !== "open") return this.#state;
    return performance.now() - this.#heardMs > STALE_AFTER_MS ? { phase: "stale" } : this.#state;
  }

  /** Ends it for good. */
  close(): void {
    clearTimeout(this.#retry);
    clearInterval(this.#pulse);
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#drop();
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#state = { phase: "connecting" };
    this.#openedMs = this.#heardMs = performance.now();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#openedMs = this.#heardMs = performance.now();
      this.#state = { phase: "open" };
      socket.send(JSON.stringify(this.#listener.subscription()));
    };
    socket.onmessage = ({ data }) => {
      this.#heardMs = performance.now();
      this.#listener.receive(readFrame(String(data)));
    };
    socket.onclose = ({ code }) => this.#closed(code);
  }

  #closed(code: number): void {
    this.#drop();
    const refusal = REFUSALS.get(code);
    if (refusal !== undefined) {
      this.#state = { phase: "refused", reason: refusal };
      return;
    }
    const lived = this.#state.phase === "open" ? performance.now() - this.#openedMs : 0;
    if (lived > GOOD_AFTER_MS) this.#attempts = 0;
    const ceilingMs = code === TOO_MANY_CONNECTIONS
      ? MAX_BACKOFF_MS
      : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#attempts);
    this.#attempts++;
    // Jitter over the upper half: pages that a restart cut off together do not return together.
    const waitMs = ceilingMs * (0.5 + Math.random() / 2);
    this.#state = { phase: "waiting", untilMs: performance.now() + waitMs };
    this.#retry = setTimeout(() => this.#open(), waitMs);
  }

  /** The network or the person came back: the rest of the wait would help nobody. */
  #hurry(): void {
    if (this.#state.phase === "waiting" && document.visibilityState === "visible") this.#open();
  }

  #checkPulse(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const silentMs = performance.now() - this.#heardMs;
    if (silentMs > DEAD_AFTER_MS) this.#closed(0);
    else if (silentMs > PING_EVERY_MS && socket.readyState === WebSocket.OPEN) {
      socket.send('{"action":"ping"}');
    }
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
