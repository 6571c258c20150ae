import type { Socket } from "node:net";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import type { Bytes } from "./frames.ts";
import { drainOf, type Farewell, type Wire } from "./wire.ts";

/** How long a client may take to answer a close before its socket is destroyed, in ms. */
const FAREWELL_MS = 1000;

/**
 * A WebSocket whose data frames are written straight to its TCP socket. `ws` does the handshake,
 * reads, and writes control frames; it writes each at once and whole (nothing is compressed or
 * fragmented), as this does, so frames never interleave. After a close frame nothing more is written.
 */
export class WebSocketWire implements Wire {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  get open(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN && !this.#socket.destroyed;
  }

  write(bytes: Bytes): void {
    if (this.open) this.#socket.write(bytes);
  }

  drained(): Promise<void> {
    return drainOf(this.#socket);
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  end({ code, reason }: Farewell): void {
    if (!this.open) return this.#webSocket.terminate();
    this.#webSocket.close(code, reason);
    const webSocket = this.#webSocket;
    const destroy = setTimeout(() => webSocket.terminate(), FAREWELL_MS);
    webSocket.once("close", () => clearTimeout(destroy));
    // The client's own close frame is read even when its commands were held back.
    webSocket.resume();
  }
}
