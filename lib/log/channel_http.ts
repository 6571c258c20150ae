import { Agent, request } from "node:http";
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../program/errors.ts";
import type { Beat, Channel, ChannelMessages } from "./channel.ts";

const TIMEOUT_MS = 1000;

/**
 * The live channel between processes of one machine without Redis: a program posts its beats to the
 * health program, which takes them at `POST /beats`. One post is on its way at a time and the newest
 * beat waits for it; older ones are worth nothing and are replaced. Nothing else is carried: log
 * readers see new ticks and commits in the database's `data_version`.
 */
export class HttpTwin implements Channel {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #next: Beat | undefined;
  #sending: Promise<void> | undefined;
  #closed = false;
  #isHeard = true;

  constructor({ healthPort }: { healthPort: number }) {
    this.#port = healthPort;
  }

  publish<T extends keyof ChannelMessages>(topic: T, message: ChannelMessages[T]): void {
    // Port 0 was chosen by the health program alone: nobody here knows where it listens.
    if (topic !== "beat" || this.#closed || this.#port === 0) return;
    // The comparison above fixes T to "beat", which the type checker does not conclude.
    this.#next = message as Beat;
    this.#sending ??= this.#send();
  }

  subscribe<T extends keyof ChannelMessages>(
    _topic: T,
    _listener: (message: ChannelMessages[T]) => void,
  ): () => void {
    return () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#sending;
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    while (this.#next !== undefined) {
      const beat = this.#next;
      this.#next = undefined;
      await this.#post(JSON.stringify(beat));
    }
    this.#sending = undefined;
  }

  /** Resolves whatever happens: a health program that is away does not hold up the sender. */
  #post(body: string): Promise<void> {
    return new Promise((resolve) => {
      const post = request({
        host: "127.0.0.1",
        port: this.#port,
        path: "/beats",
        method: "POST",
        agent: this.#agent,
        timeout: TIMEOUT_MS,
        headers: { "content-type": "application/json", "content-length": byteLength(body) },
      });
      post.on("response", (response) => {
        const { statusCode = 0 } = response;
        this.#tell(statusCode === 204 ? undefined : `it answers ${statusCode}`);
        response.resume();
        response.on("close", resolve);
      });
      post.on("timeout", () => post.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      post.on("error", (cause) => this.#tell(messageOf(cause)));
      post.on("close", resolve);
      post.end(body);
    });
  }

  /** Says when beats begin to be lost and when they arrive again, not at each of them. */
  #tell(failure: string | undefined): void {
    const isHeard = failure === undefined;
    if (isHeard === this.#isHeard) return;
    this.#isHeard = isHeard;
    const log = getLogger(["arbitrex", "channel"]);
    if (isHeard) return log.info("the health program hears this program again");
    log.warn("Cannot post beats to 127.0.0.1:{port}: {failure}; sent again each second", {
      port: this.#port,
      failure,
    });
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
