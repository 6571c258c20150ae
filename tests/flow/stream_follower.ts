import WebSocket from "ws";

/**
 * A WebSocket client as the stream's documentation tells one to be: it resumes after the last id it
 * has, and counts every id it is given.
 */
export class StreamFollower implements Disposable {
  /** How often each id came. */
  readonly seen = new Map<string, number>();
  /** What should not have happened: a recovery refused, an error. */
  readonly complaints: string[] = [];
  readonly #url: string;
  readonly #symbol: string;
  #epoch: string | undefined;
  #lastId = "0-0";
  #socket: WebSocket | undefined;
  #closed = false;

  constructor(url: string, symbol: string) {
    this.#url = url;
    this.#symbol = symbol;
    this.#connect();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#socket?.terminate();
  }

  #connect(): void {
    if (this.#closed) return;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.on("open", () => this.#subscribe(socket));
    socket.on("message", (data) => {
      // A socket that was given up may still hand over what had arrived.
      if (socket === this.#socket) this.#receive(JSON.parse(String(data)));
    });
    socket.on("error", () => {});
    socket.on("close", () => setTimeout(() => this.#connect(), 50));
  }

  #subscribe(socket: WebSocket): void {
    const symbols = [this.#symbol];
    const after = this.#epoch === undefined
      ? {}
      : { after: { [this.#symbol]: `${this.#epoch}:${this.#lastId}` } };
    socket.send(JSON.stringify({ action: "subscribe", symbols, ...after }));
  }

  #receive(message: Record<string, unknown>): void {
    if (typeof message.epoch === "string" && "subscribed" in message) {
      if (this.#epoch !== undefined && this.#epoch !== message.epoch) {
        this.complaints.push(`the epoch changed from ${this.#epoch} to ${message.epoch}`);
      }
      // The first connection learns the epoch, and asks again from the very beginning.
      const first = this.#epoch === undefined && message.epoch !== "";
      if (first) {
        this.#epoch = message.epoch;
        this.#socket?.terminate();
        this.#socket = undefined;
      }
    } else if (
      message.type === "tick" && this.#epoch !== undefined && typeof message.id === "string"
    ) {
      this.seen.set(message.id, (this.seen.get(message.id) ?? 0) + 1);
      this.#lastId = message.id;
    } else if (message.type === "recovered" && message.recovered !== true) {
      this.complaints.push(`recovery refused: ${JSON.stringify(message)}`);
    } else if (message.type === "gap" && message.reason !== "feed_down") {
      this.complaints.push(`gap: ${JSON.stringify(message)}`);
    } else if ("error" in message) {
      this.complaints.push(`error: ${JSON.stringify(message)}`);
    }
  }
}
