import type { ServerZone } from "../bridge/feed.ts";
import {
  addToRuns,
  explains,
  gridOf,
  type Heard,
  LiveOffset,
  type OffsetRun,
} from "./live_offset.ts";
import { type Evidence, evidenceBetween, type Finding } from "./server_clock_evidence.ts";
import { findRules } from "./server_clock_finding.ts";
import { changeOf, clockOf, keep, obey } from "./server_clock_intervals.ts";
import type { ClockRecord, Contradiction, Interval } from "./server_clock_record.ts";
import { agreementAt, type Behaviour, behavioursOf, horizonOf } from "./server_clock_rules.ts";
import type { ServerClock } from "./server_clock_view.ts";
import type { Standing } from "./server_clock_words.ts";
import { parseServerZone } from "./server_zone.ts";
import { WeekTurnTally } from "./week_turn_tally.ts";
import { weekTurnsOf } from "./week_turns.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Weeks that it takes to rule a rule out, and fewer where a new interval has only begun. */
const MIN_WEEKS = 3;
const MIN_WEEKS_AFTER_CHANGE = 2;
/** A contradiction that ends within this was this machine's clock, and is forgotten. */
const WITHDRAW_MS = DAY_MS;
/** Rules are compared for two years ahead; this often they are compared anew. */
const COMPARE_MS = 30 * DAY_MS;
/** A run lasts from days to months; the oldest go first. */
const MOST_RUNS = 256;

export interface LearningOptions {
  readonly override: ServerZone | undefined;
  readonly candidates: readonly ServerZone[];
  readonly nowUtcMs: number;
  readonly minApartMs: number;
  readonly closedApartMs: number;
  readonly minContradictionMs: number;
}

type Believable = Extract<Heard, { kind: "rumour" | "believed" }>;

/** What one server's evidence has taught so far. Pure: its now is that of the samples. */
export class ClockLearning {
  readonly #minContradictionMs: number;
  readonly #candidates: readonly ServerZone[];
  readonly #obeyed: readonly Behaviour[] | undefined;
  readonly #live: LiveOffset;
  readonly #tally = new WeekTurnTally();
  #runs: OffsetRun[];
  #intervals: readonly Interval[];
  #contradiction: Contradiction | undefined;
  #evidenceFromUtcMs: number;
  /** The newest finding that was believed; a contradiction leaves it as it was. */
  #finding: Finding = { survivors: [], supporters: 0, conflict: undefined, votes: [] };
  #conflict: Finding["conflict"];
  #nowUtcMs: number;
  #weighedUtcMs = -Infinity;
  #doubt: Believable | undefined;
  #misfitMs: number | undefined;
  #view: { readonly clock: ServerClock; readonly finding: Finding } | undefined;
  #savedUtcMs = -Infinity;
  /** Something was learned that is not in the file. */
  unsaved = false;
  /** Samples came that are not in the file, but teach nothing. */
  moreSamples = false;

