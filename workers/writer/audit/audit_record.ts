import { z } from "zod";
import { type Day, dayName, manifestPath } from "../../../lib/capture/day_path.ts";
import { syncFolder, writeDurably } from "../../../lib/capture/durable_file.ts";
import { readIfThere } from "../../../lib/capture/source_registry.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";

const count = z.number().int();
/** Absent values are null. */
const price = z.number().nullable();

const tickSchema = z.object({
  timestamp_utc: z.string(),
  server_ms: count,
  bid: price,
  ask: price,
  last: price,
  volume: price,
  flags: count,
  /** Of a row in a file. */
  id: z.string().optional(),
});

const countsSchema = z.object({
  /** Ticks that the vendor's history had of the day when it was read. */
  vendor_ticks: count,
  /** Ticks of the day that the files held before the audit. */
  held_ticks: count,
  /** The vendor and the files have them. */
  captured: count,
  /** The vendor has them, and no feed was heard then: a recorded gap. */
  missed: count,
  /** The vendor has them now, and the feed was up. */
  added_later: count,
  /** The files have them, and the vendor no more. */
  removed: count,
  /** Of one server ms, and told otherwise now. */
  rewritten: count,
  /** The vendor's ticks without a price, which capture refuses too. */
  impossible: count,
});

const outcomeSchema = z.enum(["compared", "not possible"]);

/** What a comparison of the files of a day with the vendor's history of it found. */
const auditSchema = z.object({
  audit_id: z.string(),
  symbol: z.string(),
  day: z.string(),
  /** `vendor:server:raw name`; null where no file tells it. */
  feed: z.string().nullable(),
  outcome: outcomeSchema,
  /** Why it was not possible, or what to know of a comparison; null when there is nothing to say. */
  reason: z.string().nullable(),
  /** `SUCCESS`: equal, or healed. */
  status: z.enum(["SUCCESS", "PARTIAL", "FAILED"]),
  audited_at: z.string(),
  /** How often the vendor was asked: twice where it first had far less than the files. */
  readings: count,
  ...countsSchema.shape,
  /** Missed and added ticks that are in no file. */
  unwritten: count,
  /** What was written, and where to. */
  written: z.object({ path: z.string(), rows: count, sha256: z.string() }).nullable(),
  /** At most twenty of each. */
  examples: z.object({
    missed: z.array(tickSchema),
    added_later: z.array(tickSchema),
    removed: z.array(tickSchema),
    rewritten: z.array(z.object({ vendor: tickSchema, held: tickSchema })),
  }),
  /** The files that were compared, as they were. */
  files: z.array(z.object({ path: z.string(), sha256: z.string().nullable() })),
  /** Earlier audits of the day, newest first. */
  earlier: z.array(z.object({
    audited_at: z.string(),
    outcome: outcomeSchema,
    ...countsSchema.shape,
    written: z.string().nullable(),
  })),
});

export type TickAudit = z.infer<typeof auditSchema>;
export type AuditTick = z.infer<typeof tickSchema>;
export type AuditCounts = z.infer<typeof countsSchema>;

export const NO_COUNTS: AuditCounts = {
  ...{ vendor_ticks: 0, held_ticks: 0, captured: 0, missed: 0, added_later: 0 },
  ...{ removed: 0, rewritten: 0, impossible: 0 },
};

/** An audit every night for a month is remembered in full. */
const MOST_EARLIER = 30;

export function auditId(symbol: string, day: Day): string {
  return `${dayName(day)}T000000Z_${symbolFolder(symbol)}_TICK_AUDIT`;
}

/** `undefined` when the day was not audited. @throws SyntaxError when the file is none of these. */
export async function readAudit(
  dataDir: string,
  symbol: string,
  day: Day,
): Promise<TickAudit | undefined> {
  const path = `${dataDir}/${manifestPath(auditId(symbol, day))}`;
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return auditSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as an audit: current length is ${text.length}`,
      { cause },
    );
  }
}

/** Writes it beside the manifests, in the place of the one before, which it remembers in short. */
export async function writeAudit(dataDir: string, audit: TickAudit, day: Day): Promise<void> {
  const before = await readAudit(dataDir, audit.symbol, day).catch(() => undefined);
  const earlier = before === undefined ? [] : [shortOf(before), ...before.earlier];
  const path = `${dataDir}/${manifestPath(audit.audit_id)}`;
  const folder = path.slice(0, path.lastIndexOf("/"));
  await Deno.mkdir(folder, { recursive: true });
  const whole = { ...audit, earlier: earlier.slice(0, MOST_EARLIER) };
  await writeDurably(path, `${JSON.stringify(whole, null, 2)}\n`);
  await syncFolder(folder);
}

function shortOf(audit: TickAudit): TickAudit["earlier"][number] {
  const { audited_at, outcome, written } = audit;
  return { ...countsSchema.parse(audit), audited_at, outcome, written: written?.path ?? null };
}
