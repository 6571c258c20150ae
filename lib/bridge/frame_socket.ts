import type { Ticks } from "../market/tick.ts";
import { BridgeError } from "./bridge_error.ts";
import { type Frame, FrameReader, FrameWriter } from "./frames.ts";

/** Frames wait here until the peer's socket accepts; past it `room` makes the sender wait. */
const MAX_PENDING_BYTES = 512 << 10;

/** A connection that carries frames: both ends of the bridge socket are one of these. */
export class FrameSocket {
  readonly #connection: Deno.Conn;
  readonly #reader = new FrameReader();
  readonly #writer = new FrameWriter();
  readonly #waiting: { resolve(): void; reject(reason: unknown): void }[] = [];
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #closed = false;
  #lastHeardMs = performance.now();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    if ("setNoDelay" in connection) (connection as Deno.TcpConn).setNoDelay(true);
  }

  set maxFrameBytes(bytes: number) {
    this.#reader.maxFrameBytes = bytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How long the peer has said nothing, as far as anyone has read. */
  get silentMs(): number {
    return performance.now() - this.#lastHeardMs;
  }

  /** Counts the silence from now, after a time in which nobody read. */
  listenAgain(): void {
    this.#lastHeardMs = performance.now();
  }

  /** Bytes accepted from the sender and not yet by the socket. */
  get pendingBytes(): number {
    return this.#writer.bytes;
  }

  /** Queues a message; frames queued in one turn leave in one write. A failure shows in `room`. */
  send(message: unknown): void {
    this.#writer.control(message);
    this.#flushing ??= this.#flush();
  }

  sendTicks(stream: number, symbolIndex: number, ticks: Ticks): void {
    this.#writer.ticks(stream, symbolIndex, ticks);
    this.#flushing ??= this.#flush();
  }

  /** Undefined while more may be sent at once, else a promise for that moment. Rejects when broken. */
  room(): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#writer.bytes < MAX_PENDING_BYTES) return undefined;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Resolves when everything sent has left, or cannot leave any more. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  /** Whole frames that are here; waits for at least one. Empty when the peer has ended in order. */
  async receive(): Promise<Frame[]> {
    for (;;) {
      const frames: Frame[] = [];
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
        frames.push(frame);
      }
      if (frames.length > 0) return frames;
      if (!await this.#fill()) return frames;
    }
  }

  /** One frame, for the handshake, where the limits change between frames. */
  async receiveOne(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#reader.next();
      if (frame !== undefined) return frame;
      if (!await this.#fill()) return undefined;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#fail(new BridgeError("closed", "The bridge connection is closed"));
    this.#connection.close();
  }

  /** False at the end of the stream. */
  async #fill(): Promise<boolean> {
    const count = await this.#connection.read(this.#reader.space());
    if (count === null) {
      if (this.#reader.half) {
        throw new BridgeError("half_frame", "The peer ended inside a frame");
      }
      return false;
    }
    this.#lastHeardMs = performance.now();
    this.#reader.filled(count);
    return true;
  }

  async #flush(): Promise<void> {
    // What else this turn sends joins the same write.
    await Promise.resolve();
    try {
      while (this.#writer.bytes > 0 && this.#failure === undefined) {
        const bytes = this.#writer.take();
        this.#release();
        for (let sent = 0; sent < bytes.length;) {
          sent += await this.#connection.write(bytes.subarray(sent));
        }
        this.#writer.written(bytes);
      }
    } catch (cause) {
      this.#fail(new BridgeError("closed", "The bridge connection broke", { cause }));
    }
    this.#flushing = undefined;
  }

  #release(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.resolve();
  }

  #fail(failure: unknown): void {
    this.#failure ??= failure;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}
