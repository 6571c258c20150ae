import { isFxWeekOpen } from "./fx_week.ts";
import { type Behaviour, offsetAt } from "./server_clock_rules.ts";

/** The offset as live ticks show it: which samples are believed, and what they rule out. */

const MINUTE_MS = 60_000;
/** A tick seems to come from the future only by what this machine's clock is behind. */
const MOST_AHEAD_MS = 2 * MINUTE_MS;
/** How old a tick may be when it is seen. */
const MOST_BEHIND_MS = 5 * MINUTE_MS;
/** Samples with a longer pause between them do not support each other. */
const MOST_PAUSE_MS = 10 * MINUTE_MS;
/** No zone keeps an offset for less than this; longer pauses begin a new run. */
export const MOST_RUN_PAUSE_MS = 10 * 24 * 60 * MINUTE_MS;

/** A time over which the believed samples showed one offset. */
export interface OffsetRun {
  readonly offsetMs: number;
  readonly fromUtcMs: number;
  readonly toUtcMs: number;
  readonly samples: number;
  /** The least and the most of server stamp minus (UTC plus offset): lateness is negative. */
  readonly leastResidualMs: number;
  readonly mostResidualMs: number;
}

/** What a sample came to; an offset that is not yet believed is a `rumour`. */
export type Heard =
  | { readonly kind: "ignored" }
  | { readonly kind: "misfit"; readonly residualMs: number }
  | {
    readonly kind: "rumour" | "believed";
    readonly offsetMs: number;
    readonly residualMs: number;
    /** Since when the samples agree, UTC. */
    readonly sinceUtcMs: number;
    readonly weekOpen: boolean;
  };

/** The steps in which offsets are told apart: half hours, unless a rule needs quarters. */
export function gridOf(rules: readonly Behaviour[]): number {
  const halfHours = rules.every(({ offsetsMs }) =>
    offsetsMs.every((offsetMs) => offsetMs % (30 * MINUTE_MS) === 0)
  );
  return halfHours ? 30 * MINUTE_MS : 15 * MINUTE_MS;
}

/** Listens to samples. One is believed when an earlier one, far enough apart, said the same. */
export class LiveOffset {
  readonly #gridMs: number;
  readonly #minApartMs: number;
  readonly #closedApartMs: number;
  #newestServerMs = -Infinity;
  #agreeing: { offsetMs: number; sinceUtcMs: number; lastUtcMs: number } | undefined;

  /**
   * `minApartMs`: how far apart two samples must agree to be believed; `closedApartMs`: the same while
   * the FX week is closed, when only a clock that runs in step with ours for long is no frozen tick.
   */
  constructor(
    { gridMs, minApartMs, closedApartMs }: {
      gridMs: number;
      minApartMs: number;
      closedApartMs: number;
    },
  ) {
    this.#gridMs = gridMs;
    this.#minApartMs = minApartMs;
    this.#closedApartMs = closedApartMs;
  }

  hear(newestServerMs: number, nowUtcMs: number): Heard {
    const before = this.#newestServerMs;
    this.#newestServerMs = newestServerMs;
    // A stamp that went back shows that the one before was wrong, or that both are out of order.
    if (newestServerMs < before) this.#agreeing = undefined;
    if (!(newestServerMs > before)) return { kind: "ignored" };
    const offsetMs = Math.round((newestServerMs - nowUtcMs) / this.#gridMs) * this.#gridMs;
    const residualMs = newestServerMs - nowUtcMs - offsetMs;
    if (offsetMs < -12 * 60 * MINUTE_MS || offsetMs > 14 * 60 * MINUTE_MS) {
      return { kind: "ignored" };
    }
    if (residualMs > MOST_AHEAD_MS || residualMs < -MOST_BEHIND_MS) {
      return { kind: "misfit", residualMs };
    }
    const earlier = this.#agreeing;
    const agrees = earlier?.offsetMs === offsetMs && nowUtcMs >= earlier.lastUtcMs &&
      nowUtcMs - earlier.lastUtcMs <= MOST_PAUSE_MS;
    const sinceUtcMs = agrees ? earlier.sinceUtcMs : nowUtcMs;
    this.#agreeing = { offsetMs, sinceUtcMs, lastUtcMs: nowUtcMs };
    const weekOpen = isFxWeekOpen(nowUtcMs);
    const apartMs = weekOpen ? this.#minApartMs : this.#closedApartMs;
    const kind = agrees && nowUtcMs - sinceUtcMs >= apartMs ? "believed" : "rumour";
    return { kind, offsetMs, residualMs, sinceUtcMs, weekOpen };
  }
}

/** Whether a rule may have shown this offset now, seen on a tick that was late or a clock that is. */
export function explains(rule: Behaviour, offsetMs: number, nowUtcMs: number): boolean {
  return offsetAt(rule, nowUtcMs - MOST_BEHIND_MS) === offsetMs ||
    offsetAt(rule, nowUtcMs + MOST_AHEAD_MS) === offsetMs;
}

/** Whether a rule shows the run's offset at both ends, and no other long enough to be seen within. */
export function explainsRun(rule: Behaviour, run: OffsetRun): boolean {
  if (!explains(rule, run.offsetMs, run.fromUtcMs)) return false;
  if (!explains(rule, run.offsetMs, run.toUtcMs)) return false;
  return rule.offsetsMs.every((offsetMs, i) => {
    const from = Math.max(run.fromUtcMs, rule.fromUtcMs[i] ?? -Infinity);
    const to = Math.min(run.toUtcMs, rule.fromUtcMs[i + 1] ?? Infinity);
    return offsetMs === run.offsetMs || to - from <= MOST_RUN_PAUSE_MS;
  });
}

/** The runs with one more believed sample; the same array is changed. */
export function addToRuns(
  runs: OffsetRun[],
  { offsetMs, residualMs, nowUtcMs }: { offsetMs: number; residualMs: number; nowUtcMs: number },
): void {
  const last = runs.at(-1);
  const goesOn = last?.offsetMs === offsetMs && nowUtcMs >= last.toUtcMs &&
    nowUtcMs - last.toUtcMs <= MOST_RUN_PAUSE_MS;
  if (!goesOn) {
    runs.push({
      offsetMs,
      fromUtcMs: nowUtcMs,
      toUtcMs: nowUtcMs,
      samples: 1,
      leastResidualMs: residualMs,
      mostResidualMs: residualMs,
    });
    return;
  }
  runs[runs.length - 1] = {
    ...last,
    toUtcMs: nowUtcMs,
    samples: last.samples + 1,
    leastResidualMs: Math.min(last.leastResidualMs, residualMs),
    mostResidualMs: Math.max(last.mostResidualMs, residualMs),
  };
}
