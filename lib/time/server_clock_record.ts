import { z } from "zod";
import type { OffsetRun } from "./live_offset.ts";
import { parseServerZone } from "./server_zone.ts";
import { closeBefore, type WeekTurn } from "./week_turns.ts";
import { nextFxWeekOpen } from "./fx_week.ts";

/** One server's entry in the ledger's file: times as ISO text, offsets in hours, and back. */

const HOUR_MS = 3_600_000;

/** A rule that was, or is, applied; what began earlier is never changed again. */
export interface Interval {
  readonly fromUtcMs: number;
  /** Infinity for the one of now. */
  readonly toUtcMs: number;
  /** What times are converted by; the preferred one while several survive. */
  readonly rule: string;
  readonly survivors: readonly string[];
  /** From when on the survivors agree; -Infinity: ever. */
  readonly knownFromUtcMs: number;
  readonly source: "learned" | "override" | "stated";
  /** Why, in numbers, for who reads the file. */
  readonly evidence: z.infer<typeof evidenceSchema>;
}

/** Evidence that no surviving rule explains. */
export interface Contradiction {
  /** Live ticks show another offset, or the weeks' turns speak against the live ticks. */
  readonly by: "live" | "weeks";
  readonly sinceUtcMs: number;
  /** What the ticks show instead, and since when. */
  readonly seenOffsetMs: number | undefined;
  readonly seenSinceUtcMs: number;
}

export interface ClockRecord {
  readonly intervals: readonly Interval[];
  readonly contradiction: Contradiction | undefined;
  /** Evidence before this belongs to an earlier rule. */
  readonly evidenceFromUtcMs: number;
  readonly runs: readonly OffsetRun[];
  readonly turns: readonly WeekTurn[];
  readonly survivors: readonly string[];
}

const time = z.iso.datetime().transform((text) => Date.parse(text));
const rule = z.string().refine((text) => {
  try {
    return parseServerZone(text) !== undefined;
  } catch {
    return false;
  }
}, "expected a server clock such as America/New_York+7h");
const evidenceSchema = z.object({
  samples: z.number().int(),
  residual_seconds: z.tuple([z.number(), z.number()]).nullable(),
  weeks: z.number().int(),
  votes: z.array(z.object({
    turn: z.enum(["open", "close"]),
    winner: z.string(),
    loser: z.string(),
    weeks_for: z.number().int(),
    weeks_against: z.number().int(),
  })),
});
const turnsByMonth = z.record(
  z.string().regex(/^\d{4}-\d\d$/),
  z.array(z.number().nullable()).max(5),
);
export const recordSchema = z.object({
  intervals: z.array(z.object({
    from_utc: time,
    to_utc: time.nullable(),
    rule,
    survivors: z.array(rule),
    known_from_utc: time.nullable(),
    source: z.enum(["learned", "override", "stated"]),
    evidence: evidenceSchema,
  })),
  contradiction: z.object({
    by: z.enum(["live", "weeks"]),
    since_utc: time,
    seen_offset_hours: z.number().nullable(),
    seen_since_utc: time,
  }).nullable(),
  evidence_from_utc: time.nullable(),
  survivors: z.array(z.string()),
  observed: z.array(z.object({
    offset_hours: z.number(),
    from_utc: time,
    to_utc: time,
    samples: z.number().int(),
    residual_seconds: z.tuple([z.number(), z.number()]),
  })),
  /** By month, one number for each Sunday: the offset in hours that the first bar's label says. */
  week_opens: turnsByMonth,
  /** The same of the last bar before the weekend, by the Sunday that follows. */
  week_closes: turnsByMonth,
});