  constructor(record: ClockRecord | undefined, options: LearningOptions) {
    const { override, candidates, nowUtcMs, minContradictionMs } = options;
    this.#minContradictionMs = minContradictionMs;
    this.#candidates = override === undefined ? candidates : [override, ...candidates];
    this.#nowUtcMs = nowUtcMs;
    this.#runs = [...record?.runs ?? []];
    this.#intervals = record?.intervals ?? [];
    this.#contradiction = record?.contradiction;
    this.#evidenceFromUtcMs = record?.evidenceFromUtcMs ?? -Infinity;
    this.#tally.add("ledger", record?.turns ?? []);
    const horizon = horizonOf(nowUtcMs);
    this.#live = new LiveOffset({
      gridMs: gridOf(behavioursOf(this.#candidates, horizon)),
      minApartMs: options.minApartMs,
      closedApartMs: options.closedApartMs,
    });
    this.#obeyed = override && behavioursOf([override], horizon);
    if (override !== undefined) {
      const fromUtcMs = this.#contradiction && changeOf(this.#contradiction, this.#runs);
      this.#intervals = obey(this.#intervals, override, { fromUtcMs, nowUtcMs });
      this.#contradiction = undefined;
    }
    if (this.#contradiction !== undefined) {
      const believed = (this.#intervals.at(-1)?.survivors ?? []).map(parseServerZone);
      this.#finding = { ...this.#finding, survivors: behavioursOf(believed, horizon) };
    }
    this.#learn();
    this.unsaved = record === undefined ? override !== undefined : this.unsaved;
  }

  observe(
    { newestServerMs, nowUtcMs }: { newestServerMs: number | null; nowUtcMs: number },
  ): void {
    this.#nowUtcMs = nowUtcMs;
    if (newestServerMs === null) return;
    const heard = this.#live.hear(newestServerMs, nowUtcMs);
    if (heard.kind === "ignored") return;
    this.#misfitMs = heard.kind === "misfit" ? heard.residualMs : undefined;
    if (heard.kind === "misfit") return;
    const fits = this.#finding.survivors.some((rule) => explains(rule, heard.offsetMs, nowUtcMs));
    if (heard.kind === "believed" || heard.weekOpen) this.#doubt = fits ? undefined : heard;
    if (heard.kind === "rumour") return;
    const firm = nowUtcMs - heard.sinceUtcMs >= this.#minContradictionMs;
    if (this.#contradiction !== undefined) {
      this.#hearContradicted(this.#contradiction, heard, { fits, firm });
    } else if (fits || this.#obeyed !== undefined) {
      this.#add(heard);
    } else if (firm) {
      this.#contradict("live", heard);
      this.#add(heard);
    }
  }

  learnFromHistory(symbol: string, barOpenServerMs: Iterable<number>): void {
    if (this.#tally.add(symbol, weekTurnsOf(barOpenServerMs))) this.#learn();
  }

  clock(): ServerClock | undefined {
    const doubted = this.#contradiction !== undefined || this.#doubt !== undefined;
    if (this.#obeyed === undefined && doubted) return undefined;
    const now = this.#nowUtcMs;
    if (this.#view?.finding === this.#finding) {
      const { clock } = this.#view;
      if (now >= clock.knownFromUtcMs && now < clock.knownUntilUtcMs) return clock;
    }
    const rules = this.#obeyed ?? this.#finding.survivors;
    const clock = clockOf(this.#intervals, rules, now);
    if (clock === undefined) return undefined;
    this.#view = { clock, finding: this.#finding };
    return clock;
  }

  standing(): Standing {
    return {
      nowUtcMs: this.#nowUtcMs,
      override: this.#obeyed?.[0],
      rules: this.#finding.survivors,
      finding: this.#finding,
      contradiction: this.#contradiction,
      conflict: this.#conflict,
      doubtedOffsetMs: this.#doubt?.offsetMs,
      misfitMs: this.#misfitMs,
      intervals: this.#intervals,
      runs: this.#runs,
      turns: this.#tally.turns(),
    };
  }

  record(): ClockRecord {
    return {
      intervals: this.#intervals,
      contradiction: this.#contradiction,
      evidenceFromUtcMs: this.#evidenceFromUtcMs,
      runs: [...this.#runs],
      turns: this.#tally.turns(),
      survivors: this.#finding.survivors.map(({ name }) => name),
    };
  }

  saved(): void {
    this.unsaved = false;
    this.moreSamples = false;
    this.#savedUtcMs = this.#nowUtcMs;
  }

  notSaved(): void {
    this.unsaved = true;
  }

  #hearContradicted(
    contradiction: Contradiction,
    heard: Believable,
    { fits, firm }: { fits: boolean; firm: boolean },
  ): void {
    if (!firm) return;
    const { by, sinceUtcMs } = contradiction;
    const hasConverted = this.#intervals.length > 0;
    if (fits && by === "live" && hasConverted && this.#nowUtcMs - sinceUtcMs < WITHDRAW_MS) {
      this.#runs = this.#runs.filter(({ fromUtcMs }) => fromUtcMs < sinceUtcMs);
      this.#contradiction = undefined;
      this.#learn();
    } else if (heard.offsetMs !== contradiction.seenOffsetMs) {
      this.#contradiction = {
        ...contradiction,
        seenOffsetMs: heard.offsetMs,
        seenSinceUtcMs: heard.sinceUtcMs,
      };
      // Nothing was ever converted by what the ticks showed before, so it need not be explained.
      if (!hasConverted) this.#runs = [];
    }
    this.#add(heard);
  }

  #contradict(by: Contradiction["by"], heard?: Believable): void {
    const sinceUtcMs = heard?.sinceUtcMs ?? this.#nowUtcMs;
    this.#contradiction = {
      by,
      sinceUtcMs,
      seenOffsetMs: heard?.offsetMs ?? this.#runs.at(-1)?.offsetMs,
      seenSinceUtcMs: sinceUtcMs,
    };
  }

  #add({ offsetMs, residualMs }: Believable): void {
    const nowUtcMs = this.#nowUtcMs;
    addToRuns(this.#runs, { offsetMs, residualMs, nowUtcMs });
    this.#runs.splice(0, this.#runs.length - MOST_RUNS);
    this.moreSamples = true;
    const begun = this.#runs.at(-1)?.samples === 1;
    const rulesOut = this.#contradiction === undefined &&
      !this.#finding.survivors.every((rule) => explains(rule, offsetMs, nowUtcMs));
    if (begun || rulesOut || nowUtcMs - this.#weighedUtcMs > COMPARE_MS) this.#learn();
    if (nowUtcMs - this.#savedUtcMs > HOUR_MS) this.unsaved = true;
  }

  #learn(): void {
    this.#weighedUtcMs = this.#nowUtcMs;
    this.unsaved = true;
    const evidence = this.#evidenceFrom(this.#evidenceFromUtcMs);
    const minWeeks = this.#evidenceFromUtcMs === -Infinity ? MIN_WEEKS : MIN_WEEKS_AFTER_CHANGE;
    const finding = this.#weigh(evidence, minWeeks);
    this.#conflict = finding.conflict;
    if (this.#obeyed !== undefined) {
      this.#finding = finding;
      return;
    }
    if (this.#contradiction === undefined) {
      if (finding.survivors.length > 0) {
        this.#finding = finding;
        this.#keepInterval(evidence);
        return;
      }
      this.#contradict(finding.conflict === undefined ? "live" : "weeks");
    }
    if (this.#contradiction !== undefined) this.#settle(this.#contradiction, finding);
  }

  /**
   * A new rule is believed when the weeks' turns support what the ticks show: either it explains
   * everything since ever, or, of a server that has changed its clock, everything since then.
   */
  #settle(contradiction: Contradiction, finding: Finding): void {
    const agrees = ({ survivors }: Finding) =>
      survivors.length > 0 && agreementAt(survivors, this.#nowUtcMs) !== undefined;
    const isFirst = this.#intervals.length === 0;
    let settled = finding;
    let evidenceFromUtcMs = this.#evidenceFromUtcMs;
    if (isFirst ? finding.survivors.length === 0 : finding.supporters === 0 || !agrees(finding)) {
      evidenceFromUtcMs = contradiction.seenSinceUtcMs;
      settled = this.#weigh(this.#evidenceFrom(evidenceFromUtcMs), MIN_WEEKS_AFTER_CHANGE);
      if (settled.supporters === 0 || !agrees(settled)) return;
    }
    this.#contradiction = undefined;
    this.#conflict = undefined;
    this.#doubt = undefined;
    this.#finding = settled;
    this.#evidenceFromUtcMs = evidenceFromUtcMs;
    this.#keepInterval(
      this.#evidenceFrom(evidenceFromUtcMs),
      changeOf(contradiction, this.#runs),
    );
  }

  /** Writes down what is known of the rule of now; `changedUtcMs` begins a new interval. */
  #keepInterval(evidence: Evidence, changedUtcMs?: number): void {
    this.#intervals = keep(this.#intervals, {
      ...{ finding: this.#finding, evidence, nowUtcMs: this.#nowUtcMs },
      changedUtcMs,
    });
  }

  #weigh(evidence: Evidence, minWeeks: number): Finding {
    return findRules(this.#candidates, evidence, { nowUtcMs: this.#nowUtcMs, minWeeks });
  }

  #evidenceFrom(fromUtcMs: number): Evidence {
    const all = { runs: this.#runs, turns: this.#tally.turns() };
    return evidenceBetween(all, { fromUtcMs, toUtcMs: this.#nowUtcMs });
  }
}
