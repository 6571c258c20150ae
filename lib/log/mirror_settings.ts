import { z } from "zod";
import {
  flag,
  integer,
  list,
  type OptionalSetting,
  type Setting,
  text,
} from "../program/settings.ts";
import type { KafkaLogin } from "./mirror_kafka_client.ts";

/** Settings of the mirror in Kafka; the collector's. */

const kafkaServers: OptionalSetting<string[]> = {
  name: "KAFKA_BOOTSTRAP_SERVERS",
  schema: list.pipe(
    z.array(z.string().regex(/^(\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5}$/, "expected host:port")).min(1),
  ),
  fallback: undefined,
  about:
    "Kafka brokers to mirror every tick to, as host:port separated by commas: all of them, by the addresses that they advertise, for no other may be reached.",
};
const kafkaDisabled: Setting<boolean> = {
  name: "DISABLE_KAFKA",
  schema: flag,
  fallback: "0",
  about: "1 mirrors nothing, whatever else is set.",
};
const kafkaTopic: Setting<string> = {
  name: "KAFKA_TOPIC",
  schema: z.string().regex(/^[\w.-]{1,200}$/, "expected letters, digits, '.', '_' or '-'"),
  fallback: "ticks",
  about:
    "Kafka topic of captured ticks; replayed and invented ones go to replay.<topic> and simulated.<topic>.",
};
const kafkaQueueTicks: Setting<number> = {
  name: "KAFKA_QUEUE_TICKS",
  schema: integer({ min: 5_000, max: 100_000_000 }),
  fallback: "200000",
  about:
    "Most ticks that wait while Kafka is slow or away, one to three minutes of 1,000 a second together with KAFKA_QUEUE_BYTES; then the oldest are dropped.",
};
const kafkaQueueBytes: Setting<number> = {
  name: "KAFKA_QUEUE_BYTES",
  schema: integer({ min: 4_000_000, max: 10_000_000_000 }),
  fallback: "64000000",
  about:
    "Most memory that waiting ticks take, in bytes: 60 a tick and 560 for each run of one symbol; then the oldest are dropped.",
};
const kafkaBatchTicks: Setting<number> = {
  name: "KAFKA_BATCH_TICKS",
  schema: integer({ min: 1, max: 5_000 }),
  fallback: "500",
  about:
    "Most ticks of one request to Kafka; 500 are about 120 kB, below the usual limit of 1 MB, and take the collector 3 ms.",
};
const kafkaLingerMs: Setting<number> = {
  name: "KAFKA_LINGER_MS",
  schema: integer({ min: 0, max: 10_000 }),
  fallback: "20",
  about:
    "How long ticks gather for one request to Kafka, in ms; 50 requests a second take a twentieth of a core.",
};
const kafkaTls: Setting<boolean> = {
  name: "KAFKA_TLS",
  schema: flag,
  fallback: "0",
  about: "1 encrypts the connection to Kafka and trusts the authorities that the system trusts.",
};
const kafkaCa: OptionalSetting<string> = {
  name: "KAFKA_CA_FILE",
  schema: text,
  fallback: undefined,
  about:
    "PEM file of the authority that signed the brokers' certificates; setting it turns TLS on.",
};
const kafkaMechanism: Setting<KafkaLogin["mechanism"]> = {
  name: "KAFKA_SASL_MECHANISM",
  schema: z.enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
  fallback: "SCRAM-SHA-512",
  about: "How the password is shown to Kafka; PLAIN shows it as it is, so only with TLS.",
};
const kafkaUsername: OptionalSetting<string> = {
  name: "KAFKA_SASL_USERNAME",
  schema: text,
  fallback: undefined,
  about: "Who the collector is to Kafka; without it nobody logs in.",
};
const kafkaPassword: OptionalSetting<string> = {
  name: "KAFKA_SASL_PASSWORD",
  schema: text,
  fallback: undefined,
  about: "Password of KAFKA_SASL_USERNAME.",
  secret: true,
};

export const mirrorSettings = {
  kafkaServers,
  kafkaDisabled,
  kafkaTopic,
  kafkaQueueTicks,
  kafkaQueueBytes,
  kafkaBatchTicks,
  kafkaLingerMs,
  kafkaTls,
  kafkaCa,
  kafkaMechanism,
  kafkaUsername,
  kafkaPassword,
};
