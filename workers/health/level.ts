import type { ComponentName, Level } from "../../lib/log/channel.ts";
import { worse } from "../../lib/log/level.ts";

/** The order in which components are shown. */
export const componentNames: readonly ComponentName[] = [
  "mt5",
  "fxcm",
  "tick_collection",
  "queue",
  "filesystem",
  "data_quality",
  "timezone",
  "gateway",
  "redis",
  "kafka",
];

/** As metrics show a level. */
export const levelNumber: Readonly<Record<Level, number>> = {
  unknown: 0,
  healthy: 1,
  degraded: 2,
  critical: 3,
};

/** The level of the whole: the worst, where unknown counts as degraded; nothing known is unknown. */
export function overallLevel(levels: readonly Level[]): Level {
  if (levels.every((level) => level === "unknown")) return "unknown";
  const worst = levels.reduce(worse, "healthy");
  return worst === "unknown" ? "degraded" : worst;
}
