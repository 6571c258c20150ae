import type { BridgeError } from "./bridge_error.ts";
import type { SourceEvent } from "./feed.ts";

/** Waiting ticks past which the socket is not read: the bridge, then its source, wait. */
const MAX_WAITING_BYTES = 512 << 10;
/** Events count too: a stream of single ticks costs more in objects than in bytes. */
const MAX_WAITING_EVENTS = 8192;

/**
 * Events between the socket and who pulls them. Full, it makes the reader wait (`room`); nothing is
 * dropped before `end`, everything after it.
 */
export class StreamQueue {
  #events: SourceEvent[] = [];
  #at = 0;
  #bytes = 0;
  #finished = false;
  #ended = false;
  #error: BridgeError | undefined;
  #wake: (() => void) | undefined;
  #onRoom: (() => void) | undefined;
  readonly #drained = Promise.withResolvers<void>();

  push(event: SourceEvent): void {
    if (this.#ended) return;
    this.#events.push(event);
    if (event.type === "ticks") this.#bytes += event.ticks.bytes.byteLength;
    this.#signal();
  }

  /** Undefined while more fits, else a promise for that moment. */
  room(): Promise<void> | undefined {
    if (this.#bytes < MAX_WAITING_BYTES && this.#waiting < MAX_WAITING_EVENTS) return undefined;
    return new Promise((resolve) => this.#onRoom = resolve);
  }

  /** The bridge has nothing more: what waits is still delivered, then the error, if any, is thrown. */
  finish(error?: BridgeError): void {
    this.#finished = true;
    this.#error = error;
    this.#drained.resolve();
    this.#signal();
  }

  /** Nobody pulls any more: what waits and what comes is let go, so that the socket is read on. */
  end(): void {
    this.#ended = true;
    this.#clear();
    this.#signal();
  }

  /** Resolves when the bridge has sent the last of the stream. */
  drained(): Promise<void> {
    return this.#drained.promise;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SourceEvent> {
    for (;;) {
      while (this.#waiting > 0) {
        const batch = this.#events;
        const event = batch[this.#at++];
        if (event === undefined) break;
        if (event.type === "ticks") this.#bytes -= event.ticks.bytes.byteLength;
        if (this.#at === batch.length) this.#clear();
        this.#offerRoom();
        yield event;
      }
      if (this.#ended) return;
      if (this.#finished) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  get #waiting(): number {
    return this.#events.length - this.#at;
  }

  #clear(): void {
    this.#events = [];
    this.#at = 0;
    this.#bytes = 0;
    this.#offerRoom();
  }

  #offerRoom(): void {
    if (this.#bytes * 2 > MAX_WAITING_BYTES || this.#waiting * 2 > MAX_WAITING_EVENTS) return;
    this.#onRoom?.();
    this.#onRoom = undefined;
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
