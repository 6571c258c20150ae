import type { ComponentName, ComponentReport, Level } from "../../lib/log/channel.ts";
import { whileClosed } from "../../lib/log/closed_market.ts";
import { worse } from "../../lib/log/level.ts";
import type { DataKind } from "../../lib/program/shared_settings.ts";
import { FX } from "../../lib/time/calendar/week_calendars.ts";
import { componentNames, overallLevel } from "./level.ts";
import type { ProgramState } from "./programs.ts";

/** What is known at one moment. */
export interface Evidence {
  readonly utcMs: number;
  readonly kind: DataKind;
  readonly programs: readonly ProgramState[];
  readonly expected: readonly string[];
  /** Whether an expected program may still be on its way to its first beat. */
  readonly starting: boolean;
  /** What health measured itself; a program's own word about the same component goes first. */
  readonly measured: Partial<Record<ComponentName, ComponentReport>>;
  readonly queueDegraded: number;
  readonly queueCritical: number;
}

export interface Component extends ComponentReport {
  readonly name: ComponentName;
  /** When somebody last spoke of it, UTC ms. */
  readonly updatedUtcMs: number;
}

/** Something wrong that belongs to no component. */
export interface Trouble {
  readonly level: "degraded" | "critical";
  readonly message: string;
}

export interface Verdict {
  readonly utcMs: number;
  readonly overall: Level;
  /** Those that exist in this shape, in the order they are shown. */
  readonly components: ReadonlyMap<ComponentName, Component>;
  readonly troubles: readonly Trouble[];
}

/** The component that stands for a program as a whole. */
const standsFor: Readonly<Record<string, ComponentName>> = {
  collector: "tick_collection",
  writer: "queue",
  gateway: "gateway",
};

/** Whether a program's silence shows in a component. */
export function hasComponent(program: string): boolean {
  return standsFor[program] !== undefined;
}

/** Joins what everybody says into one verdict. A component that nobody speaks of is left out. */
export function judge(evidence: Evidence): Verdict {
  const said = new Map<ComponentName, Component[]>();
  const troubles: Trouble[] = [];
  const say = (component: Component) => {
    said.set(component.name, [...(said.get(component.name) ?? []), component]);
  };
  for (const state of evidence.programs) {
    if (isOutlived(state, evidence.programs)) continue;
    for (const component of wordsOf(state, evidence)) say(component);
    troubles.push(...troublesOf(state));
  }
  for (const program of evidence.expected) {
    if (evidence.programs.some((state) => state.program === program)) continue;
    const name = standsFor[program];
    if (name !== undefined) say(absent(program, name, evidence));
    else if (!evidence.starting) {
      troubles.push({ level: "critical", message: `${program} has not been heard of` });
    }
  }
  const components = new Map<ComponentName, Component>();
  for (const name of componentNames) {
    const words = wordsFor(name, said, evidence);
    const [first, ...rest] = words;
    if (first !== undefined) components.set(name, judged(rest.reduce(joined, first), evidence));
  }
  const levels = [...components.values()].map(({ status }) => status);
  const overall = overallLevel([...levels, ...troubles.map(({ level }) => level)]);
  return { utcMs: evidence.utcMs, overall, components, troubles };
}

/**
 * What programs say goes before what was measured. Of cycles a writer knows its own and its audits, the
 * records in the folder those of the commands too: where these are worse, they are heard as well.
 */
function wordsFor(
  name: ComponentName,
  said: ReadonlyMap<ComponentName, Component[]>,
  evidence: Evidence,
): readonly Component[] {
  const measured = measuredWords(name, evidence);
  const words = said.get(name) ?? [];
  if (words.length === 0) return measured;
  if (name !== "data_quality") return words;
  const isWorse = (status: Level) =>
    words.every((word) => word.status !== status && worse(word.status, status) === status);
  return [...words, ...measured.filter(({ status }) => isWorse(status))];
}

/** One that left does not speak while another instance of its program lives. */
function isOutlived(state: ProgramState, all: readonly ProgramState[]): boolean {
  return state.state === "left" &&
    all.some((other) => other.program === state.program && other.state === "alive");
}

