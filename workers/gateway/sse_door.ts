import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TickLogReader } from "../../lib/log/tick_log.ts";
import { isSymbol } from "../../lib/market/symbol.ts";
import type { GatewayEvents } from "./events.ts";
import { readPosition, signPosition, type StreamPosition } from "./position_token.ts";
import { type Problem, writeProblem } from "./problem.ts";
import type { Stream } from "./stream.ts";
import { Subscriber } from "./subscriber.ts";
import { drainOf, type Farewell, type Wire } from "./wire.ts";

/** How often a stream is told where it stands: what arrives twice after a break is at most this old. */
const POSITION_MS = 1000;
const encoder = new TextEncoder();
const COMMENT = encoder.encode(": still here\n\n");

export interface EventDoorOptions {
  readonly stream: Stream;
  readonly reader: TickLogReader;
  readonly events: GatewayEvents;
  readonly maxSymbols: number;
  readonly commentMs: number;
}

/** `GET /sse?symbols=EURUSD,GBPUSD`: the stream as Server-Sent Events. */
export class EventDoor {
  readonly #options: EventDoorOptions;
  readonly #visitors = new Map<Subscriber, EventWire>();
  readonly #timers: ReturnType<typeof setInterval>[];

  constructor(options: EventDoorOptions) {
    this.#options = options;
    this.#timers = [
      setInterval(() => void this.#sendPositions(), POSITION_MS),
      setInterval(() => this.#comment(), options.commentMs),
    ];
  }

  get count(): number {
    return this.#visitors.size;
  }

  async enter(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { stream, events } = this.#options;
    const asked = url.searchParams.get("symbols") ?? "*";
    const symbols = asked.split(",").map((symbol) => symbol.trim()).filter((symbol) =>
      symbol !== ""
    );
    const problem = this.#problemOf(symbols);
    if (problem !== undefined) return writeProblem(response, problem);
    const token = request.headers["last-event-id"] ?? url.searchParams.get("after") ?? undefined;
    if (token !== undefined) await stream.begun;
    const from = token === undefined ? undefined : await this.#positionOf(String(token));
    if (response.destroyed || request.socket.destroyed) return;

    const wire = new EventWire(response, request.socket);
    wire.begin();
    const subscriber = new Subscriber(wire, { shape: "sse", onSlow: "conflate" });
    this.#visitors.set(subscriber, wire);
    events.connected("sse");
    stream.add(subscriber);
    response.on("close", () => {
      this.#visitors.delete(subscriber);
      stream.remove(subscriber);
      events.left("sse");
    });
    this.#subscribe(subscriber, { symbols, from, resuming: token !== undefined });
    await this.#sendPosition(subscriber);
  }

  /** Sends no positions and comments any more. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  endAll(farewell: Farewell): void {
    for (const wire of this.#visitors.values()) wire.end(farewell);
  }

  destroyAll(): void {
    for (const wire of this.#visitors.values()) wire.destroy();
  }

  #subscribe(
    subscriber: Subscriber,
    { symbols, from, resuming }: {
      symbols: readonly string[];
      from: StreamPosition | undefined;
      resuming: boolean;
    },
  ): void {
    const { stream } = this.#options;
    const all = symbols.includes("*");
    const named = all ? [...stream.recent.symbols()] : [...new Set(symbols)];
    subscriber.all = all;
    subscriber.channels = new Set(["ticks", "status"]);
    const epoch = stream.tail.epoch ?? null;
    stream.send(subscriber, { subscribed: all ? ["*"] : named, epoch }, "status");
    // A token that is not this log's says nothing about where the client stands.
    const position = from ?? {
      epoch: "",
      positions: new Map(resuming ? named.map((symbol) => [symbol, { ms: 0, n: 0 }]) : []),
    };
    stream.resume(subscriber, named, position);
  }

  #problemOf(symbols: readonly string[]): Problem | undefined {
    const { stream, maxSymbols } = this.#options;
    if (symbols.length > maxSymbols) {
      return {
        status: 400,
        field: "symbols",
        title: `Cannot stream more than ${maxSymbols} symbols`,
        value: `${symbols.length} symbols`,
      };
    }
    const unknown = symbols.find((symbol) =>
      symbol !== "*" && (!isSymbol(symbol) || !stream.isKnown(symbol))
    );
    return unknown === undefined ? undefined : {
      status: 404,
      field: "symbols",
      title: "Cannot find a symbol in the log or the universe",
      value: unknown,
    };
  }

  async #positionOf(token: string): Promise<StreamPosition | undefined> {
    const key = await this.#key();
    return key === undefined ? undefined : readPosition(token, key);
  }

  async #sendPositions(): Promise<void> {
    for (const subscriber of this.#visitors.keys()) await this.#sendPosition(subscriber);
  }

  async #sendPosition(subscriber: Subscriber): Promise<void> {
    const key = await this.#key();
    // Taken after the wait: the position must be that of the instant at which it is written.
    const position = this.#options.stream.positionOf(subscriber);
    const skip = subscriber.slow || subscriber.missed.size > 0 || subscriber.due.size > 0;
    if (key === undefined || position === undefined || skip) return;
    const token = signPosition(position, key);
    subscriber.wire.write(
      encoder.encode(`event: position\nid: ${token}\ndata: {"type":"position"}\n\n`),
    );
  }

  /** The log's key; undefined while the log cannot be reached. */
  async #key(): Promise<string | undefined> {
    const epoch = this.#options.stream.tail.epoch;
    if (epoch === undefined) return undefined;
    if (this.#keyOf?.epoch === epoch) return this.#keyOf.key;
    try {
      const key = await this.#options.reader.resumeKey();
      if (key !== undefined) this.#keyOf = { epoch, key };
      return key;
    } catch (cause) {
      this.#options.events.failed("read the key of resume tokens", cause);
      return undefined;
    }
  }
  #keyOf: { epoch: string; key: string } | undefined;

  #comment(): void {
    for (const subscriber of this.#visitors.keys()) {
      if (!subscriber.slow) subscriber.wire.write(COMMENT);
    }
  }
}

/** An event stream: the body of a response without length, which ends with its connection. */
class EventWire implements Wire {
  readonly #response: ServerResponse;
  readonly #socket: Socket;

  constructor(response: ServerResponse, socket: Socket) {
    this.#response = response;
    this.#socket = socket;
  }

  begin(): void {
    this.#socket.setNoDelay(true);
    // Without chunks the body's bytes are the socket's bytes, and clients can share them.
    this.#response.useChunkedEncodingByDefault = false;
    this.#response.shouldKeepAlive = false;
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    this.#response.flushHeaders();
  }

  get bufferedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  get open(): boolean {
    return !this.#socket.destroyed && !this.#response.writableEnded;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.open) this.#response.write(bytes);
  }

  drained(): Promise<void> {
    return drainOf(this.#socket);
  }

  // An event stream's client sends nothing after its request.
  pause(): void {}
  resume(): void {}

  end({ reason }: Farewell): void {
    if (!this.open) return this.destroy();
    const text = JSON.stringify({ type: "status", state: "closing", reason });
    if (this.bufferedBytes > 0) return this.destroy();
    this.#response.end(`event: status\ndata: ${text}\n\n`);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
