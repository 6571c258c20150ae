import { BridgeError } from "../lib/bridge/bridge_error.ts";
import type { SessionStatus, SourceEvent, TickRequest } from "../lib/bridge/feed.ts";
import type { FrameSocket } from "../lib/bridge/frame_socket.ts";
import { type ClientMessage, clientMessage, readMessage } from "../lib/bridge/messages.ts";
import { answer, checkSymbols } from "./answers.ts";
import type { BridgeEvents } from "./events.ts";
import { controlFrame, type Guest, shakeHands } from "./handshake.ts";
import type { Sessions } from "./sessions.ts";
import type { Source } from "./source.ts";

export interface ConnectionOptions {
  readonly sessions: Sessions;
  readonly token: string | undefined;
  readonly handshakeTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly idleLimitMs: number;
  readonly events: BridgeEvents;
  /** The end of a stream that is over has left for this collector. */
  readonly onEnded: () => void;
}

/** Requests that one collector may have open; more than any needs at once. */
const MAX_OPEN_REQUESTS = 16;
/** What a peer that does not read may hold up the end of its connection. */
const LAST_WORDS_MS = 1000;
/** Above this much unsent a heartbeat adds nothing: the bytes on their way are sign enough. */
const HEARTBEAT_PENDING_BYTES = 4096;

/** One collector: proved, answered, streamed to. Its failures end it alone. */
export class Connection {
  readonly #socket: FrameSocket;
  readonly #options: ConnectionOptions;
  #openRequests = 0;
  #stream: { readonly id: number; readonly abort: AbortController } | undefined;
  #ending: BridgeError | undefined;
  #isTellingSessions = false;

  constructor(socket: FrameSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Serves until the collector leaves, fails, or the signal aborts; never rejects. */
  async serve(signal: AbortSignal): Promise<void> {
    const leave = () => this.#leave();
    signal.addEventListener("abort", leave);
    try {
      const { use, told } = await this.#shakeHands();
      using _ = use;
      await this.#answerAll(use.source, told);
    } catch (cause) {
      await this.#refuse(this.#ending ?? cause);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#stream?.abort.abort();
      this.#socket.close();
    }
  }

  async #shakeHands(): Promise<Guest> {
    const { token, handshakeTimeoutMs, sessions } = this.#options;
    const late = setTimeout(() => {
      this.#end("handshake_timeout", `No hello within ${handshakeTimeoutMs} ms`);
    }, handshakeTimeoutMs);
    try {
      // Whoever said hello in time is answered in time.
      const loginWaitMs = handshakeTimeoutMs / 2;
      return await shakeHands(this.#socket, { token, sessions, loginWaitMs });
    } finally {
      clearTimeout(late);
    }
  }

  async #answerAll(
    source: Source,
    told: readonly SessionStatus[] | undefined,
  ): Promise<void> {
    const { heartbeatMs, idleLimitMs, events, sessions } = this.#options;
    const beat = setInterval(() => {
      if (this.#socket.silentMs > idleLimitMs) {
        this.#end("idle_peer", `The peer was silent for ${idleLimitMs} ms`);
      } else if (this.#socket.pendingBytes < HEARTBEAT_PENDING_BYTES) {
        this.#socket.send({ type: "heartbeat" });
      }
    }, heartbeatMs);
    const deaf = told && sessions.onChange(() => this.#tellSessions());
    // One may have changed between the welcome and now.
    if (told && sessions.statuses.some((status, index) => status !== told[index])) {
      this.#tellSessions();
    }
    events.collectorJoined();
    try {
      for (;;) {
        const frames = await this.#socket.receive();
        if (frames.length === 0) return;
        for (const frame of frames) {
          const message = readMessage(clientMessage, controlFrame(frame));
          if (message.type === "goodbye") return;
          this.#take(message, source);
        }
      }
    } finally {
      clearInterval(beat);
      deaf?.();
      events.collectorLeft();
    }
  }

  /** Several changes while the collector does not read become one message, so that none wait in line. */
  async #tellSessions(): Promise<void> {
    if (this.#isTellingSessions) return;
    this.#isTellingSessions = true;
    try {
      await this.#socket.room();
      this.#socket.send({ type: "sessions", sessions: this.#options.sessions.statuses });
    } catch {
      // The connection broke, and its reading says so.
    } finally {
      this.#isTellingSessions = false;
    }
  }

  #take(message: Exclude<ClientMessage, { type: "goodbye" }>, source: Source): void {
    if (message.type === "heartbeat") return;
    if (message.type === "stop") {
      if (this.#stream?.id === message.stream) this.#stream.abort.abort();
      return;
    }
    if (this.#openRequests >= MAX_OPEN_REQUESTS) {
      throw new BridgeError(
        "too_many_requests",
        `Cannot take more than ${MAX_OPEN_REQUESTS} requests at once`,
      );
    }
    this.#openRequests++;
    this.#answer(message, source).catch((cause) => {
      this.#socket.send({ type: "failed", id: message.id, ...failureOf(cause) });
    }).finally(() => this.#openRequests--);
  }

