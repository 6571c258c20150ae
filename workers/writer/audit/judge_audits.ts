import type { Level } from "../../../lib/log/channel.ts";
import type { TickAudit } from "./audit_record.ts";

/** At most so many symbols by name. */
const MOST_NAMED = 3;

/**
 * What audits say of the data's quality, of each symbol the newest one; undefined when there is none.
 * What was healed is healthy, and said; so is a day that could not be compared, for it says nothing of
 * the data.
 */
export function judgeAudits(
  audits: readonly TickAudit[],
): { readonly status: Level; readonly message: string } | undefined {
  const newest = new Map<string, TickAudit>();
  for (const audit of audits) {
    if (audit.day >= (newest.get(audit.symbol)?.day ?? "")) newest.set(audit.symbol, audit);
  }
  if (newest.size === 0) return undefined;
  const all = [...newest.values()];
  const compared = all.filter(({ outcome }) => outcome === "compared");
  const healed = compared.filter(({ written }) => written !== null);
  const differing = compared.filter(({ removed, rewritten }) => removed + rewritten > 0);
  const unwritten = compared.filter((audit) => audit.unwritten > 0);
  const impossible = all.filter(({ outcome }) => outcome !== "compared");
  const day = all.map((audit) => audit.day).sort().at(-1);
  const said = [
    `audit of ${day}: ${compared.length} of ${all.length} symbols compared`,
    ...told(healed, (audit) => `${audit.written?.rows} ticks added`),
    ...told(
      differing,
      ({ removed, rewritten }) => `the vendor removed ${removed} and rewrote ${rewritten} ticks`,
    ),
    ...told(unwritten, (audit) => `${audit.unwritten} ticks could not be added`),
    ...told(impossible, ({ reason }) => reason ?? "not possible"),
  ];
  const isGood = differing.length + unwritten.length === 0;
  if (!isGood) said.push("which: metadata/ingestion_logs/*_TICK_AUDIT.json");
  return { status: isGood ? "healthy" : "degraded", message: said.join("; ") };
}

function told(audits: readonly TickAudit[], what: (audit: TickAudit) => string): string[] {
  const named = audits.slice(0, MOST_NAMED).map((audit) => `${audit.symbol}: ${what(audit)}`);
  const more = audits.length - named.length;
  return more > 0 ? [...named, `and ${more} more like it`] : named;
}
