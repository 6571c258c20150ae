import type { Channel, ChannelMessages } from "./channel.ts";
import { ChannelListeners, type Envelope } from "./channel_listeners.ts";

/**
 * The live channel inside one process: a BroadcastChannel a topic that all threads of the process
 * share. A thread takes part only in the topics it uses: a message costs each receiver of its channel
 * a turn, and wake-ups come by the thousand. The names carry the kind and the folder of the data, so
 * that two systems in one process never mix.
 */
export class BroadcastTwin implements Channel {
  readonly #name: string;
  readonly #topics = new Map<string, BroadcastChannel>();
  readonly #listeners = new ChannelListeners();
  #closed = false;

  constructor({ kind, dataDir }: { kind: string; dataDir: string }) {
    this.#name = `arbitrex ${kind} ${dataDir}`;
  }

  publish<T extends keyof ChannelMessages>(topic: T, message: ChannelMessages[T]): void {
    if (this.#closed) return;
    try {
      this.#broadcastOf(topic).postMessage({ topic, message });
    } catch (cause) {
      // Only a message that cannot be cloned comes here; the channel promises not to throw.
      this.#listeners.log.warning("Cannot publish {topic} as a broadcast: {cause}", {
        topic,
        cause: String(cause),
      });
    }
  }

  subscribe<T extends keyof ChannelMessages>(
    topic: T,
    listener: (message: ChannelMessages[T]) => void,
  ): () => void {
    if (!this.#closed) this.#broadcastOf(topic);
    return this.#listeners.add(topic, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    // The runtime hands a message to other threads in a later turn, and not at all once closed.
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const broadcast of this.#topics.values()) broadcast.close();
  }

  #broadcastOf(topic: string): BroadcastChannel {
    let broadcast = this.#topics.get(topic);
    if (broadcast === undefined) {
      broadcast = new BroadcastChannel(`${this.#name} ${topic}`);
      broadcast.onmessage = ({ data }: MessageEvent<Envelope>) => this.#listeners.deliver(data);
      this.#topics.set(topic, broadcast);
    }
    return broadcast;
  }
}
