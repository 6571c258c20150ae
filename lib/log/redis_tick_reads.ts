import { Buffer } from "node:buffer";
import type { Redis } from "ioredis";
import { RedisConnection } from "./redis_connection.ts";
import { type StreamRuns, TickReplies } from "./redis_tick_replies.ts";

type Stream = Redis["stream"];

interface Pending {
  resolve(streams: readonly StreamRuns[]): void;
  reject(cause: Error): void;
}

/**
 * A connection that does nothing but XREAD. ioredis connects, authenticates and reconnects it; once
 * it is ready its socket is taken over, because the replies are taken apart by `TickReplies`.
 */
export class RedisTickReads implements Disposable {
  readonly #connection: RedisConnection;
  #stream: Stream | undefined;
  /** Redis answers in order. */
  #pending: Pending[] = [];

  constructor(url: string, options?: { readonly answerMs?: number }) {
    this.#connection = new RedisConnection(url, options);
  }

  /**
   * XREAD with these arguments, of which BLOCK is `blockMs`; answers nothing when the wait was for
   * nothing.
   * @throws LogUnavailable while Redis cannot be reached or cannot answer.
   */
  read(
    args: readonly (string | number)[],
    { blockMs = 0 }: { readonly blockMs?: number } = {},
  ): Promise<readonly StreamRuns[]> {
    return this.#connection.run("read ticks", async (redis) => {
      const stream = this.#take(redis);
      const { promise, resolve, reject } = Promise.withResolvers<readonly StreamRuns[]>();
      this.#pending.push({ resolve, reject });
      stream.write(command("XREAD", args));
      const timer = setTimeout(() => stream.destroy(), blockMs + this.#connection.answerMs);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    });
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }

  #take({ stream }: Redis): Stream {
    if (this.#stream === stream) return stream;
    this.#stream = stream;
    const replies = new TickReplies((reply) => {
      const pending = this.#pending.shift();
      if (!(reply instanceof Error)) return pending?.resolve(reply);
      if (!reply.message.startsWith("UNBLOCKED")) return pending?.reject(reply);
      // The server changed its role while this waited, and closes: the caller looks again.
      stream.once("close", () => pending?.resolve([]));
      stream.destroy();
    });
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Uint8Array) => {
      try {
        replies.feed(chunk);
      } catch (cause) {
        // The rest of the connection means nothing any more: the next read opens another.
        stream.destroy();
        this.#rejectAll(cause);
      }
    });
    stream.once("close", () => {
      if (this.#stream === stream) this.#stream = undefined;
      this.#rejectAll(new Error("Connection is closed"));
    });
    return stream;
  }

  #rejectAll(cause: unknown): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { reject } of pending) {
      reject(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }
}

function command(name: string, args: readonly (string | number)[]): string {
  let text = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
  for (const arg of args) {
    const part = String(arg);
    text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
  }
  return text;
}