function wordsOf(state: ProgramState, evidence: Evidence): Component[] {
  const { beat, program } = state;
  const updatedUtcMs = state.heardUtcMs;
  const own = standsFor[program];
  const reports: Partial<Record<ComponentName, ComponentReport>> = { ...beat.components };
  if (own !== undefined && reports[own] === undefined) {
    reports[own] = { status: beat.level, value: null, threshold: null, message: beat.status };
  }
  // The table's keys are component names, which Object.entries does not know.
  const words = Object.entries(reports) as [ComponentName, ComponentReport][];
  if (state.state === "alive") {
    return words.map(([name, report]) => ({ ...report, name, updatedUtcMs }));
  }
  if (state.state === "left") {
    const left = `${program} left in good order at ${iso(updatedUtcMs)}`;
    return words.map(([name, report]) => {
      // What it said of the market's hours may be long over.
      const { market: _, ...rest } = report;
      return { ...rest, name, updatedUtcMs, message: `${left}; before: ${report.message}` };
    });
  }
  const message = silence(state);
  const othersLive = evidence.programs.some((other) =>
    other.program === program && other.state === "alive"
  );
  const whole: Level = othersLive ? "degraded" : "critical";
  return words
    .filter(([name]) => name === own || !othersLive)
    .map(([name, report]) => {
      const status: Level = name === own ? whole : "unknown";
      return { ...report, name, updatedUtcMs, status, message };
    });
}

/** A program that no component stands for speaks for itself. */
function troublesOf(state: ProgramState): Trouble[] {
  if (hasComponent(state.program) || state.state === "left") return [];
  if (state.state === "silent") return [{ level: "critical", message: silence(state) }];
  const { level, status } = state.beat;
  const isShown = Object.keys(state.beat.components).length > 0;
  if (level === "healthy" || isShown) return [];
  const message = `${state.program}: ${status}`;
  return [{ level: level === "critical" ? "critical" : "degraded", message }];
}

function silence({ program, replica, silentMs }: ProgramState): string {
  const who = replica === 0 ? program : `${program} (replica ${replica})`;
  return `${who} has been silent for ${Math.round(silentMs / 1000)} s`;
}

function absent(program: string, name: ComponentName, evidence: Evidence): Component {
  const { starting, utcMs } = evidence;
  return {
    name,
    status: starting ? "unknown" : "critical",
    value: null,
    threshold: null,
    message: starting ? `${program} has not reported yet` : `${program} has not been heard of`,
    updatedUtcMs: utcMs,
  };
}

function measuredWords(name: ComponentName, { measured, utcMs }: Evidence): Component[] {
  const report = measured[name];
  return report === undefined ? [] : [{ ...report, name, updatedUtcMs: utcMs }];
}

/** The worse word is the component's; of equal ones the newer. */
function joined(a: Component, b: Component): Component {
  if (a.status === b.status) return a.updatedUtcMs >= b.updatedUtcMs ? a : b;
  return worse(a.status, b.status) === a.status ? a : b;
}

function judged(component: Component, evidence: Evidence): Component {
  if (component.name === "queue") return judgedQueue(component, evidence);
  if (component.name === "tick_collection") return judgedTicks(component, evidence);
  return component;
}

/** The thresholds of the queue are health's, whatever the reporting program holds for many. */
function judgedQueue(queue: Component, evidence: Evidence): Component {
  if (typeof queue.value !== "number") return queue;
  const { queueDegraded, queueCritical } = evidence;
  const byDepth: Level = queue.value > queueCritical
    ? "critical"
    : queue.value >= queueDegraded
    ? "degraded"
    : "healthy";
  return { ...queue, status: worse(queue.status, byDepth), threshold: queueDegraded };
}

/**
 * A collector that is silent or absent stays a fault: it must be there when the market opens. One that
 * was stopped is none, and its last word of ticks holds no more of a closed market than a running one's.
 */
function judgedTicks(ticks: Component, evidence: Evidence): Component {
  const collectors = evidence.programs.filter(({ program }) => program === "collector");
  const isCaptured = collectors.length > 0 && collectors.every(({ state }) => state !== "silent");
  return isCaptured ? judgeTicksOfClosedMarket(ticks, evidence) : ticks;
}

/**
 * In a closed market no tick is no fault; only real feeds keep the market's hours. Who knows the
 * calendars of the symbols has judged by them; for all others the FX week counts.
 */
export function judgeTicksOfClosedMarket(
  ticks: Component,
  { kind, utcMs }: { kind: DataKind; utcMs: number },
): Component {
  if (kind !== "raw" || ticks.market !== undefined || FX.isOpen(utcMs)) return ticks;
  return whileClosed(ticks, FX.nextOpen(utcMs));
}

function iso(utcMs: number): string {
  return new Date(utcMs).toISOString().replace(/\.000Z$/, "Z");
}
