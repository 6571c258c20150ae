import type { ServerZone } from "../bridge/feed.ts";

/**
 * Between a server's clock and UTC. Server time is the wall clock of a zone, moved by a shift; both
 * are ms since 1970. At a change of the clock:
 * - an hour that happens twice: its server times are read as the first of the two;
 * - an hour that does not happen: its server times are read with the offset from before the change,
 *   so that 02:30 in a spring gap of one hour is the same instant as 03:30.
 */

export const UTC: ServerZone = { zone: "UTC", shiftMs: 0 };

/** A stretch of time with one offset. `to…` ends are exclusive. */
interface Span {
  readonly zone: string;
  /** Zone wall clock minus UTC. */
  readonly offsetMs: number;
  readonly fromUtcMs: number;
  readonly toUtcMs: number;
  /** The wall times that are read with this offset: see the rule above. */
  readonly fromWallMs: number;
  readonly toWallMs: number;
}

const HOUR_MS = 3_600_000;
/** Two spans a year and zone: longer than any recording that is read at random. */
const MAX_SPANS_PER_ZONE = 256;

const spansByZone = new Map<string, Span[]>();
/** The span of the previous call: ticks come by the thousand from one. */
let recent: Span = { ...spanOf("UTC", 0) };
/** The one before: a calendar and a server's clock are asked in turn. */
let earlier = recent;

/** @throws RangeError when the zone has no such name. */
export function toUtcMs(serverMs: number, clock: ServerZone): number {
  const wallMs = serverMs - clock.shiftMs;
  if (!holdsWall(recent, clock.zone, wallMs)) {
    [recent, earlier] = [earlier, recent];
    if (!holdsWall(recent, clock.zone, wallMs)) recent = spanAtWall(clock.zone, wallMs);
  }
  return wallMs - recent.offsetMs;
}

/** @throws RangeError when the zone has no such name. */
export function toServerMs(utcMs: number, clock: ServerZone): number {
  if (!holds(recent, clock.zone, utcMs)) {
    [recent, earlier] = [earlier, recent];
    if (!holds(recent, clock.zone, utcMs)) recent = spanAt(clock.zone, utcMs);
  }
  return utcMs + recent.offsetMs + clock.shiftMs;
}

/** `America/New_York+7h`, `Europe/Athens`, `Etc/GMT+5`, `UTC-0.5h`: a zone, and hours with an `h`. */
export function parseServerZone(text: string): ServerZone {
  const match = /^(?<zone>[A-Za-z][A-Za-z0-9_/+-]*?)(?:(?<hours>[+-]\d{1,2}(?:\.\d+)?)h)?$/.exec(
    text,
  );
  const zone = match?.groups?.zone;
  if (zone === undefined) throw notAZone(text);
  try {
    spanAt(zone, 0);
  } catch (cause) {
    throw notAZone(text, cause);
  }
  return { zone, shiftMs: Math.round(Number(match?.groups?.hours ?? 0) * HOUR_MS) };
}

/** The text that `parseServerZone` reads. */
export function formatServerZone({ zone, shiftMs }: ServerZone): string {
  if (shiftMs === 0) return zone;
  return `${zone}${shiftMs > 0 ? "+" : ""}${shiftMs / HOUR_MS}h`;
}

function holds(span: Span, zone: string, utcMs: number): boolean {
  return utcMs >= span.fromUtcMs && utcMs < span.toUtcMs && span.zone === zone;
}

function holdsWall(span: Span, zone: string, wallMs: number): boolean {
  return wallMs >= span.fromWallMs && wallMs < span.toWallMs && span.zone === zone;
}

function notAZone(text: string, cause?: unknown): RangeError {
  return new RangeError(
    `Cannot read a server clock as <IANA zone>[±<hours>h]: current value is ${
      JSON.stringify(text)
    }`,
    { cause },
  );
}

function spanAtWall(zone: string, wallMs: number): Span {
  const known = spansByZone.get(zone)?.find((span) =>
    wallMs >= span.fromWallMs && wallMs < span.toWallMs
  );
  if (known !== undefined) return known;
  // No offset exceeds a day, so the span is at most one change away from here.
  let span = spanAt(zone, wallMs);
  while (wallMs < span.fromWallMs) span = spanAt(zone, span.fromUtcMs - 1);
  while (wallMs >= span.toWallMs) span = spanAt(zone, span.toUtcMs);
  return span;
}

function spanAt(zone: string, utcMs: number): Span {
  const spans = spansByZone.get(zone) ?? [];
  const known = spans.find((span) => utcMs >= span.fromUtcMs && utcMs < span.toUtcMs);
  if (known !== undefined) return known;
  const span = spanOf(zone, utcMs);
  if (spans.length >= MAX_SPANS_PER_ZONE) spans.shift();
  spans.push(span);
  spansByZone.set(zone, spans);
  return span;
}

function spanOf(zone: string, utcMs: number): Span {
  const here = Temporal.Instant.fromEpochMilliseconds(Math.floor(utcMs)).toZonedDateTimeISO(zone);
  const offsetMs = offsetOf(here);
  const next = here.getTimeZoneTransition("next");
  // "previous" looks strictly before, and a change belongs to the span that it begins.
  const previous = here.add({ nanoseconds: 1 }).getTimeZoneTransition("previous");
  const fromUtcMs = previous?.epochMilliseconds ?? -Infinity;
  const toUtcMs = next?.epochMilliseconds ?? Infinity;
  const before = previous === null ? offsetMs : offsetOf(previous.subtract({ nanoseconds: 1 }));
  const after = next === null ? offsetMs : offsetOf(next);
  return {
    zone,
    offsetMs,
    fromUtcMs,
    toUtcMs,
    fromWallMs: fromUtcMs + Math.max(before, offsetMs),
    toWallMs: toUtcMs + Math.max(offsetMs, after),
  };
}

function offsetOf(time: Temporal.ZonedDateTime): number {
  return time.offsetNanoseconds / 1e6;
}
