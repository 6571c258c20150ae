import type { OffsetRun } from "./live_offset.ts";
import type { Finding } from "./server_clock_evidence.ts";
import { evidenceOf } from "./server_clock_intervals.ts";
import { type Contradiction, type Interval, toMonths } from "./server_clock_record.ts";
import { agreementAt, type Behaviour, offsetAt } from "./server_clock_rules.ts";
import type { WeekTurn } from "./week_turns.ts";

/**
 * - `unknown`: the offset is not known; `clock()` is undefined
 * - `offset_known`: the rules that are still possible agree until `knownUntilUtcMs`
 * - `known`: one rule is left
 * - `override`: the operator's word, and the evidence does not speak against it
 * - `contradicted`: the evidence speaks against what was believed; `clock()` is undefined, unless
 *   there is an override, which stands
 */
export type ClockState = "unknown" | "offset_known" | "known" | "override" | "contradicted";

export interface ClockVerdict {
  readonly state: ClockState;
  /** The one rule that is left, or the operator's. */
  readonly rule?: string;
  /** The rules that are still possible, the preferred first; before a contradiction if there is one. */
  readonly candidates: readonly string[];
  /** Server clock minus UTC now; absent while it is not known. */
  readonly offsetMs?: number;
  /** Where the possible rules part; absent when they never do, or already have. */
  readonly knownUntilUtcMs?: number;
  /** For a person: what is known and why, what is missing, what to do. */
  readonly message: string;
  readonly evidence: ClockEvidence;
}

export interface ClockEvidence extends Readonly<Interval["evidence"]> {
  readonly observed: readonly OffsetRun[];
  /** By month, for each Sunday the offset in hours that the first bar's label says. */
  readonly week_opens: Readonly<Record<string, readonly (number | null)[]>>;
}

/** Everything that a verdict tells. */
export interface Standing {
  readonly nowUtcMs: number;
  readonly override: Behaviour | undefined;
  readonly rules: readonly Behaviour[];
  readonly finding: Finding;
  readonly contradiction: Contradiction | undefined;
  readonly conflict: Finding["conflict"];
  /** The newest sample shows an offset that no rule explains, and it is not yet believed. */
  readonly doubtedOffsetMs: number | undefined;
  /** The newest sample fits no offset at all: by how much. */
  readonly misfitMs: number | undefined;
  readonly intervals: readonly Interval[];
  readonly runs: readonly OffsetRun[];
  readonly turns: readonly WeekTurn[];
}

const MOST_NAMES = 6;

export function verdictOf(standing: Standing): ClockVerdict {
  const { nowUtcMs, override, rules, finding, runs, turns } = standing;
  const possible = override === undefined ? rules : [override];
  const agreed = agreementAt(possible, nowUtcMs);
  const state = stateOf(standing, agreed !== undefined);
  const isKnown = agreed !== undefined && (state !== "contradicted" || override !== undefined);
  const offsetMs = isKnown && possible[0] !== undefined
    ? offsetAt(possible[0], nowUtcMs)
    : undefined;
  const rule = override?.name ?? (state === "known" ? rules[0]?.name : undefined);
  return {
    state,
    ...(rule === undefined ? {} : { rule }),
    candidates: rules.map(({ name }) => name),
    ...(offsetMs === undefined ? {} : { offsetMs }),
    ...(isKnown && agreed.untilUtcMs < Infinity ? { knownUntilUtcMs: agreed.untilUtcMs } : {}),
    message: `${sentence(state, standing)}${trouble(standing)}`,
    evidence: {
      ...evidenceOf(runs, turns, finding.votes),
      observed: runs,
      week_opens: toMonths(turns, ({ openOffsetMs }) => openOffsetMs),
    },
  };
}

function stateOf(
  { override, rules, contradiction, doubtedOffsetMs }: Standing,
  agreed: boolean,
): ClockState {
  if (override !== undefined) {
    return rules.some(({ name }) => name === override.name) ? "override" : "contradicted";
  }
  if (contradiction !== undefined) return "contradicted";
  if (!agreed || doubtedOffsetMs !== undefined) return "unknown";
  return rules.length === 1 ? "known" : "offset_known";
}

