import { BridgeError } from "../lib/bridge/bridge_error.ts";
import type { SourceEvent } from "../lib/bridge/feed.ts";
import { CONTROL_FRAME, MAX_FRAME_BYTES, MAX_HANDSHAKE_FRAME_BYTES } from "../lib/bridge/frames.ts";
import type { Frame } from "../lib/bridge/frames.ts";
import type { FrameSocket } from "../lib/bridge/frame_socket.ts";
import {
  clientHello,
  type ClientMessage,
  clientMessage,
  PROTOCOL_VERSION,
  readMessage,
} from "../lib/bridge/messages.ts";
import { isProof, newNonce, prove } from "../lib/bridge/proof.ts";
import type { BridgeEvents } from "./events.ts";
import type { Source } from "./source.ts";

export interface ConnectionOptions {
  readonly source: Source;
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
const BARS_PER_FRAME = 2000;
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

  constructor(socket: FrameSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Serves until the collector leaves, fails, or the signal aborts; never rejects. */
  async serve(signal: AbortSignal): Promise<void> {
    const leave = () => this.#leave();
    signal.addEventListener("abort", leave);
    try {
      await this.#shakeHands();
      await this.#answerAll();
    } catch (cause) {
      await this.#refuse(this.#ending ?? cause);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#stream?.abort.abort();
      this.#socket.close();
    }
  }

  async #shakeHands(): Promise<void> {
    const { token, handshakeTimeoutMs, source } = this.#options;
    const late = setTimeout(() => {
      this.#end("handshake_timeout", `No hello within ${handshakeTimeoutMs} ms`);
    }, handshakeTimeoutMs);
    try {
      this.#socket.maxFrameBytes = MAX_HANDSHAKE_FRAME_BYTES;
      const serverNonce = newNonce();
      this.#socket.send({ type: "hello", protocol: PROTOCOL_VERSION, nonce: serverNonce });
      const frame = await this.#socket.receiveOne();
      if (frame === undefined) throw new BridgeError("closed", "The peer left before its hello");
      const hello = readMessage(clientHello, controlFrame(frame));
      if (hello.protocol !== PROTOCOL_VERSION) {
        throw new BridgeError(
          "version_mismatch",
          `Cannot speak with the peer as protocol ${PROTOCOL_VERSION}: current version is ${hello.protocol}`,
        );
      }
      const nonces = { serverNonce, clientNonce: hello.nonce };
      const proof = token === undefined ? undefined : await this.#checkProof(hello.proof, {
        token,
        ...nonces,
      });
      const { name, kind, clock } = source;
      this.#socket.send({ type: "welcome", proof, source: { name, kind, clock } });
      this.#socket.maxFrameBytes = MAX_FRAME_BYTES;
    } finally {
      clearTimeout(late);
    }
  }

  /** The bridge's own proof in return. */
  async #checkProof(
    proof: string | undefined,
    challenge: { token: string; serverNonce: string; clientNonce: string },
  ): Promise<string> {
    if (proof === undefined) {
      throw new BridgeError("unauthenticated", "This bridge wants a token: set BRIDGE_TOKEN");
    }
    if (!await isProof(proof, { ...challenge, role: "client" })) {
      throw new BridgeError("wrong_token", "The peer's token is not this bridge's");
    }
    return await prove({ ...challenge, role: "server" });
  }

  async #answerAll(): Promise<void> {
    const { heartbeatMs, idleLimitMs, events } = this.#options;
    const beat = setInterval(() => {
      if (this.#socket.silentMs > idleLimitMs) {
        this.#end("idle_peer", `The peer was silent for ${idleLimitMs} ms`);
      } else if (this.#socket.pendingBytes < HEARTBEAT_PENDING_BYTES) {
        this.#socket.send({ type: "heartbeat" });
      }
    }, heartbeatMs);
    events.collectorJoined();
    try {
      for (;;) {
        const frames = await this.#socket.receive();
        if (frames.length === 0) return;
        for (const frame of frames) {
          const message = readMessage(clientMessage, controlFrame(frame));
          if (message.type === "goodbye") return;
          this.#take(message);
        }
      }
    } finally {
      clearInterval(beat);
      events.collectorLeft();
    }
  }

  #take(message: Exclude<ClientMessage, { type: "goodbye" }>): void {
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
    this.#answer(message).catch((cause) => {
      this.#socket.send({ type: "failed", id: message.id, ...failureOf(cause) });
    }).finally(() => this.#openRequests--);
  }

  async #answer(
    message: Extract<ClientMessage, { id: number }>,
  ): Promise<void> {
    const { source } = this.#options;
    const { type, id } = message;
    if (type === "symbols") {
      this.#socket.send({ type, id, symbols: await source.symbols() });
    } else if (type === "account") {
      this.#socket.send({ type, id, account: await source.account() });
    } else if (type === "bars") {
      await this.#checkSymbols([message.symbol]);
      const bars = await source.bars(message);
      for (let from = 0; from === 0 || from < bars.length; from += BARS_PER_FRAME) {
        const last = from + BARS_PER_FRAME >= bars.length;
        await this.#socket.room();
        this.#socket.send({ type, id, bars: bars.slice(from, from + BARS_PER_FRAME), last });
      }
    } else {
      await this.#checkSymbols(message.requests.map((request) => request.symbol));
      this.#startStream(message);
    }
  }

  async #checkSymbols(names: readonly string[]): Promise<void> {
    const known = new Set((await this.#options.source.symbols()).map(({ symbol }) => symbol));
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new BridgeError("unknown_symbol", `The source has no symbol ${unknown.join(", ")}`);
    }
  }

  #startStream(message: Extract<ClientMessage, { type: "ticks" }>): void {
    if (this.#stream !== undefined) {
      throw new BridgeError("stream_open", "This connection has a stream: stop it first");
    }
    if (this.#socket.closed) return;
    const stream = { id: message.id, abort: new AbortController() };
    const symbols = [...new Set(message.requests.map((request) => request.symbol))];
    this.#stream = stream;
    this.#socket.send({ type: "streaming", id: message.id, stream: stream.id, symbols });
    this.#forwardAll(message, { ...stream, symbols }).then(
      () => this.#socket.send({ type: "stopped", stream: stream.id }),
      (cause) => {
        this.#options.events.streamFailed(cause);
        this.#socket.send({ type: "stream_failed", stream: stream.id, ...failureOf(cause) });
      },
    ).finally(() => this.#stream = undefined);
  }

  /** Pulls the source only while the socket takes more: a slow collector makes the source wait. */
  async #forwardAll(
    { requests }: Extract<ClientMessage, { type: "ticks" }>,
    stream: { id: number; abort: AbortController; symbols: readonly string[] },
  ): Promise<void> {
    const indexes = new Map(stream.symbols.map((symbol, index) => [symbol, index]));
    for await (const event of this.#options.source.stream(requests, stream.abort.signal)) {
      this.#forward(event, { id: stream.id, indexes });
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
    await this.#lastWords({ type: "error", code: cause.code, message: cause.message });
  }

  async #lastWords(message: unknown): Promise<void> {
    this.#socket.send(message);
    const late = setTimeout(() => this.#socket.close(), LAST_WORDS_MS);
    await this.#socket.flushed();
    clearTimeout(late);
    this.#socket.close();
  }
}

function controlFrame(frame: Frame): Frame {
  if (frame.type === CONTROL_FRAME) return frame;
  throw new BridgeError("unknown_frame", "A bridge takes control frames only");
}

function failureOf(cause: unknown): { code: string; message: string } {
  if (cause instanceof BridgeError) return { code: cause.code, message: cause.message };
  return { code: "source_failed", message: cause instanceof Error ? cause.message : String(cause) };
}
