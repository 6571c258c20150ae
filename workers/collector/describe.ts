import type { Beat, ComponentName, ComponentReport, Level } from "../../lib/log/channel.ts";
import type { TickMirror } from "../../lib/log/mirror.ts";
import { worse } from "../../lib/log/level.ts";
import type { TickLog } from "../../lib/log/tick_log.ts";
import { SpillingTickLog } from "../../lib/log/tick_log_spilling.ts";
import type { Collecting } from "./collecting.ts";

type Description = Pick<Beat, "status" | "level" | "components">;

export interface Described {
  readonly log: TickLog;
  readonly mirror: TickMirror | undefined;
  readonly sessions: ReadonlyMap<string, Collecting>;
  /** Why there is no session yet. */
  readonly why: string;
}

/** What the collector's beats say: of one session as it is, of several the worst, and all their words. */
export function describe({ log, mirror, sessions, why }: Described): Description {
  const words = new Map<ComponentName, [string, ComponentReport][]>();
  for (const [session, collecting] of sessions) {
    // The keys are component names, which Object.entries does not know.
    const reports = Object.entries(collecting.describe()) as [ComponentName, ComponentReport][];
    for (const [name, report] of reports) {
      words.set(name, [...words.get(name) ?? [], [session, report]]);
    }
  }
  const components: Partial<Record<ComponentName, ComponentReport>> = {};
  for (const [name, reports] of words) {
    components[name] = name === "mt5" || name === "fxcm" ? ofVendor(reports) : joined(reports);
  }
  components.tick_collection ??= {
    status: "critical",
    value: null,
    threshold: null,
    message: `not connected to the bridge: ${why}`,
  };
  if (log instanceof SpillingTickLog) components.redis = redisReport(log);
  if (mirror !== undefined) components.kafka = kafkaReport(mirror);
  const { status: level, message: status } = components.tick_collection;
  return { status, level, components };
}

function joined(reports: readonly [string, ComponentReport][]): ComponentReport {
  const [first, ...rest] = reports;
  if (first === undefined) throw new RangeError("Cannot join reports: current count is 0");
  if (rest.length === 0) return first[1];
  const [, worst] = rest.reduce((a, b) => {
    return worse(a[1].status, b[1].status) === a[1].status ? a : b;
  }, first);
  const message = reports.map(([session, report]) => `${session}: ${report.message}`).join("; ");
  return { ...worst, message };
}

/** All sessions of a vendor connected and verified: healthy; some: degraded; none: critical. */
function ofVendor(reports: readonly [string, ComponentReport][]): ComponentReport {
  const report = joined(reports);
  const levels = reports.map(([, { status }]) => status);
  const isUp = (level: Level) => level === "healthy";
  if (levels.every(isUp)) return report;
  return { ...report, status: levels.some(isUp) ? "degraded" : "critical" };
}

/** While Redis is away nothing is lost, but nobody sees the new ticks. */
function redisReport({ spill }: SpillingTickLog): ComponentReport {
  if (spill === undefined) {
    return { status: "healthy", value: 0, threshold: 0, message: "takes what is appended" };
  }
  const since = new Date(spill.sinceMs).toISOString();
  return {
    status: "degraded",
    value: spill.ticks,
    threshold: 0,
    message: `away since ${since}: ${spill.ticks} ticks wait in the journal (${spill.cause})`,
  };
}

/** A mirror that is behind or away loses nothing of the log, but somebody reads it. */
function kafkaReport(mirror: TickMirror): ComponentReport {
  const { state, cause, waitingTicks, droppedTicks } = mirror.describe();
  return {
    status: state === "down" ? "degraded" : "healthy",
    value: waitingTicks,
    threshold: 0,
    message: `${cause ?? (state === "up" ? "takes what is appended" : "nothing to send yet")}; ` +
      `${waitingTicks} ticks wait, ${droppedTicks} dropped`,
  };
}