function sentence(state: ClockState, standing: Standing): string {
  const { nowUtcMs, override, rules, runs, turns } = standing;
  const offset = rules[0] === undefined ? "" : offsetText(offsetAt(rules[0], nowUtcMs));
  switch (state) {
    case "override":
      return `BROKER_TZ says ${override?.name}, and the evidence does not speak against it.`;
    case "known":
      return `The server's clock is ${rules[0]?.name}, now ${offset}.`;
    case "offset_known": {
      const untilUtcMs = agreementAt(rules, nowUtcMs)?.untilUtcMs ?? Infinity;
      return untilUtcMs === Infinity
        ? `The server's clock is ${offset}; ${names(rules)} differ only in the past.`
        : `The server's clock is ${offset} until ${iso(untilUtcMs)}; there ${names(rules)} part, ` +
          "and live ticks after it, or one-hour bars of a year before, decide.";
    }
    case "contradicted":
      return override === undefined ? contradicted(standing) : overrideContradicted(standing);
    case "unknown":
      if (runs.length === 0 && turns.length === 0) {
        return "Nothing is known of the server's clock yet: it takes live ticks while the market is " +
          "open. Nothing is captured until then; BROKER_TZ (e.g. America/New_York+7h) states it.";
      }
      if (agreementAt(rules, nowUtcMs) !== undefined) return `So far it was ${names(rules)}.`;
      return `${names(rules)} are possible, and differ now: live ticks of an open market decide. ` +
        "Nothing is captured until then; BROKER_TZ states the rule.";
  }
}

function contradicted({ contradiction, conflict, rules }: Standing): string {
  const seen = contradiction?.seenOffsetMs === undefined
    ? "an offset that is not clear"
    : offsetText(contradiction.seenOffsetMs);
  const since = contradiction === undefined ? "" : ` since ${iso(contradiction.sinceUtcMs)}`;
  const what = contradiction?.by === "weeks" && conflict !== undefined
    ? `Live ticks show ${seen}, but the bars around the weekends say ${some(conflict.weeks)}`
    : `Live ticks show ${seen}${since}, which ${names(rules)} cannot explain`;
  return `${what}. Either this machine's clock is wrong (check its time service), or the server's ` +
    "clock has changed. Nothing is captured until the bars around two more weekends support what " +
    "the ticks show, or BROKER_TZ states the rule; what was captured stays as it is.";
}

function overrideContradicted({ override, rules, runs, nowUtcMs }: Standing): string {
  const run = runs.at(-1);
  const shown = run === undefined ? "" : `: live ticks show ${offsetText(run.offsetMs)}`;
  const stated = override === undefined ? "" : offsetText(offsetAt(override, nowUtcMs));
  return `BROKER_TZ says ${override?.name} (${stated}), and is obeyed, but the evidence says ` +
    `${rules.length === 0 ? "otherwise" : names(rules)}${shown}. Check BROKER_TZ, and this ` +
    "machine's clock.";
}

function trouble({ misfitMs, doubtedOffsetMs, contradiction, override }: Standing): string {
  if (misfitMs !== undefined) {
    return ` The newest tick is ${
      Math.round(Math.abs(misfitMs) / 1000)
    } s away from any whole or ` +
      "half hour of offset: it is old, or this machine's clock is wrong (check its time service).";
  }
  if (doubtedOffsetMs === undefined || contradiction !== undefined || override !== undefined) {
    return "";
  }
  return ` The newest tick shows ${
    offsetText(doubtedOffsetMs)
  } instead: nothing is captured until the ` +
    "next ones decide.";
}

function names(rules: readonly Behaviour[]): string {
  return some(rules.map(({ name }) => name));
}

/** `a, b and c`, or the first of them and how many more. */
function some(all: readonly string[]): string {
  if (all.length === 0) return "no known rule";
  if (all.length > MOST_NAMES) {
    return `${all.slice(0, MOST_NAMES).join(", ")} and ${all.length - MOST_NAMES} more`;
  }
  return all.length === 1 ? `${all[0]}` : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}

/** `UTC+3`, `UTC-3:30`. */
export function offsetText(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / 60_000;
  const rest = minutes % 60;
  const part = rest === 0 ? "" : `:${String(rest).padStart(2, "0")}`;
  return `UTC${offsetMs < 0 ? "-" : "+"}${Math.floor(offsetMs === 0 ? 0 : minutes / 60)}${part}`;
}

function iso(utcMs: number): string {
  return new Date(utcMs).toISOString().replace(".000Z", "Z");
}
