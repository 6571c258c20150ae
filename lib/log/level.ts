import type { Level } from "./channel.ts";

const badness: Readonly<Record<Level, number>> = {
  healthy: 0,
  unknown: 1,
  degraded: 2,
  critical: 3,
};

/** The worse of two levels of one component; what is not known is worse than what is healthy. */
export function worse(a: Level, b: Level): Level {
  return badness[a] >= badness[b] ? a : b;
}
