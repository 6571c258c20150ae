import { messageOf } from "../program/errors.ts";
import type { Telemetry } from "../program/events.ts";
import type { MirrorLoss } from "./mirror.ts";

/** Trouble with a mirror is told at most this often; the metrics count all of it. */
const TOLD_EVERY_MS = 60_000;

/** What a Kafka mirror tells the operator, as events of the program that it runs in. */
export interface MirrorEvents {
  mirrored(ticks: number, waitingTicks: number): void;
  failed(cause: unknown, waitingTicks: number): void;
  dropped(reason: MirrorLoss, ticks: number): void;
  /** The log moved on by ticks that were never offered: the answer to their append was lost. */
  missed(symbol: string): void;
}

export interface MirrorEventsOptions {
  /** Topic and brokers, as a person should read them. */
  readonly place: string;
  /** A clock that only goes forward, in ms. */
  readonly now?: () => number;
}

export function mirrorEvents(
  telemetry: Telemetry,
  { place, now = () => performance.now() }: MirrorEventsOptions,
): MirrorEvents {
  const { log } = telemetry;
  const mirrored = telemetry.counter(
    "arbitrex_kafka_mirrored_total",
    "Ticks that Kafka has confirmed.",
  );
  const dropped = telemetry.counter(
    "arbitrex_kafka_dropped_total",
    "Ticks that are in the log and were not sent to Kafka.",
    ["reason"],
  );
  const failures = telemetry.counter(
    "arbitrex_kafka_failures_total",
    "Attempts to reach Kafka or to send to it that failed.",
  );
  const missed = telemetry.counter(
    "arbitrex_kafka_missed_total",
    "Runs of ticks in the log whose append was not confirmed, and so not mirrored.",
  );
  const waiting = telemetry.gauge(
    "arbitrex_kafka_queue_size",
    "Ticks that wait to be sent to Kafka.",
  );
  let toldAt = -Infinity;
  let untold = { failures: 0, dropped: 0 };
  /** What the last line said of the connection. */
  let told: "nothing" | "up" | "down" = "nothing";

  /** One line for all that went wrong since the last one. */
  function tell(what: string): void {
    toldAt = now();
    log.warn(
      `Cannot mirror all ticks to ${place}: ${what} (since the last such line: ${untold.failures} failures, ${untold.dropped} ticks dropped); the log has them all`,
    );
    untold = { failures: 0, dropped: 0 };
  }

  function mayTell(): boolean {
    return now() - toldAt >= TOLD_EVERY_MS;
  }

  return {
    mirrored(ticks, waitingTicks) {
      mirrored.inc(ticks);
      waiting.set(waitingTicks);
      if (told !== "up") log.info(`mirrors ticks to ${place}${told === "down" ? " again" : ""}`);
      told = "up";
    },
    failed(cause, waitingTicks) {
      failures.inc();
      waiting.set(waitingTicks);
      untold.failures++;
      if (!mayTell()) return;
      told = "down";
      tell(messageOf(cause));
    },
    dropped(reason, ticks) {
      dropped.inc({ reason }, ticks);
      untold.dropped += ticks;
      if (reason === "stopped") tell("the program ends before all were sent");
      else if (mayTell()) tell("the queue is full, so the oldest that wait make room");
    },
    missed(symbol) {
      missed.inc();
      if (mayTell()) {
        tell(`the answer to an append of ${symbol} was lost, so its ticks were not offered`);
      }
    },
  };
}
