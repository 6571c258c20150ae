// @ts-types="@types/ws"
import WebSocket from "ws";

export type Message = Record<string, unknown>;

/** A real WebSocket client that keeps what it is sent, and waits for what a test expects. */
export class WsClient implements AsyncDisposable {
  /** Every message, frames of several taken apart, in order. */
  readonly messages: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #changed = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const value: unknown = JSON.parse(String(data));
      for (const message of Array.isArray(value) ? value : [value]) this.messages.push(message);
      for (const look of this.#changed) look();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        resolve({ code, reason: String(reason) });
        for (const look of this.#changed) look();
      });
    });
  }

  /** @param headers such as `origin`. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<WsClient> {
    const socket = new WebSocket(url, { headers });
    const client = new WsClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  get socket(): WebSocket {
    return this.#socket;
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  ofType(type: string): Message[] {
    return this.messages.filter((message) => message.type === type);
  }

  ids(symbol?: string): string[] {
    return this.ofType("tick").filter((tick) => symbol === undefined || tick.symbol === symbol)
      .map(({ id }) => String(id));
  }

  /** Resolves as soon as the messages fit; rejects after 10 s with what there is. */
  until(fits: (client: WsClient) => boolean, what = "what the test waits for"): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!fits(this)) return;
        clearTimeout(late);
        this.#changed.delete(look);
        resolve();
      };
      const late = setTimeout(() => {
        this.#changed.delete(look);
        const last = JSON.stringify(this.messages.slice(-5));
        reject(new Error(`Cannot see ${what} in ${this.messages.length} messages, last ${last}`));
      }, 10_000);
      this.#changed.add(look);
      look();
    });
  }

  async untilMessage(fits: (message: Message) => boolean, what?: string): Promise<Message> {
    await this.until(({ messages }) => messages.some(fits), what);
    return this.messages.find(fits) ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.closed;
  }
}
