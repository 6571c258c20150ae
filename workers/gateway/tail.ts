import type { Checkpoint, Segment, TickLogReader } from "../../lib/log/tick_log.ts";
import { compareIds } from "../../lib/market/tick_id.ts";
import { BackOff, nextTurn, pause } from "../../lib/program/pause.ts";
import type { GatewayEvents } from "./events.ts";
import type { FanOut } from "./fan_out.ts";
import type { RecentTicks } from "./recent.ts";
import { countOf } from "./segments.ts";
import { afterId } from "./subscriber.ts";

/** Longest wait for ticks, and so the longest until a new symbol or a new epoch is noticed, in ms. */
const LOOK_MS = 200;
/** Ticks of one read: enough to be cheap, few enough that a turn stays short. */
const TURN_TICKS = 2000;
/** A rest after a turn is so many times as long as a turn takes: that bounds the fan-out's share. */
const RESTS_PER_TURN = 2;
/** Shorter rests are not worth a timer; longer ones would be seen by people, in ms. */
const MIN_REST_MS = 2, MAX_REST_MS = 5;
/** A turn of so many ticks shows that enough gather by themselves. */
const GATHERED_TICKS = 16;

export interface TailOptions {
  readonly reader: TickLogReader;
  readonly recent: RecentTicks;
  readonly fanOut: FanOut;
  readonly events: GatewayEvents;
  /** The log is another one than before, or there is one at last; `recent` describes it. */
  onEpoch(epoch: string): void;
  /** After each turn, and whenever positions moved. */
  onMoved(): void;
}

/**
 * LOOP: follows the log from its end and hands every tick to the fan-out, in log order, each once.
 * Only here do positions move, and a turn is delivered in the same breath in which it is remembered:
 * whoever looks at `recent` between two turns sees exactly what has been delivered.
 *
 * Where a turn of few ticks takes long because it goes to many clients, ticks gather during a short
 * rest: a write to a socket costs the same for one tick as for ten.
 */
export class Tail {
  readonly #options: TailOptions;
  #epoch: string | undefined;
  #checkpoints: ReadonlyMap<string, Checkpoint> = new Map();
  #available = false;
  #lookedMs = 0;
  /** What a turn takes lately, in ms. */
  #turnMs = 0;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  /** The epoch of everything delivered now; undefined before there is a log. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** The log could be read when it was last tried. */
  get available(): boolean {
    return this.#available;
  }

  /** As of the last look, a fraction of a second old. */
  get checkpoints(): ReadonlyMap<string, Checkpoint> {
    return this.#checkpoints;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { events } = this.#options;
    const backOff = new BackOff({ minMs: 100, maxMs: 2000 });
    let broken = false;
    while (!signal.aborted) {
      try {
        await this.#turn(signal);
        if (broken) events.logBack();
        broken = false;
        this.#available = true;
        backOff.reset();
      } catch (cause) {
        broken = true;
        this.#available = false;
        const pauseMs = backOff.next();
        events.logBroke(cause, pauseMs);
        await pause(pauseMs, signal);
      }
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { reader, recent } = this.#options;
    if (this.#epoch === undefined || performance.now() - this.#lookedMs > LOOK_MS) {
      await this.#look();
    }
    if (recent.size === 0) {
      await pause(LOOK_MS, signal);
      return;
    }
    const turn = await reader.read(recent.positions(), {
      maxTicks: TURN_TICKS,
      waitMs: LOOK_MS,
      signal,
    });
    if (turn.length === 0) return;
    // Asked after the read: ticks that come from another log than before are never handed on, and
    // what was trimmed before the read is told before the ticks that follow it.
    const symbols = [...new Set(turn.map(({ symbol }) => symbol))];
    const [epoch, ...checkpoints] = await Promise.all([
      reader.epoch(),
      ...symbols.map((symbol) => reader.checkpoint(symbol)),
    ]);
    if (epoch !== this.#epoch) return await this.#look();
    for (const [index, symbol] of symbols.entries()) {
      const first = turn.find((segment) => segment.symbol === symbol);
      const checkpoint = checkpoints[index];
      if (first === undefined || checkpoint === undefined) continue;
      // What the read has brought, it brought whole, even if it is trimmed by now.
      if (compareIds(checkpoint.trimmedId, first.firstId) < 0) {
        this.#noteTrimmed(symbol, checkpoint);
      }
    }
    this.#handOn(turn);
    await this.#rest(countOf(turn), signal);
  }

  async #rest(ticks: number, signal: AbortSignal): Promise<void> {
    const restMs = Math.min(this.#turnMs * RESTS_PER_TURN, MAX_REST_MS);
    if (ticks < GATHERED_TICKS && restMs >= MIN_REST_MS) await pause(restMs, signal);
    else await nextTurn();
  }

  #handOn(turn: readonly Segment[]): void {
    const { recent, fanOut, events, onMoved } = this.#options;
    const begunMs = performance.now();
    for (const segment of turn) recent.add(segment);
    fanOut.deliver(turn);
    const last = turn.at(-1)?.ticks;
    if (last !== undefined) events.newest(last.utcMs(last.count - 1));
    onMoved();
    this.#turnMs += (performance.now() - begunMs - this.#turnMs) / 16;
  }

  /** Looks for another epoch, new symbols, and ticks that were trimmed before they were read. */
  async #look(): Promise<void> {
    const { reader, recent } = this.#options;
    const epoch = await reader.epoch();
    if (epoch === undefined) {
      this.#lookedMs = performance.now();
      return;
    }
    const checkpoints = await reader.checkpoints();
    if (epoch !== this.#epoch) {
      await this.#begin(epoch, checkpoints);
    } else {
      for (const [symbol, checkpoint] of checkpoints) {
        const { trimmedId } = checkpoint;
        if (recent.has(symbol)) this.#noteTrimmed(symbol, checkpoint);
        else recent.begin(symbol, { position: trimmedId, trimmedId });
      }
      this.#options.onMoved();
    }
    this.#checkpoints = checkpoints;
    this.#lookedMs = performance.now();
  }

  async #begin(epoch: string, checkpoints: ReadonlyMap<string, Checkpoint>): Promise<void> {
    const { reader, recent, events, onEpoch } = this.#options;
    const newest = new Map<string, Segment>();
    for (const symbol of checkpoints.keys()) {
      const [segment] = (await reader.newest(symbol, 1)).slice(-1);
      if (segment !== undefined) newest.set(symbol, segment);
    }
    // Another change while the newest ticks were read: the next look begins again.
    if (await reader.epoch() !== epoch) return;
    recent.clear();
    for (const [symbol, { lastId, trimmedId }] of checkpoints) {
      const segment = newest.get(symbol);
      recent.begin(symbol, {
        position: segment?.lastId ?? lastId,
        trimmedId,
        ...(segment === undefined ? {} : { newest: segment }),
      });
    }
    if (this.#epoch !== undefined) events.epoch(epoch);
    this.#epoch = epoch;
    onEpoch(epoch);
  }

  #noteTrimmed(symbol: string, { trimmedId }: Checkpoint): void {
    const { recent, fanOut, events } = this.#options;
    recent.setTrimmed(symbol, trimmedId);
    const position = recent.position(symbol);
    if (compareIds(trimmedId, position) <= 0) return;
    events.trimmedAhead(symbol);
    recent.skipTo(symbol, trimmedId);
    fanOut.sendGap({
      symbol,
      from: afterId(position),
      to: afterId(trimmedId),
      reason: "log_trimmed",
    });
  }
}