  async #answer(message: Extract<ClientMessage, { id: number }>, source: Source): Promise<void> {
    if (message.type !== "ticks") return await answer(message, { source, socket: this.#socket });
    await checkSymbols(message.requests.map((request) => request.symbol), source);
    this.#startStream(message, source);
  }

  #startStream(message: Extract<ClientMessage, { type: "ticks" }>, source: Source): void {
    if (this.#stream !== undefined) {
      throw new BridgeError("stream_open", "This connection has a stream: stop it first");
    }
    if (this.#socket.closed) return;
    const stream = { id: message.id, abort: new AbortController() };
    const symbols = [...new Set(message.requests.map((request) => request.symbol))];
    this.#stream = stream;
    this.#socket.send({ type: "streaming", id: message.id, stream: stream.id, symbols });
    const { requests } = message;
    this.#forwardAll({ ...stream, source, requests, symbols }).then(
      () => this.#socket.send({ type: "stopped", stream: stream.id }),
      (cause) => {
        this.#options.events.streamFailed(cause);
        this.#socket.send({ type: "stream_failed", stream: stream.id, ...failureOf(cause) });
      },
    ).finally(() => this.#stream = undefined);
  }

  /** Pulls the source only while the socket takes more: a slow collector makes the source wait. */
  async #forwardAll(
    { id, abort, source, requests, symbols }: {
      id: number;
      abort: AbortController;
      source: Source;
      requests: readonly TickRequest[];
      symbols: readonly string[];
    },
  ): Promise<void> {
    const indexes = new Map(symbols.map((symbol, index) => [symbol, index]));
    for await (const event of source.stream(requests, abort.signal)) {
      this.#forward(event, { id, indexes });
      const room = this.#socket.room();
      if (room !== undefined) await room;
      if (event.type === "ended") {
        await this.#socket.flushed();
        this.#options.onEnded();
      }
    }
  }

  #forward(event: SourceEvent, stream: { id: number; indexes: ReadonlyMap<string, number> }): void {
    if (event.type !== "ticks") {
      this.#socket.send({ ...event, stream: stream.id });
      return;
    }
    const index = stream.indexes.get(event.symbol);
    if (index === undefined) {
      throw new BridgeError("source_failed", `The source sent ${event.symbol} unasked`);
    }
    this.#socket.sendTicks(stream.id, index, event.ticks);
    this.#options.events.ticksSent(event.ticks.count);
  }

  #end(code: BridgeError["code"], message: string): void {
    this.#ending ??= new BridgeError(code, message);
    this.#refuse(this.#ending);
  }

  #leave(): void {
    this.#stream?.abort.abort();
    this.#ending ??= new BridgeError("closed", "The bridge is ending");
    this.#lastWords({ type: "goodbye" });
  }

  async #refuse(cause: unknown): Promise<void> {
    // A connection that the peer broke has nobody to tell.
    if (this.#socket.closed || !(cause instanceof BridgeError)) return;
    if (cause.code === "closed") return;
    this.#options.events.refused(cause);
    const sessions = cause.sessions.length === 0 ? undefined : cause.sessions;
    await this.#lastWords({ type: "error", code: cause.code, message: cause.message, sessions });
  }

  async #lastWords(message: unknown): Promise<void> {
    this.#socket.send(message);
    const late = setTimeout(() => this.#socket.close(), LAST_WORDS_MS);
    await this.#socket.flushed();
    clearTimeout(late);
    this.#socket.close();
  }
}

function failureOf(cause: unknown): { code: string; message: string } {
  if (cause instanceof BridgeError) return { code: cause.code, message: cause.message };
  return { code: "source_failed", message: cause instanceof Error ? cause.message : String(cause) };
}
