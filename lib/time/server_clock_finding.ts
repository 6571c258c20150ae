import type { ServerZone } from "../bridge/feed.ts";
import { type Evidence, type Finding, weigh } from "./server_clock_evidence.ts";
import { behavioursOf, horizonOf, worldCandidates } from "./server_clock_rules.ts";

/** How many weeks make a rule that no broker is known to use believable. */
const MIN_WEEKS_FOR_ODD_RULES = 26;

/**
 * Weighs the usual rules; where they explain nothing, or in many weeks of bars none explains most,
 * every zone there is, which both the openings and the closings have to support.
 */
export function findRules(
  candidates: readonly ServerZone[],
  evidence: Evidence,
  { nowUtcMs, minWeeks }: { nowUtcMs: number; minWeeks: number },
): Finding {
  const horizon = horizonOf(nowUtcMs);
  const usual = weigh(behavioursOf(candidates, horizon), evidence, { minWeeks });
  const run = evidence.runs.at(-1);
  const isEnough = usual.survivors.length > 0 && evidence.turns.length < MIN_WEEKS_FOR_ODD_RULES;
  if (usual.supporters > 0 || run === undefined || isEnough) return usual;
  const world = [...candidates, ...worldCandidates(run.offsetMs, run.toUtcMs)];
  const odd = weigh(behavioursOf(world, horizon), evidence, { minWeeks });
  return odd.supporters === 2 ? odd : usual;
}
