import { Buffer } from "node:buffer";
import { registerHooks } from "node:module";
import type { MessageToProduce, Producer, ProducerOptions } from "@platformatic/kafka";
import { pause } from "../program/pause.ts";

/** Where Kafka is and how it lets us in. */
export interface KafkaPlace {
  /** `host:port` of the brokers that are asked for all the others. */
  readonly servers: readonly string[];
  readonly topic: string;
  /** Absent: the connection is not encrypted. */
  readonly tls?: { readonly ca?: string } | undefined;
  readonly sasl?: KafkaLogin | undefined;
}

export interface KafkaLogin {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

/** Messages in the order in which they shall arrive; those of one key go to one partition. */
export type KafkaMessages = readonly { readonly key: Buffer; readonly value: Buffer }[];

/** One connection to the cluster. */
export interface KafkaSender {
  /**
   * Resolves when every in-sync replica has all messages. After a rejection some may be there;
   * the sender is to be closed then.
   */
  send(messages: KafkaMessages): Promise<void>;
  /** Never rejects, and does not wait for a broker that does not answer. */
  close(): Promise<void>;
}

/** A broker that takes no connection, or no request, within these is away. */
const CONNECT_MS = 5_000, REQUEST_MS = 10_000;
/** Below two retries the library's idempotent producer would try for ever and never reject. */
const RETRIES = 2, RETRY_MS = 250;
const CLOSE_MS = 500;

/** Loads the library; resolves to what makes senders. Nothing is connected yet. */
export async function loadKafka(): Promise<(place: KafkaPlace) => KafkaSender> {
  // The library's checksums are WebAssembly, read from a file beside its code, which a program's
  // permissions do not cover; its package has the same code with the bytes inside.
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(
        specifier === "@platformatic/wasm-utils" ? `${specifier}/bundled` : specifier,
        context,
      ),
  });
  try {
    const { compatibilityPartitioner, Producer } = await import("@platformatic/kafka");
    return (place) =>
      senderOf(
        // The partitioner of the Java clients, so that a key has one partition whoever writes it.
        new Producer({ ...optionsOf(place), partitioner: compatibilityPartitioner }),
        place.topic,
      );
  } finally {
    hooks.deregister();
  }
}

function optionsOf(
  { servers, tls, sasl }: KafkaPlace,
): ProducerOptions<Buffer, Buffer, Buffer, Buffer> {
  return {
    clientId: "arbitrex-collector",
    bootstrapBrokers: [...servers],
    // A request that the library repeats is stored once.
    idempotent: true,
    retries: RETRIES,
    retryDelay: RETRY_MS,
    connectTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    timeout: CONNECT_MS,
    // Whether a missing topic is made is the brokers' own setting.
    autocreateTopics: true,
    ...(tls !== undefined && { tls, tlsServerName: true }),
    ...(sasl !== undefined && { sasl }),
  };
}

function senderOf(producer: Producer<Buffer, Buffer, Buffer, Buffer>, topic: string): KafkaSender {
  return {
    async send(messages) {
      try {
        await producer.send({
          messages: messages.map(({ key, value }): MessageToProduce<Buffer, Buffer> => {
            return { topic, key, value };
          }),
        });
      } catch (cause) {
        throw new Error(`Cannot send ticks to Kafka: ${reasonOf(cause)}`);
      }
    },
    async close() {
      const over = new AbortController();
      await Promise.race([producer.close().catch(() => {}), pause(CLOSE_MS, over.signal)]);
      over.abort();
    },
  };
}

/** What is at the bottom of the library's errors of errors: the last try's own failure. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return reasonOf(cause.errors.at(-1));
  }
  if (!(cause instanceof Error)) return String(cause);
  const message = cause.message.replace(/\.$/, "");
  return cause.cause === undefined ? message : `${message}: ${reasonOf(cause.cause)}`;
}
