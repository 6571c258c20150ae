import type { ServerZone } from "../bridge/feed.ts";
import { nextFxWeekClose } from "./fx_week.ts";
import type { OffsetRun } from "./live_offset.ts";
import type { Evidence, Finding } from "./server_clock_evidence.ts";
import type { Contradiction, Interval } from "./server_clock_record.ts";
import { agreementAt, type Behaviour, behavioursOf, horizonOf } from "./server_clock_rules.ts";
import { datedClock, type ServerClock } from "./server_clock_view.ts";
import { formatServerZone, parseServerZone } from "./server_zone.ts";
import type { WeekTurn } from "./week_turns.ts";

/** The dated intervals of a ledger: only the last, still running one is ever changed. */

const WEEK_MS = 7 * 24 * 3_600_000;
/** Samples come each second while there are ticks; longer than one takes to come. */
const MOST_UNSEEN_MS = 10_000;

/** The intervals with `next` as the running one from a time on; the one before ends there. */
function begin(intervals: readonly Interval[], next: Omit<Interval, "toUtcMs">): Interval[] {
  const last = intervals.at(-1);
  const fromUtcMs = Math.max(next.fromUtcMs, last?.fromUtcMs ?? -Infinity);
  const begun = { ...next, fromUtcMs, toUtcMs: Infinity };
  if (last === undefined) return [begun];
  return [
    ...intervals.slice(0, -1),
    { ...last, toUtcMs: Math.min(last.toUtcMs, fromUtcMs) },
    begun,
  ];
}

/** The intervals with more known of the running one. */
function refine(intervals: readonly Interval[], known: Partial<Interval>): Interval[] {
  const last = intervals.at(-1);
  return last === undefined ? [] : [...intervals.slice(0, -1), { ...last, ...known }];
}

/**
 * The intervals with the operator's rule from a time on, or from now. Where it is one of the rules
 * that the running interval leaves possible, it only says which: nothing was converted otherwise.
 */
export function obey(
  intervals: readonly Interval[],
  zone: ServerZone,
  { fromUtcMs, nowUtcMs }: { fromUtcMs: number | undefined; nowUtcMs: number },
): readonly Interval[] {
  const last = intervals.at(-1);
  const rule = formatServerZone(zone);
  if (last?.source === "override" && last.rule === rule) return intervals;
  const known = {
    rule,
    survivors: [rule],
    knownFromUtcMs: -Infinity,
    source: "override" as const,
    evidence: evidenceOf([], [], []),
  };
  if (last?.source === "learned" && fromUtcMs === undefined) {
    const possible = last.survivors.map(parseServerZone), horizon = horizonOf(nowUtcMs);
    const withIt = behavioursOf([...possible, zone], horizon);
    if (withIt.length === behavioursOf(possible, horizon).length) return refine(intervals, known);
  }
  return begin(intervals, { fromUtcMs: fromUtcMs ?? nowUtcMs, ...known });
}

/** The intervals with what a finding says of now; a change of the server's clock begins a new one. */
export function keep(
  intervals: readonly Interval[],
  { finding: { survivors, votes }, evidence: { runs, turns }, nowUtcMs, changedUtcMs }: {
    readonly finding: Finding;
    readonly evidence: Evidence;
    readonly nowUtcMs: number;
    readonly changedUtcMs: number | undefined;
  },
): readonly Interval[] {
  const [rule] = survivors;
  const agreed = agreementAt(survivors, nowUtcMs);
  if (rule === undefined || agreed === undefined) return intervals;
  const last = intervals.at(-1);
  const known = {
    rule: rule.name,
    survivors: survivors.map(({ name }) => name),
    knownFromUtcMs: agreed.fromUtcMs,
    source: "learned" as const,
    evidence: evidenceOf(runs, turns, votes),
  };
  const goesOn = last?.source === "learned" &&
    (changedUtcMs === undefined || last.rule === rule.name);
  return goesOn
    ? refine(intervals, known)
    : begin(intervals, { fromUtcMs: changedUtcMs ?? nowUtcMs, ...known });
}

/**
 * When a server changed its clock: between the last ticks by the old one and the first by the new.
 * If a weekend lies there, at its beginning, so that no tick of the new week is read by the old
 * clock; else as late as ticks that no sample has shown yet allow.
 */
export function changeOf({ sinceUtcMs }: Contradiction, runs: readonly OffsetRun[]): number {
  const heardUtcMs = runs.reduce(
    (latest, { toUtcMs }) => toUtcMs < sinceUtcMs ? Math.max(latest, toUtcMs) : latest,
    -Infinity,
  );
  const closeUtcMs = nextFxWeekClose(sinceUtcMs - WEEK_MS);
  return heardUtcMs < closeUtcMs
    ? closeUtcMs
    : Math.max(heardUtcMs + 1, sinceUtcMs - MOST_UNSEEN_MS);
}

/** The clock when any of `rules` may be that of now; undefined where they do not agree. */
export function clockOf(
  intervals: readonly Interval[],
  rules: readonly Behaviour[],
  nowUtcMs: number,
): ServerClock | undefined {
  const [rule] = rules;
  const agreed = agreementAt(rules, nowUtcMs);
  if (rule === undefined || agreed === undefined || nowUtcMs < agreed.fromUtcMs) return undefined;
  const pieces = intervals.map(({ fromUtcMs, rule }) => ({
    fromUtcMs,
    zone: parseServerZone(rule),
  }));
  const fromUtcMs = pieces.pop()?.fromUtcMs ?? -Infinity;
  return datedClock([...pieces, { fromUtcMs, zone: rule.zone }], {
    knownFromUtcMs: knownSince(intervals, agreed.fromUtcMs),
    knownUntilUtcMs: agreed.untilUtcMs,
    rule: rules.length === 1 ? rule.name : undefined,
  });
}

/** From when on everything is known, when the rule of now is known from `agreedFromUtcMs`. */
function knownSince(intervals: readonly Interval[], agreedFromUtcMs: number): number {
  let since = agreedFromUtcMs;
  for (let i = intervals.length - 1; i > 0; i--) {
    if (since > (intervals[i]?.fromUtcMs ?? Infinity)) return since;
    since = intervals[i - 1]?.knownFromUtcMs ?? since;
  }
  return since;
}

/** The evidence in numbers, as it stands beside an interval. */
export function evidenceOf(
  runs: readonly OffsetRun[],
  turns: readonly WeekTurn[],
  votes: Finding["votes"],
): Interval["evidence"] {
  return {
    samples: runs.reduce((sum, { samples }) => sum + samples, 0),
    residual_seconds: runs.length === 0 ? null : [
      Math.min(...runs.map((run) => run.leastResidualMs)) / 1000,
      Math.max(...runs.map((run) => run.mostResidualMs)) / 1000,
    ],
    weeks: turns.length,
    votes: votes.map(({ turn, winner, loser, weeksFor, weeksAgainst }) => ({
      turn,
      winner,
      loser,
      weeks_for: weeksFor,
      weeks_against: weeksAgainst,
    })),
  };
}