export function toRecord(entry: z.infer<typeof recordSchema>): ClockRecord {
  const { contradiction } = entry;
  return {
    intervals: entry.intervals.map((interval) => ({
      fromUtcMs: interval.from_utc,
      toUtcMs: interval.to_utc ?? Infinity,
      rule: interval.rule,
      survivors: interval.survivors,
      knownFromUtcMs: interval.known_from_utc ?? -Infinity,
      source: interval.source,
      evidence: interval.evidence,
    })),
    contradiction: contradiction === null ? undefined : {
      by: contradiction.by,
      sinceUtcMs: contradiction.since_utc,
      seenOffsetMs: contradiction.seen_offset_hours === null
        ? undefined
        : contradiction.seen_offset_hours * HOUR_MS,
      seenSinceUtcMs: contradiction.seen_since_utc,
    },
    evidenceFromUtcMs: entry.evidence_from_utc ?? -Infinity,
    survivors: entry.survivors,
    runs: entry.observed.map((run) => ({
      offsetMs: run.offset_hours * HOUR_MS,
      fromUtcMs: run.from_utc,
      toUtcMs: run.to_utc,
      samples: run.samples,
      leastResidualMs: run.residual_seconds[0] * 1000,
      mostResidualMs: run.residual_seconds[1] * 1000,
    })),
    turns: fromMonths(entry.week_opens, entry.week_closes),
  };
}

export function fromRecord(record: ClockRecord): z.input<typeof recordSchema> {
  const { contradiction } = record;
  return {
    intervals: record.intervals.map((interval) => ({
      from_utc: iso(interval.fromUtcMs),
      to_utc: isoOrNull(interval.toUtcMs),
      rule: interval.rule,
      survivors: [...interval.survivors],
      known_from_utc: isoOrNull(interval.knownFromUtcMs),
      source: interval.source,
      evidence: interval.evidence,
    })),
    contradiction: contradiction === undefined ? null : {
      by: contradiction.by,
      since_utc: iso(contradiction.sinceUtcMs),
      seen_offset_hours: contradiction.seenOffsetMs === undefined
        ? null
        : contradiction.seenOffsetMs / HOUR_MS,
      seen_since_utc: iso(contradiction.seenSinceUtcMs),
    },
    evidence_from_utc: isoOrNull(record.evidenceFromUtcMs),
    survivors: [...record.survivors],
    observed: record.runs.map((run) => ({
      offset_hours: run.offsetMs / HOUR_MS,
      from_utc: iso(run.fromUtcMs),
      to_utc: iso(run.toUtcMs),
      samples: run.samples,
      residual_seconds: [run.leastResidualMs / 1000, run.mostResidualMs / 1000],
    })),
    week_opens: toMonths(record.turns, ({ openOffsetMs }) => openOffsetMs),
    week_closes: toMonths(record.turns, ({ closeOffsetMs }) => closeOffsetMs),
  };
}

type Months = Record<string, (number | null)[]>;

export function toMonths(
  turns: readonly WeekTurn[],
  offsetOf: (turn: WeekTurn) => number | undefined,
): Months {
  const months: Months = {};
  for (const turn of turns) {
    const date = new Date(turn.openUtcMs);
    const sundays = months[date.toISOString().slice(0, 7)] ??= [];
    const sunday = Math.floor((date.getUTCDate() - 1) / 7);
    while (sundays.length < sunday) sundays.push(null);
    const offsetMs = offsetOf(turn);
    sundays[sunday] = offsetMs === undefined ? null : offsetMs / HOUR_MS;
  }
  return months;
}

function fromMonths(opens: Months, closes: Months): WeekTurn[] {
  const months = new Set([...Object.keys(opens), ...Object.keys(closes)]);
  return [...months].sort().flatMap((month) =>
    [0, 1, 2, 3, 4].flatMap((sunday) => {
      const openHours = opens[month]?.[sunday] ?? undefined;
      const closeHours = closes[month]?.[sunday] ?? undefined;
      if (openHours === undefined && closeHours === undefined) return [];
      // The first opening after the days of the month before this Sunday's week.
      const dayMs = Date.parse(`${month}-01T00:00:00Z`) + sunday * 7 * 24 * HOUR_MS;
      const openUtcMs = nextFxWeekOpen(dayMs - 1);
      return [{
        openUtcMs,
        closeUtcMs: closeBefore(openUtcMs),
        openOffsetMs: openHours === undefined ? undefined : openHours * HOUR_MS,
        closeOffsetMs: closeHours === undefined ? undefined : closeHours * HOUR_MS,
      }];
    })
  );
}

function iso(utcMs: number): string {
  return new Date(utcMs).toISOString();
}

function isoOrNull(utcMs: number): string | null {
  return Number.isFinite(utcMs) ? iso(utcMs) : null;
}
