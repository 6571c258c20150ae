import { Buffer } from "node:buffer";
import { compareIds, type TickId } from "../market/tick_id.ts";
import { messageOf } from "../program/errors.ts";
import { BackOff, pause } from "../program/pause.ts";
import type { Appended, MirrorState, TickMirror } from "./mirror.ts";
import type { MirrorEvents } from "./mirror_events.ts";
import type { KafkaMessages, KafkaSender } from "./mirror_kafka_client.ts";
import { type MirrorLimits, MirrorQueue, type WaitingRun } from "./mirror_queue.ts";
import { eachTickJson } from "./tick_json.ts";
import { WakeableWait } from "./wakeable_wait.ts";

export interface KafkaMirrorOptions extends MirrorLimits {
  /** A connection of the mirror's own; each is used until it fails. */
  readonly connect: () => KafkaSender;
  readonly events: MirrorEvents;
  /** How long ticks gather for one request, in ms, unless a batch is full before. */
  readonly lingerMs: number;
  /** How long the disposal may go on sending, in ms. */
  readonly drainMs: number;
  /** Pauses between attempts while Kafka is away. */
  readonly backOff?: { readonly minMs: number; readonly maxMs: number };
}

/**
 * The mirror in Kafka: a message a tick, keyed by symbol, in order and once for each symbol. Only
 * a batch whose confirmation was lost is sent again whole by the next connection; a reader drops
 * what it has by the tick's id.
 */
export class KafkaMirror implements TickMirror {
  readonly #options: KafkaMirrorOptions;
  readonly #queue: MirrorQueue;
  readonly #offers = new WakeableWait();
  readonly #stop = new AbortController();
  readonly #sending: Promise<void>;
  /** The newest id offered, by symbol. */
  readonly #tails = new Map<string, TickId>();
  #sender: KafkaSender | undefined;
  #isOver = false;
  #mirrored = 0;
  #dropped = 0;
  #failures = 0;
  #cause: string | undefined;

  constructor(options: KafkaMirrorOptions) {
    this.#options = options;
    this.#queue = new MirrorQueue(options);
    this.#sending = this.#send();
  }

  offer(appended: Appended): void {
    const { symbol, after, lastId, ticks } = appended;
    if (this.#isOver) return this.#drop("stopped", ticks.count);
    const tail = this.#tails.get(symbol);
    if (tail !== undefined && compareIds(tail, after) !== 0) this.#options.events.missed(symbol);
    this.#tails.set(symbol, lastId);
    this.#drop("full", this.#queue.add(appended));
    this.#offers.wake();
  }

  describe(): MirrorState {
    return {
      state: this.#cause !== undefined ? "down" : this.#mirrored > 0 ? "up" : "connecting",
      waitingTicks: this.#queue.ticks,
      mirroredTicks: this.#mirrored,
      droppedTicks: this.#dropped,
      failures: this.#failures,
      ...(this.#cause !== undefined && { cause: this.#cause }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    this.#stop.abort();
    const sent = new AbortController();
    await Promise.race([
      this.#sending.then(() => sent.abort()),
      pause(this.#options.drainMs, sent.signal),
    ]);
    this.#isOver = true;
    this.#drop("stopped", this.#queue.ticks);
    await this.#disconnect();
    this.#offers[Symbol.dispose]();
  }

  #drop(reason: "full" | "stopped", ticks: number): void {
    if (ticks === 0) return;
    this.#dropped += ticks;
    this.#options.events.dropped(reason, ticks);
  }

  /** Until it is stopped and nothing waits, or a send fails after it was stopped. */
  async #send(): Promise<void> {
    const { signal } = this.#stop;
    while (!this.#isOver) {
      const seen = this.#offers.wakes;
      if (this.#queue.isEmpty) {
        if (signal.aborted) return;
        await this.#offers.wait(seen, FOR_EVER_MS, signal);
      }
      if (!this.#queue.fillsBatch) await pause(this.#options.lingerMs, signal);
      const runs = this.#queue.take();
      if (runs.length > 0 && !await this.#deliver(runs)) return;
    }
  }

  /** Sends a batch until it has arrived; false when it never will, because the mirror is stopping. */
  async #deliver(runs: readonly WaitingRun[]): Promise<boolean> {
    const { connect, events, backOff: pauses = { minMs: 200, maxMs: 10_000 } } = this.#options;
    const { signal } = this.#stop;
    const messages = messagesOf(runs);
    const backOff = new BackOff(pauses);
    while (!this.#isOver) {
      const isLast = signal.aborted;
      try {
        this.#sender ??= connect();
        await this.#sender.send(messages);
        if (this.#isOver) return false;
        this.#queue.release(runs);
        this.#mirrored += messages.length;
        this.#cause = undefined;
        events.mirrored(messages.length, this.#queue.ticks);
        return true;
      } catch (cause) {
        if (this.#isOver) return false;
        this.#failures++;
        this.#cause = messageOf(cause);
        events.failed(cause, this.#queue.ticks);
        await this.#disconnect();
        if (isLast) return false;
        await pause(backOff.next(), signal);
      }
    }
    return false;
  }

  /** The next connection begins with nothing that the failed one left behind. */
  async #disconnect(): Promise<void> {
    const sender = this.#sender;
    this.#sender = undefined;
    await sender?.close();
  }
}

/** The longest that a timer takes. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** The stream's tick with its flags and its feed. */
function messagesOf(runs: readonly WaitingRun[]): KafkaMessages {
  const messages: { key: Buffer; value: Buffer }[] = [];
  for (const run of runs) {
    const key = Buffer.from(run.symbol);
    const head = `{"type":"tick","symbol":${JSON.stringify(run.symbol)},`;
    const tail = `,"feed":${JSON.stringify(run.feed)}}`;
    eachTickJson(run, (fields, index) => {
      const value = `${head}${fields},"flags":${run.ticks.flags(index)}${tail}`;
      messages.push({ key, value: Buffer.from(value) });
    });
  }
  return messages;
}
