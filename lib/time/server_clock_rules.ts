import type { ServerZone } from "../bridge/feed.ts";
import { formatServerZone } from "./server_zone.ts";

/** Rules that a server's clock may follow, told apart by what they do and not by their names. */

const HOUR_MS = 3_600_000;
const HALF_HOUR_MS = HOUR_MS / 2;
const YEAR_MS = 365.25 * 24 * HOUR_MS;
const LEAST_OFFSET_HOURS = -12;
const MOST_OFFSET_HOURS = 14;

/** A time within which rules are compared; beyond it they count as going on alike. */
export interface Horizon {
  readonly fromUtcMs: number;
  readonly toUtcMs: number;
}

/** What a rule does within the horizon, by the preferred of its names. */
export interface Behaviour {
  readonly name: string;
  readonly zone: ServerZone;
  /** When each offset begins; the first holds before it as well. */
  readonly fromUtcMs: readonly number[];
  readonly offsetsMs: readonly number[];
}

export function horizonOf(nowUtcMs: number): Horizon {
  return { fromUtcMs: nowUtcMs - 8 * YEAR_MS, toUtcMs: nowUtcMs + 2 * YEAR_MS };
}

/** What brokers use: New York's or Europe's summer time at any offset, or none. Preferred first. */
export function defaultCandidates(): ServerZone[] {
  return [
    ...shiftsOf("America/New_York", { standardHours: -5 }),
    ...shiftsOf("Europe/Athens", { standardHours: 2 }),
    ...shiftsOf("UTC", { standardHours: 0 }),
  ];
}

function shiftsOf(zone: string, { standardHours }: { standardHours: number }): ServerZone[] {
  const shifts: ServerZone[] = [];
  for (let hours = LEAST_OFFSET_HOURS; hours <= MOST_OFFSET_HOURS; hours += 0.5) {
    shifts.push({ zone, shiftMs: (hours - standardHours) * HOUR_MS });
  }
  return shifts;
}

/**
 * Every zone there is, shifted by half hours so that it shows an offset at a time: for servers that
 * none of the usual candidates explains.
 */
export function worldCandidates(offsetMs: number, utcMs: number): ServerZone[] {
  const candidates: ServerZone[] = [];
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    const shiftMs = offsetMs - offsetNow(zone, utcMs);
    if (shiftMs % HALF_HOUR_MS === 0) candidates.push({ zone, shiftMs });
  }
  return candidates;
}

/** Rules that do the same are one behaviour, by the name that comes first. */
export function behavioursOf(candidates: readonly ServerZone[], horizon: Horizon): Behaviour[] {
  const byWhatItDoes = new Map<string, Behaviour>();
  const zones = new Map<string, Offsets>();
  for (const zone of candidates) {
    const unshifted = zones.get(zone.zone) ?? offsetsOf(zone.zone, horizon);
    zones.set(zone.zone, unshifted);
    const offsetsMs = unshifted.offsetsMs.map((offsetMs) => offsetMs + zone.shiftMs);
    const key = `${unshifted.fromUtcMs} ${offsetsMs}`;
    if (byWhatItDoes.has(key)) continue;
    const { fromUtcMs } = unshifted;
    byWhatItDoes.set(key, { name: formatServerZone(zone), zone, fromUtcMs, offsetsMs });
  }
  return [...byWhatItDoes.values()];
}

/** Server clock minus UTC. */
export function offsetAt({ fromUtcMs, offsetsMs }: Behaviour, utcMs: number): number {
  let at = fromUtcMs.length - 1;
  while (at > 0 && utcMs < (fromUtcMs[at] ?? -Infinity)) at--;
  return offsetsMs[at] ?? 0;
}

/**
 * The time around `utcMs` in which all agree, ends as in `ServerClock`; undefined where they do not.
 * It begins late enough that no server time in it has another reading under another rule.
 */
export function agreementAt(
  rules: readonly Behaviour[],
  utcMs: number,
): { readonly fromUtcMs: number; readonly untilUtcMs: number } | undefined {
  const agree = (ms: number) => new Set(rules.map((rule) => offsetAt(rule, ms))).size === 1;
  if (!agree(utcMs)) return undefined;
  const changes = [...new Set(rules.flatMap((rule) => rule.fromUtcMs.slice(1)))]
    .sort((a, b) => a - b);
  const untilUtcMs = changes.find((change) => change > utcMs && !agree(change)) ?? Infinity;
  const parted = changes.findLast((change) => change <= utcMs && !agree(change - 1));
  if (parted === undefined) return { fromUtcMs: -Infinity, untilUtcMs };
  const shownBefore = Math.max(...rules.map((rule) => offsetAt(rule, parted - 1)));
  const shownAfter = Math.max(...rules.map((rule) => offsetAt(rule, parted)));
  return { fromUtcMs: parted + Math.max(0, shownBefore - shownAfter), untilUtcMs };
}

interface Offsets {
  readonly fromUtcMs: readonly number[];
  readonly offsetsMs: readonly number[];
}

function offsetsOf(zone: string, { fromUtcMs, toUtcMs }: Horizon): Offsets {
  let here: Temporal.ZonedDateTime | null = zoned(zone, fromUtcMs);
  const from = [fromUtcMs];
  const offsetsMs = [here.offsetNanoseconds / 1e6];
  while ((here = here.getTimeZoneTransition("next")) !== null) {
    if (here.epochMilliseconds > toUtcMs) break;
    from.push(here.epochMilliseconds);
    offsetsMs.push(here.offsetNanoseconds / 1e6);
  }
  return { fromUtcMs: from, offsetsMs };
}

function offsetNow(zone: string, utcMs: number): number {
  return zoned(zone, utcMs).offsetNanoseconds / 1e6;
}

function zoned(zone: string, utcMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(utcMs)).toZonedDateTimeISO(zone);
}
