import type { Beat, ComponentName, ComponentReport, Level } from "../../lib/log/channel.ts";
import type { Description } from "../../lib/program/beat.ts";
import type { DataKind } from "../../lib/program/shared_settings.ts";
import { pause } from "../../lib/program/pause.ts";
import type { HealthEvents } from "./events.ts";
import { Journal } from "./journal.ts";
import { Programs, type ProgramState } from "./programs.ts";
import { type MetricsOfProgram, sumOf, symbolsOf } from "./prometheus.ts";
import { type Detailed, detailedReport } from "./report.ts";
import { hasComponent, judge, type Verdict } from "./verdict.ts";

export interface Measured {
  readonly components: Partial<Record<ComponentName, ComponentReport>>;
  readonly cycles: number;
  /** Symbols with tick files, where no program tells how many it tracks. */
  readonly symbols: number;
}

export interface WatchOptions {
  readonly kind: DataKind;
  readonly expectedPrograms: readonly string[];
  readonly silentMs: number;
  readonly startupMs: number;
  readonly queueDegraded: number;
  readonly queueCritical: number;
  readonly events: HealthEvents;
  /** What health sees for itself: disk, cycles, Redis. Asked now and then, never twice at once. */
  measure(isStarting: boolean): Promise<Measured>;
  /** How often the verdict is drawn; with `silentMs` it bounds how late a silence is noticed. */
  readonly intervalMs?: number;
  readonly measureIntervalMs?: number;
}

/** How long a component may take to its first settled level before that is told as an event. */
const SETTLE_MS = 3000;

/** Draws the verdict twice a second and tells what changed. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #programs: Programs;
  readonly #journal = new Journal();
  readonly #startedMs = performance.now();
  readonly #levels = new Map<string, Level>();
  readonly #states = new Map<string, ProgramState["state"]>();
  readonly #firstSeenMs = new Map<string, number>();
  #measured: Measured = { components: {}, cycles: 0, symbols: 0 };

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#programs = new Programs(options);
  }

  hear(beat: Beat): void {
    const { events } = this.#options;
    const outcome = this.#programs.hear(beat);
    if (outcome === "refused") {
      return events.beatRefused("crowd", `too many instances of ${beat.program}`);
    }
    events.beat(beat.program);
    if (outcome === "new") events.appeared(beat.program);
  }

  /** Runs until the signal aborts; resolves then. */
  async run(signal: AbortSignal): Promise<void> {
    const { intervalMs = 500 } = this.#options;
    const measuring = this.#measureAgain(signal);
    let lastMs = performance.now();
    while (!signal.aborted) {
      await pause(intervalMs, signal);
      const nowMs = performance.now();
      const lateMs = nowMs - lastMs - intervalMs;
      lastMs = nowMs;
      // Beats that came meanwhile wait behind this turn: the silence was ours.
      if (lateMs > this.#options.silentMs / 2) {
        this.#programs.excuse(lateMs);
        this.#options.events.paused(lateMs);
      }
      this.#turn();
    }
    await measuring;
  }

  /** The report of this moment. */
  report(): Detailed {
    const verdict = this.#judge();
    const metrics = this.metrics();
    return detailedReport({
      verdict,
      uptimeMs: performance.now() - this.#startedMs,
      ticks: sumOf("arbitrex_ticks_received_total", metrics) ?? 0,
      symbols: sumOf("arbitrex_symbols_tracked", metrics) ??
        Math.max(symbolsOf(metrics).size, this.#measured.symbols),
      cycles: this.#measured.cycles,
      recentWarnings: this.#journal.recent("warning", verdict.utcMs),
      recentErrors: this.#journal.recent("error", verdict.utcMs),
    });
  }

  /**
   * What health says of itself. It is well as long as it watches, whatever it sees: two of a kind
   * would otherwise keep each other degraded for ever.
   */
  describe(): Description {
    const { overall, components } = this.#judge();
    const ill = [...components.values()].filter(({ status }) => status !== "healthy");
    const names = ill.map(({ name, status }) => `${name} ${status}`).join(", ");
    const status = `watches; the system is ${overall}${names === "" ? "" : `: ${names}`}`;
    return { status, level: "healthy", components: {} };
  }

  /** The metrics of the last beat of every program that lives. */
  metrics(): MetricsOfProgram[] {
    return this.#programs.states()
      .filter(({ state }) => state === "alive")
      .map(({ program, replica, beat }) => ({ program, replica, metrics: beat.metrics }));
  }

  #judge(): Verdict {
    return judge({
      ...this.#options,
      utcMs: Date.now(),
      programs: this.#programs.states(),
      expected: this.#options.expectedPrograms,
      starting: this.#isStarting(),
      measured: this.#measured.components,
    });
  }

  #turn(): void {
    this.#tellPrograms();
    const { components, utcMs } = this.#judge();
    for (const { name, status, message } of components.values()) {
      const before = this.#levels.get(name);
      if (before === status) continue;
      if (before === undefined && !this.#hasSettled(name, status)) continue;
      this.#levels.set(name, status);
      if (before === undefined && status === "healthy") continue;
      this.#options.events.changed(name, status, message);
      if (status === "critical") this.#journal.note("error", `${name}: ${message}`, utcMs);
      else if (status !== "healthy") this.#journal.note("warning", `${name}: ${message}`, utcMs);
    }
  }

  /** A program that has just started knows nothing and has nothing: that is no event for a while. */
  #hasSettled(name: string, status: Level): boolean {
    const nowMs = performance.now();
    const sinceMs = this.#firstSeenMs.get(name) ?? nowMs;
    this.#firstSeenMs.set(name, sinceMs);
    const isWaiting = status === "unknown" && this.#isStarting();
    return status === "healthy" || (!isWaiting && nowMs - sinceMs >= SETTLE_MS);
  }

  #tellPrograms(): void {
    const { events } = this.#options;
    const states = this.#programs.states();
    const known = new Set(states.map(({ beat }) => beat.instance));
    for (const instance of this.#states.keys()) {
      if (!known.has(instance)) this.#states.delete(instance);
    }
    for (const { program, beat, state, silentMs } of states) {
      const before = this.#states.get(beat.instance);
      this.#states.set(beat.instance, state);
      if (before === state) continue;
      if (state === "silent") {
        events.silent(program, silentMs);
        if (!hasComponent(program)) {
          this.#journal.note("error", `${program} fell silent`, Date.now());
        }
      }
      if (state === "left") events.left(program);
    }
  }

  async #measureAgain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#measured = await this.#options.measure(this.#isStarting());
      await pause(this.#options.measureIntervalMs ?? 2000, signal);
    }
  }

  #isStarting(): boolean {
    return performance.now() - this.#startedMs < this.#options.startupMs;
  }
}
