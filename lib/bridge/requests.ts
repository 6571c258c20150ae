import { BridgeError, type BridgeErrorCode } from "./bridge_error.ts";
import type { FrameSocket } from "./frame_socket.ts";
import type { ServerMessage } from "./messages.ts";

export type Answer = Extract<ServerMessage, { id: number }>;

interface Pending {
  take(answer: Answer): void;
  fail(error: unknown): void;
}

/** What a collector has asked and the bridge has not answered yet. */
export class Requests {
  readonly #socket: FrameSocket;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #failure: BridgeError | undefined;

  constructor(socket: FrameSocket, { timeoutMs }: { timeoutMs: number }) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
  }

  /** The id that the next request will carry. */
  get nextId(): number {
    return this.#lastId + 1;
  }

  /**
   * Sends a request, gives `isLast` each answer as it comes, and resolves with the one for which that
   * was true. @throws BridgeError of the bridge, of the connection, or `request_timeout`.
   */
  ask(
    message: Readonly<Record<string, unknown>>,
    isLast: (answer: Answer) => boolean = () => true,
  ): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const late = setTimeout(() => {
      reject(
        new BridgeError(
          "request_timeout",
          `The bridge did not answer ${message.type} within ${this.#timeoutMs} ms`,
        ),
      );
    }, this.#timeoutMs);
    this.#pending.set(id, {
      fail: reject,
      take(answer) {
        if (isLast(answer)) resolve(answer);
      },
    });
    this.#socket.send({ ...message, id });
    return promise.finally(() => {
      clearTimeout(late);
      this.#pending.delete(id);
    });
  }

  take(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (answer.type === "failed") pending?.fail(errorOf(answer));
    else pending?.take(answer);
  }

  /** Rejects every open request, and every later one. */
  fail(error: BridgeError): void {
    this.#failure = error;
    for (const pending of this.#pending.values()) pending.fail(error);
  }
}

/** An error as the other side stated it. */
export function errorOf(
  { code, message, sessions }:
    & Pick<Extract<ServerMessage, { type: "error" }>, "code" | "message">
    & {
      sessions?: BridgeError["sessions"] | undefined;
    },
): BridgeError {
  return new BridgeError(code as BridgeErrorCode, message, { sessions });
}
