import type { Beat } from "../../lib/log/channel.ts";

/** A program instance as health knows it. */
export interface ProgramState {
  readonly program: string;
  /** The lowest number free among the instances of its program, from 0. */
  readonly replica: number;
  readonly state: "alive" | "silent" | "left";
  readonly silentMs: number;
  /** Health's own clock, UTC ms. */
  readonly heardUtcMs: number;
  readonly beat: Beat;
}

interface Heard {
  replica: number;
  /** It took the place of an instance that fell silent; it can do so once. */
  replaces: boolean;
  readonly firstMs: number;
  lastMs: number;
  lastUtcMs: number;
  beat: Beat;
}

export interface ProgramsOptions {
  readonly silentMs: number;
  /** Monotonic ms; silence is measured with it, so that a clock that is set fools nobody. */
  readonly now?: () => number;
  readonly utcNow?: () => number;
}

/** Enough for any system; beats of further instances are refused. */
const MAX_INSTANCES = 256;
/** How long an instance that left, or that another one outlives, is shown. */
const FORGET_MS = 600_000;

/** The last beat of every instance of every program. */
export class Programs {
  readonly #heard = new Map<string, Heard>();
  readonly #silentMs: number;
  readonly #now: () => number;
  readonly #utcNow: () => number;

  constructor({ silentMs, now = () => performance.now(), utcNow = Date.now }: ProgramsOptions) {
    this.#silentMs = silentMs;
    this.#now = now;
    this.#utcNow = utcNow;
  }

  /**
   * Takes a beat. `new`: of an instance not known; `known`; `refused`: 256 instances are known
   * already. The newest to arrive counts, whatever the sender's clock says: that clock may be set.
   */
  hear(beat: Beat): "new" | "known" | "refused" {
    const key = `${beat.program} ${beat.instance}`;
    const nowMs = this.#now();
    const known = this.#heard.get(key);
    if (known !== undefined) {
      known.beat = beat;
      known.lastMs = nowMs;
      known.lastUtcMs = this.#utcNow();
      return "known";
    }
    this.#forget(nowMs);
    if (this.#heard.size >= MAX_INSTANCES) return "refused";
    const replica = this.#freeReplica(beat.program);
    const utcMs = this.#utcNow();
    this.#heard.set(key, {
      replica,
      replaces: false,
      firstMs: nowMs,
      lastMs: nowMs,
      lastUtcMs: utcMs,
      beat,
    });
    return "new";
  }

  /** All instances that matter now; those that were restarted or are long gone are forgotten here. */
  states(): ProgramState[] {
    const nowMs = this.#now();
    this.#forget(nowMs);
    return [...this.#heard.values()].map((heard) => ({
      program: heard.beat.program,
      replica: heard.replica,
      state: this.#stateOf(heard, nowMs),
      silentMs: nowMs - heard.lastMs,
      heardUtcMs: heard.lastUtcMs,
      beat: heard.beat,
    }));
  }

  /** Health itself was stopped for a while (a suspended machine): that silence is not the others'. */
  excuse(pausedMs: number): void {
    for (const heard of this.#heard.values()) heard.lastMs += pausedMs;
  }

  #stateOf(heard: Heard, nowMs: number): ProgramState["state"] {
    if (heard.beat.leaving === true) return "left";
    return nowMs - heard.lastMs <= this.#silentMs ? "alive" : "silent";
  }

  #forget(nowMs: number): void {
    const ended = [...this.#heard]
      .filter(([, heard]) => this.#stateOf(heard, nowMs) !== "alive")
      .sort(([, a], [, b]) => a.lastMs - b.lastMs);
    for (const [key, heard] of ended) {
      const others = this.#instancesOf(heard.beat.program).filter((other) => other !== heard);
      if (heard.beat.leaving === true) {
        if (others.some((other) => other.lastMs > heard.lastMs)) this.#heard.delete(key);
        continue;
      }
      // One that began after the last beat took its place; one that ran beside it did not.
      const successor = others.find((other) => !other.replaces && other.firstMs > heard.lastMs);
      if (successor !== undefined) {
        successor.replaces = true;
        successor.replica = heard.replica;
        this.#heard.delete(key);
      } else if (nowMs - heard.lastMs > FORGET_MS && this.#isAliveBeside(others, nowMs)) {
        this.#heard.delete(key);
      }
    }
  }

  #isAliveBeside(others: readonly Heard[], nowMs: number): boolean {
    return others.some((other) => this.#stateOf(other, nowMs) === "alive");
  }

  #freeReplica(program: string): number {
    const taken = new Set(this.#instancesOf(program).map(({ replica }) => replica));
    let replica = 0;
    while (taken.has(replica)) replica++;
    return replica;
  }

  #instancesOf(program: string): Heard[] {
    return [...this.#heard.values()].filter(({ beat }) => beat.program === program);
  }
}
