import { explainsRun, type OffsetRun } from "./live_offset.ts";
import { type Behaviour, offsetAt } from "./server_clock_rules.ts";
import { labelledOffset, type Turn, type WeekTurn } from "./week_turns.ts";

/**
 * Which rules the evidence leaves standing. There are three witnesses: live ticks, the openings of
 * the weeks and their closings. Live ticks rule out every rule that shows another offset. Of two
 * rules the weeks in which they differ decide, when there are enough of them and nearly all say the
 * same. A witness of whom no rule explains most is not heard (a market that opens when it likes).
 */
export interface Evidence {
  readonly runs: readonly OffsetRun[];
  readonly turns: readonly WeekTurn[];
}

/** One rule that lost against another in the weeks in which they differ. */
export interface Vote {
  readonly turn: Turn;
  readonly winner: string;
  readonly loser: string;
  readonly weeksFor: number;
  readonly weeksAgainst: number;
}

export interface Finding {
  /** Empty when nothing explains the evidence. */
  readonly survivors: readonly Behaviour[];
  /** How many of openings and closings were heard and agree with what survives: 0, 1 or 2. */
  readonly supporters: number;
  /** What the live ticks leave, and what the weeks leave, when no rule is in both. */
  readonly conflict: { readonly live: string[]; readonly weeks: string[] } | undefined;
  /** The closest decisions, at most five. */
  readonly votes: readonly Vote[];
}

/** The weeks that count: longer ago a server may have kept another clock. */
const WEEKS_MS = 2 * 366 * 24 * 3_600_000;
const LEAST_SHARE = 0.9;
const LEAST_MAJORITY = 0.75;
const MOST_VOTES = 5;

/** What was seen between two times; of the weeks only those that still count. */
export function evidenceBetween(
  { runs, turns }: Evidence,
  { fromUtcMs, toUtcMs }: { fromUtcMs: number; toUtcMs: number },
): Evidence {
  const oldestMs = Math.max(fromUtcMs, toUtcMs - WEEKS_MS);
  return {
    runs: runs.filter((run) => run.toUtcMs >= fromUtcMs)
      .map((run) => ({ ...run, fromUtcMs: Math.max(run.fromUtcMs, fromUtcMs) })),
    turns: turns.filter(({ closeUtcMs, openUtcMs }) =>
      closeUtcMs >= oldestMs && openUtcMs <= toUtcMs
    ),
  };
}

/** `minWeeks`: how many weeks a rule needs behind it before another one is out. */
export function weigh(
  rules: readonly Behaviour[],
  { runs, turns }: Evidence,
  { minWeeks }: { minWeeks: number },
): Finding {
  const live = rules.filter((rule) => runs.every((run) => explainsRun(rule, run)));
  const votes: Vote[] = [];
  const heard = (["open", "close"] as const)
    .map((turn) => testimony(rules, turns, { turn, minWeeks, votes }))
    .filter((left) => left !== undefined);
  const agreeing = heard.filter((left) => live.some((rule) => left.has(rule)));
  const common = live.filter((rule) => agreeing.every((left) => left.has(rule)));
  const conflicts = live.length > 0 && heard.length > 0 && agreeing.length === 0;
  const supporters = common.length > 0 ? agreeing.length : 0;
  const survivors = conflicts ? [] : supporters > 0 ? common : live;
  const names = new Set(survivors.map(({ name }) => name));
  return {
    survivors,
    supporters,
    conflict: conflicts
      ? {
        live: live.map(nameOf),
        weeks: [...new Set(heard.flatMap((left) => [...left]))].map(nameOf),
      }
      : undefined,
    votes: votes.filter(({ winner, loser }) => names.has(winner) && !names.has(loser))
      .sort((a, b) => a.weeksFor - a.weeksAgainst - (b.weeksFor - b.weeksAgainst))
      .slice(0, MOST_VOTES),
  };
}

/** The rules that one witness leaves standing; undefined when it is not to be heard. */
function testimony(
  rules: readonly Behaviour[],
  turns: readonly WeekTurn[],
  { turn, minWeeks, votes }: { turn: Turn; minWeeks: number; votes: Vote[] },
): Set<Behaviour> | undefined {
  const seen: { utcMs: number; offsetMs: number }[] = [];
  for (const { openUtcMs, closeUtcMs, openOffsetMs, closeOffsetMs } of turns) {
    const offsetMs = turn === "open" ? openOffsetMs : closeOffsetMs;
    if (offsetMs !== undefined) {
      seen.push({ utcMs: turn === "open" ? openUtcMs : closeUtcMs, offsetMs });
    }
  }
  if (seen.length < minWeeks) return undefined;
  const told = rules.map((rule) => ({
    rule,
    right: seen.map(({ utcMs, offsetMs }) =>
      labelledOffset(offsetAt(rule, utcMs), turn) === offsetMs
    ),
  }));
  const leaders = told.filter(({ right }) =>
    right.filter(Boolean).length >= LEAST_SHARE * seen.length
  );
  if (leaders.length === 0) return undefined;
  const left = new Set(rules);
  for (const loser of told) {
    for (const leader of leaders) {
      const weeksFor = count(leader.right, loser.right);
      const weeksAgainst = count(loser.right, leader.right);
      if (weeksFor < minWeeks || weeksFor < LEAST_MAJORITY * (weeksFor + weeksAgainst)) continue;
      left.delete(loser.rule);
      votes.push({
        turn,
        winner: leader.rule.name,
        loser: loser.rule.name,
        weeksFor,
        weeksAgainst,
      });
    }
  }
  return left.size === 0 ? undefined : left;
}

/** Weeks in which the one is right and the other is not. */
function count(right: readonly boolean[], other: readonly boolean[]): number {
  return right.filter((isRight, week) => isRight && other[week] === false).length;
}

function nameOf({ name }: Behaviour): string {
  return name;
}
