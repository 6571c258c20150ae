import type { Telemetry } from "../program/events.ts";
import type { Settings } from "../program/settings.ts";
import type { DataKind } from "../program/shared_settings.ts";
import type { TickMirror } from "./mirror.ts";
import { mirrorEvents } from "./mirror_events.ts";
import { KafkaMirror } from "./mirror_kafka.ts";
import { type KafkaPlace, loadKafka } from "./mirror_kafka_client.ts";
import type { mirrorSettings } from "./mirror_settings.ts";

/** How long a program that ends goes on sending, ms: well within DRAIN_MS. */
const DRAIN_MS = 2_000;

export interface OpenMirror {
  readonly settings: Settings<typeof mirrorSettings>;
  readonly kind: DataKind;
  readonly telemetry: Telemetry;
}

/**
 * The mirror that the settings want; `undefined` when they want none. Resolves also while Kafka
 * cannot be reached. @throws when the authority's file cannot be read or a password is missing.
 */
export async function openMirror(
  { settings, kind, telemetry }: OpenMirror,
): Promise<TickMirror | undefined> {
  const { kafkaServers: servers, kafkaDisabled } = settings;
  if (kafkaDisabled || servers === undefined) return undefined;
  const place = await placeOf(servers, settings, kind);
  // Loading takes half a second, so it is done before anything is captured.
  const connect = await loadKafka();
  return new KafkaMirror({
    connect: () => connect(place),
    events: mirrorEvents(telemetry, {
      place: `the Kafka topic ${place.topic} at ${servers.join(", ")}`,
    }),
    maxTicks: settings.kafkaQueueTicks,
    maxBytes: settings.kafkaQueueBytes,
    batchTicks: settings.kafkaBatchTicks,
    lingerMs: settings.kafkaLingerMs,
    drainMs: DRAIN_MS,
  });
}

async function placeOf(
  servers: readonly string[],
  settings: OpenMirror["settings"],
  kind: DataKind,
): Promise<KafkaPlace> {
  const { kafkaCa, kafkaTls, kafkaMechanism: mechanism } = settings;
  const { kafkaUsername: username, kafkaPassword: password } = settings;
  if (username !== undefined && password === undefined) {
    throw new TypeError(
      "Cannot log in to Kafka as KAFKA_SASL_USERNAME wants: current KAFKA_SASL_PASSWORD is not set",
    );
  }
  const ca = kafkaCa === undefined ? undefined : await Deno.readTextFile(kafkaCa);
  return {
    servers,
    topic: topicOf(kind, settings.kafkaTopic),
    tls: ca !== undefined ? { ca } : kafkaTls ? {} : undefined,
    sasl: username !== undefined && password !== undefined
      ? { mechanism, username, password }
      : undefined,
  };
}

/** Invented data never meets real data: only captured ticks have the plain name. */
export function topicOf(kind: DataKind, topic: string): string {
  return kind === "raw" ? topic : `${kind}.${topic}`;
}
