import { BridgeError } from "./bridge_error.ts";
import type {
  BarRequest,
  SessionStatus,
  SourceAccount,
  SourceBar,
  SourceEvent,
  SourceSymbol,
  SymbolSpec,
  TickRequest,
} from "./feed.ts";
import { FrameSocket } from "./frame_socket.ts";
import { decodeTicks, type Frame, TICKS_FRAME } from "./frames.ts";
import type { BridgeConnection } from "./bridge_connection.ts";
import { type Address, dial } from "./dial.ts";
import { shakeHands, type Welcome } from "./handshake.ts";
import { readMessage, type ServerMessage, serverMessage } from "./messages.ts";
import { type Answer, errorOf, Requests } from "./requests.ts";
import { StreamQueue } from "./stream_queue.ts";

export type { BridgeConnection };

export interface ConnectOptions extends Address {
  /** The bridge must know it too; without one any bridge is believed. */
  readonly token?: string | undefined;
  /**
   * The name of the session that is wanted; the bridge's first when absent. For work that may wait and
   * share: `*`, the least busy one that is connected, or `*:<vendor>[:<server>]`, the same among those.
   */
  readonly session?: string | undefined;
  /** Ends the attempt, and later the connection as a dispose would. */
  readonly signal: AbortSignal;
  readonly connectTimeoutMs?: number;
  readonly heartbeatMs?: number;
  /** A bridge that says nothing for so long is dead; several heartbeats. */
  readonly idleLimitMs?: number;
  readonly requestTimeoutMs?: number;
}

/**
 * @throws BridgeError `unreachable`, `unknown_session`, `session_down` (it was never connected yet, so
 * its source is not known: try again), or what else the handshake ended with; AbortError when aborted.
 */
export async function connectBridge(options: ConnectOptions): Promise<BridgeConnection> {
  const timeoutMs = options.connectTimeoutMs ?? 10_000;
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  const connection = await dial(options, deadline).catch((cause) => {
    options.signal.throwIfAborted();
    throw cause;
  });
  const socket = new FrameSocket(connection);
  const close = () => socket.close();
  deadline.addEventListener("abort", close);
  try {
    const welcome = await shakeHands(socket, { token: options.token, session: options.session });
    return new Client(socket, options, welcome);
  } catch (cause) {
    socket.close();
    options.signal.throwIfAborted();
    if (cause instanceof BridgeError && cause.code !== "closed") throw cause;
    throw new BridgeError(
      "unreachable",
      deadline.aborted
        ? `The bridge at ${options.host}:${options.port} did not answer within ${timeoutMs} ms`
        : `The bridge at ${options.host}:${options.port} left during the handshake`,
      { cause },
    );
  } finally {
    deadline.removeEventListener("abort", close);
  }
}

class Client implements BridgeConnection {
  readonly source: BridgeConnection["source"];
  readonly session: string;
  readonly #socket: FrameSocket;
  readonly #options: ConnectOptions;
  readonly #requests: Requests;
  readonly #beat: ReturnType<typeof setInterval>;
  readonly #reading: Promise<void>;
  readonly #onAbort = () => void this[Symbol.asyncDispose]();
  readonly #listeners = new Set<(sessions: readonly SessionStatus[]) => void>();
  #sessions: readonly SessionStatus[];
  #stream: { id: number; symbols: readonly string[]; queue: StreamQueue } | undefined;
  #failure: BridgeError | undefined;
  #paused = false;

