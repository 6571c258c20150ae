import type { OffsetRun } from "./live_offset.ts";
import type { Finding } from "./server_clock_evidence.ts";
import type { Interval } from "./server_clock_record.ts";
import { agreementAt, type Behaviour } from "./server_clock_rules.ts";
import { datedClock, type ServerClock } from "./server_clock_view.ts";
import { parseServerZone } from "./server_zone.ts";
import type { WeekTurn } from "./week_turns.ts";

/** The dated intervals of a ledger: only the last, still running one is ever changed. */

/** The intervals with `next` as the running one from a time on; the one before ends there. */
export function begin(intervals: readonly Interval[], next: Omit<Interval, "toUtcMs">): Interval[] {
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
export function refine(intervals: readonly Interval[], known: Partial<Interval>): Interval[] {
  const last = intervals.at(-1);
  return last === undefined ? [] : [...intervals.slice(0, -1), { ...last, ...known }];
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
