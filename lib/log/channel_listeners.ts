import { getLogger } from "@logtape/logtape";
import type { ChannelMessages } from "./channel.ts";

/** What travels: a topic and its message. */
export type Envelope = {
  [T in keyof ChannelMessages]: { readonly topic: T; readonly message: ChannelMessages[T] };
}[keyof ChannelMessages];

type Listener = (message: never) => void;

/** Who listens to which topic; what the twins of the channel share. */
export class ChannelListeners {
  readonly log = getLogger(["arbitrex", "channel"]);
  readonly #byTopic = new Map<keyof ChannelMessages, Set<Listener>>();

  add<T extends keyof ChannelMessages>(
    topic: T,
    listener: (message: ChannelMessages[T]) => void,
  ): () => void {
    const listeners = this.#byTopic.get(topic) ?? new Set();
    this.#byTopic.set(topic, listeners);
    // One function given twice is called twice, and each ending ends its own.
    const own = (message: ChannelMessages[T]) => listener(message);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  /** A listener that throws does not keep the others from hearing. */
  deliver({ topic, message }: Envelope): void {
    for (const listener of [...(this.#byTopic.get(topic) ?? [])]) {
      try {
        // The topic chose the set, and `add` ties its listeners to the topic's message.
        listener(message as never);
      } catch (cause) {
        this.log.error("Cannot handle {topic} as a listener: {cause}", {
          topic,
          cause: String(cause),
        });
      }
    }
  }

  clear(): void {
    this.#byTopic.clear();
  }
}