  constructor(socket: FrameSocket, options: ConnectOptions, welcome: Welcome) {
    this.#socket = socket;
    this.#options = options;
    this.source = welcome.source;
    this.session = welcome.session;
    this.#sessions = welcome.sessions;
    this.#requests = new Requests(socket, { timeoutMs: options.requestTimeoutMs ?? 60_000 });
    const idleLimitMs = options.idleLimitMs ?? 15_000;
    this.#beat = setInterval(() => {
      if (!this.#paused && socket.silentMs > idleLimitMs) {
        this.#fail(new BridgeError("idle_peer", `The bridge was silent for ${idleLimitMs} ms`));
      } else {
        socket.send({ type: "heartbeat" });
      }
    }, options.heartbeatMs ?? 5000);
    options.signal.addEventListener("abort", this.#onAbort);
    this.#reading = this.#read();
  }

  get sessions(): readonly SessionStatus[] {
    return this.#sessions;
  }

  onSessions(listener: (sessions: readonly SessionStatus[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async symbols(): Promise<SourceSymbol[]> {
    const symbols: SourceSymbol[] = [];
    await this.#requests.ask({ type: "symbols" }, (answer) => {
      if (answer.type !== "symbols") return unexpected(answer);
      symbols.push(...answer.symbols);
      return answer.last ?? true;
    });
    return symbols;
  }

  async specs(): Promise<SymbolSpec[]> {
    const specs: SymbolSpec[] = [];
    await this.#requests.ask({ type: "specs" }, (answer) => {
      if (answer.type !== "specs") return unexpected(answer);
      specs.push(...answer.specs);
      return answer.last;
    });
    return specs;
  }

  async account(): Promise<SourceAccount> {
    const answer = await this.#requests.ask({ type: "account" });
    return answer.type === "account" ? answer.account : unexpected(answer);
  }

  async bars(request: BarRequest): Promise<SourceBar[]> {
    const bars: SourceBar[] = [];
    await this.#requests.ask({ type: "bars", ...request }, (answer) => {
      if (answer.type === "bars") bars.push(...answer.bars);
      return answer.type !== "bars" || answer.last;
    });
    return bars;
  }

  async *stream(
    requests: readonly TickRequest[],
    signal: AbortSignal,
  ): AsyncGenerator<SourceEvent> {
    if (signal.aborted) return;
    if (this.#stream !== undefined) {
      throw new BridgeError("stream_open", "This connection has a stream: leave its loop first");
    }
    const queue = new StreamQueue();
    const stream = { id: this.#requests.nextId, symbols: [] as readonly string[], queue };
    // The first ticks may stand in the same read as the answer, so the queue is there before it.
    this.#stream = stream;
    const stop = () => queue.end();
    signal.addEventListener("abort", stop);
    try {
      await this.#requests.ask({ type: "ticks", requests }, (answer) => {
        if (answer.type === "streaming") stream.symbols = answer.symbols;
        return true;
      });
      yield* queue;
    } finally {
      signal.removeEventListener("abort", stop);
      queue.end();
      if (this.#stream === stream) await this.#stop(stream.id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === undefined) {
      this.#socket.send({ type: "goodbye" });
      await Promise.race([
        this.#socket.flushed(),
        new Promise((resolve) => setTimeout(resolve, 500)),
      ]);
    }
    this.#fail(new BridgeError("closed", "The bridge connection was closed here"));
    await this.#reading;
  }

  /** Tells the bridge to stop, and drops what was on its way until it says that it has. */
  async #stop(id: number): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#socket.send({ type: "stop", stream: id });
    const stopped = this.#stream?.queue.drained();
    await stopped;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const frames = await this.#socket.receive();
        if (frames.length === 0) {
          throw new BridgeError("closed", "The bridge closed the connection");
        }
        for (const frame of frames) this.#take(frame);
        const room = this.#stream?.queue.room();
        if (room === undefined) continue;
        this.#paused = true;
        await room;
        this.#socket.listenAgain();
        this.#paused = false;
      }
    } catch (cause) {
      this.#fail(
        cause instanceof BridgeError
          ? cause
          : new BridgeError("closed", "The bridge connection broke", { cause }),
      );
    }
  }

  #take(frame: Frame): void {
    if (frame.type === TICKS_FRAME) {
      const { stream, symbolIndex, ticks } = decodeTicks(frame.payload);
      if (stream !== this.#stream?.id) return;
      const symbol = this.#stream.symbols[symbolIndex];
      if (symbol === undefined) {
        throw new BridgeError(
          "bad_message",
          `Cannot read ticks as one of ${this.#stream.symbols.length} symbols: current index is ${symbolIndex}`,
        );
      }
      this.#stream.queue.push({ type: "ticks", symbol, ticks });
      return;
    }
    const message = readMessage(serverMessage, frame);
    if ("id" in message) this.#takeAnswer(message);
    else if ("stream" in message) this.#takeStreamMessage(message);
    else if (message.type === "sessions") this.#takeSessions(message.sessions);
    else if (message.type === "error") throw errorOf(message);
    else if (message.type === "goodbye") {
      throw new BridgeError("closed", "The bridge said goodbye");
    }
  }

  #takeSessions(sessions: readonly SessionStatus[]): void {
    this.#sessions = sessions;
    for (const listener of this.#listeners) listener(sessions);
  }

  #takeAnswer(answer: Answer): void {
    if (answer.type === "failed" && this.#stream?.id === answer.id) this.#endStream();
    // The symbol table is needed by the very next frame, before any waiting code runs.
    this.#requests.take(answer);
  }

  #takeStreamMessage(message: Extract<ServerMessage, { stream: number; type: string }>): void {
    if (this.#stream?.id !== message.stream) return;
    if (message.type === "stopped") this.#endStream();
    else if (message.type === "stream_failed") this.#endStream(errorOf(message));
    else if (message.type !== "streaming") {
      const { stream: _, ...event } = message;
      this.#stream.queue.push(event);
    }
  }

  #endStream(error?: BridgeError): void {
    const queue = this.#stream?.queue;
    this.#stream = undefined;
    queue?.finish(error);
  }

  #fail(error: BridgeError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearInterval(this.#beat);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#socket.close();
    this.#listeners.clear();
    this.#requests.fail(error);
    this.#endStream(error);
  }
}

function unexpected(answer: Answer): never {
  throw new BridgeError("bad_message", `The bridge answered with ${answer.type}`);
}
