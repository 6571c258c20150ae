import { Redis } from "ioredis";
import type { Channel, ChannelMessages } from "./channel.ts";
import { ChannelListeners, type Envelope } from "./channel_listeners.ts";
import { channelSchemas } from "./channel_schema.ts";

/** Messages that Redis has not answered yet; beyond it a stalled Redis would fill the memory. */
const MAX_IN_FLIGHT = 256;
const MAX_RECONNECT_MS = 2000;

/**
 * The live channel across machines: Redis pub/sub on `<prefix>channel:<topic>`, as JSON
 * `{from, message}`. Has connections of its own (a subscribed one can do nothing else), reconnects
 * for ever, and drops what is published while Redis is away or has 256 messages unanswered.
 */
export class RedisTwin implements Channel {
  readonly #url: string;
  readonly #prefix: string;
  readonly #from = crypto.randomUUID();
  readonly #publisher: Redis;
  #subscriber: Redis | undefined;
  readonly #topics = new Set<keyof ChannelMessages>();
  readonly #listeners = new ChannelListeners();
  #inFlight = 0;
  #dropped = 0;
  #wasReady = false;
  #closed = false;

  /** @param prefix of the kind of data: empty for raw, `replay:` or `simulated:`. */
  constructor({ url, prefix }: { url: string; prefix: string }) {
    this.#url = url;
    this.#prefix = prefix;
    this.#publisher = this.#connect();
    this.#publisher.on("ready", () => {
      if (this.#wasReady && this.#dropped > 0) {
        this.#listeners.log.info("Redis is back: {dropped} live messages were dropped", {
          dropped: this.#dropped,
        });
      }
      this.#wasReady = true;
      this.#dropped = 0;
    });
  }

  publish<T extends keyof ChannelMessages>(topic: T, message: ChannelMessages[T]): void {
    if (this.#closed) return;
    if (this.#inFlight >= MAX_IN_FLIGHT) return this.#drop("Redis answers too slowly");
    this.#inFlight++;
    this.#publisher.publish(this.#nameOf(topic), JSON.stringify({ from: this.#from, message }))
      .catch((cause: unknown) => this.#drop(String(cause)))
      .finally(() => this.#inFlight--);
  }

  subscribe<T extends keyof ChannelMessages>(
    topic: T,
    listener: (message: ChannelMessages[T]) => void,
  ): () => void {
    if (!this.#closed && !this.#topics.has(topic)) this.#follow(topic);
    return this.#listeners.add(topic, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    this.#subscriber?.disconnect();
    if (this.#publisher.status === "ready") await quitSoon(this.#publisher);
    this.#publisher.disconnect();
  }

  #follow(topic: keyof ChannelMessages): void {
    this.#topics.add(topic);
    this.#subscriber ??= this.#connectSubscriber();
    // Before the connection stands, `ready` subscribes to all topics.
    if (this.#subscriber.status === "ready") this.#request(this.#subscriber, topic);
  }

  #connectSubscriber(): Redis {
    const subscriber = this.#connect();
    subscriber.on("ready", () => {
      for (const topic of this.#topics) this.#request(subscriber, topic);
    });
    subscriber.on("message", (name: string, payload: string) => this.#receive(name, payload));
    return subscriber;
  }

  /** A subscription that fails is asked for again at the next `ready`. */
  #request(subscriber: Redis, topic: keyof ChannelMessages): void {
    subscriber.subscribe(this.#nameOf(topic)).catch((cause: unknown) => {
      if (this.#closed) return;
      this.#listeners.log.warning("Cannot subscribe to {topic}: {cause}", {
        topic,
        cause: String(cause),
      });
    });
  }

  #receive(name: string, payload: string): void {
    const topic = [...this.#topics].find((each) => this.#nameOf(each) === name);
    if (topic === undefined) return;
    try {
      const { from, message } = JSON.parse(payload);
      if (from === this.#from) return;
      // Schema and topic come from the same row of one table, which the type checker cannot see.
      this.#listeners.deliver({ topic, message: channelSchemas[topic].parse(message) } as Envelope);
    } catch (cause) {
      this.#listeners.log.warning("Cannot read a message of {name}: {cause}", {
        name,
        cause: String(cause),
      });
    }
  }

  #connect(): Redis {
    const redis = new Redis(this.#url, {
      enableOfflineQueue: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      keepAlive: 10_000,
      retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_MS),
    });
    // Without a listener an error would end the program; the log's own connection reports Redis.
    redis.on("error", (cause: Error) => {
      this.#listeners.log.debug("Live channel: {cause}", { cause: cause.message });
    });
    return redis;
  }

  #drop(why: string): void {
    if (this.#closed) return;
    // What is published while the first connection is being made is dropped at every start.
    if (this.#dropped++ > 0 || !this.#wasReady) return;
    this.#listeners.log.warning("Live messages are dropped: {why}", { why });
  }

  #nameOf(topic: keyof ChannelMessages): string {
    return `${this.#prefix}channel:${topic}`;
  }
}

/** Lets what was published last leave first, but does not wait on a Redis that hangs. */
async function quitSoon(redis: Redis): Promise<void> {
  let late: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<void>((resolve) => late = setTimeout(resolve, 500));
  await Promise.race([redis.quit().catch(() => {}), deadline]);
  clearTimeout(late);
}
