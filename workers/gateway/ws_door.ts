import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Buffer } from "node:buffer";
// @ts-types="@types/ws"
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { CommandError, parseCommand, type Subscribe } from "./commands.ts";
import type { GatewayEvents } from "./events.ts";
import type { Stream } from "./stream.ts";
import { Subscriber } from "./subscriber.ts";
import type { Farewell } from "./wire.ts";
import { WebSocketWire } from "./ws_wire.ts";

/** Greatest message a client may send, in bytes: room for a subscription that resumes 500 symbols. */
const MAX_MESSAGE_BYTES = 64 * 1024;

export interface WebSocketDoorOptions {
  readonly stream: Stream;
  readonly events: GatewayEvents;
  readonly maxClients: number;
  readonly pingMs: number;
  readonly silentMs: number;
}

interface Visitor {
  readonly webSocket: WebSocket;
  readonly subscriber: Subscriber;
  heardMs: number;
}

/** Takes WebSocket clients in, carries out their commands, and ends those that fell silent. */
export class WebSocketDoor {
  readonly #options: WebSocketDoorOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false,
  });
  readonly #visitors = new Set<Visitor>();
  readonly #pings: ReturnType<typeof setInterval>;

  constructor(options: WebSocketDoorOptions) {
    this.#options = options;
    this.#pings = setInterval(() => this.#ping(), options.pingMs);
  }

  get count(): number {
    return this.#visitors.size;
  }

  /** Takes a connection in; `symbol` (from `/ws/<symbol>`) is subscribed at once. */
  enter(
    request: IncomingMessage,
    { socket, head, symbol, full }: {
      socket: Socket;
      head: Buffer;
      symbol: string | undefined;
      full: boolean;
    },
  ): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => webSocket.terminate());
      const wire = new WebSocketWire(webSocket, socket);
      if (full) {
        this.#options.events.refused("too_many_connections");
        wire.end({ code: 4029, reason: "too many connections: come back later" });
        return;
      }
      socket.setNoDelay(true);
      const subscriber = new Subscriber(wire, { shape: "single", onSlow: "conflate" });
      this.#welcome({ webSocket, subscriber, heardMs: performance.now() }, symbol);
    });
  }

  /** Pings nobody any more. */
  stop(): void {
    clearInterval(this.#pings);
  }

  /** Ends every client with the same words. */
  endAll(farewell: Farewell): void {
    for (const { subscriber } of this.#visitors) subscriber.wire.end(farewell);
  }

  /** Destroys what has not left yet. */
  destroyAll(): void {
    for (const { webSocket } of this.#visitors) webSocket.terminate();
  }

  #welcome(visitor: Visitor, symbol: string | undefined): void {
    const { stream, events } = this.#options;
    const { webSocket, subscriber } = visitor;
    this.#visitors.add(visitor);
    events.connected("ws");
    stream.add(subscriber);
    webSocket.on("message", (data, isBinary) => {
      visitor.heardMs = performance.now();
      this.#answer(subscriber, isBinary ? undefined : textOf(data));
    });
    webSocket.on("pong", () => visitor.heardMs = performance.now());
    webSocket.on("ping", () => visitor.heardMs = performance.now());
    webSocket.on("close", () => {
      this.#visitors.delete(visitor);
      stream.remove(subscriber);
      events.left("ws");
    });
    if (symbol !== undefined) this.#answer(subscriber, JSON.stringify({ subscribe: [symbol] }));
  }

  #answer(subscriber: Subscriber, text: string | undefined): void {
    this.#guarded(subscriber, () => {
      if (text === undefined) {
        throw new CommandError("Cannot read a binary message: commands are JSON text", {
          code: "invalid_json",
        });
      }
      const { stream } = this.#options, command = parseCommand(text);
      switch (command.type) {
        case "ping":
          return stream.send(subscriber, { type: "pong" });
        case "subscribe":
          return this.#subscribe(subscriber, command);
        case "unsubscribe":
          return stream.unsubscribe(subscriber, command.symbols);
      }
    });
  }

  #subscribe(subscriber: Subscriber, command: Subscribe): void {
    const { stream } = this.#options;
    const resumes = Object.keys(command.after).length > 0;
    if (!resumes || stream.tail.epoch !== undefined) return stream.subscribe(subscriber, command);
    // Clients come back faster than a restarted gateway has found its log: their ids are still good.
    subscriber.wire.pause();
    stream.begun.then(() => {
      if (!subscriber.wire.open) return;
      this.#guarded(subscriber, () => stream.subscribe(subscriber, command));
      if (!subscriber.slow) subscriber.wire.resume();
    });
  }

  /** A command that cannot be carried out is answered; the connection stays open. */
  #guarded(subscriber: Subscriber, carryOut: () => void): void {
    try {
      carryOut();
    } catch (cause) {
      if (!(cause instanceof CommandError)) throw cause;
      this.#options.stream.send(subscriber, { error: cause.message, code: cause.code });
    }
  }

  #ping(): void {
    const deadlineMs = performance.now() - this.#options.silentMs;
    for (const { webSocket, subscriber, heardMs } of this.#visitors) {
      // A client that lets a full buffer wait this long cannot even be told that it is ended.
      if (Math.max(heardMs, subscriber.recoveredMs) < deadlineMs) webSocket.terminate();
      else if (!subscriber.slow && subscriber.wire.open) webSocket.ping();
    }
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}
