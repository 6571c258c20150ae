import type { Channel, ChannelMessages } from "./channel.ts";
import { ChannelListeners, type Envelope } from "./channel_listeners.ts";

/**
 * The live channel inside one process: a BroadcastChannel that all threads of the process share. Its
 * name carries the kind and the folder of the data, so that two systems in one process never mix.
 */
export class BroadcastTwin implements Channel {
  readonly #broadcast: BroadcastChannel;
  readonly #listeners = new ChannelListeners();
  #closed = false;

  constructor({ kind, dataDir }: { kind: string; dataDir: string }) {
    this.#broadcast = new BroadcastChannel(`arbitrex ${kind} ${dataDir}`);
    this.#broadcast.onmessage = ({ data }: MessageEvent<Envelope>) => this.#listeners.deliver(data);
  }

  publish<T extends keyof ChannelMessages>(topic: T, message: ChannelMessages[T]): void {
    if (this.#closed) return;
    try {
      this.#broadcast.postMessage({ topic, message });
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
    return this.#listeners.add(topic, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    // The runtime hands a message to other threads in a later turn, and not at all once closed.
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#broadcast.close();
  }
}
