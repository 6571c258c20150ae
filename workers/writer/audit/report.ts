import type { TickAudit } from "./audit_record.ts";

export const auditUsage = `Compares a day's tick files with the vendor's history of that day.

  deno task audit [--date 2025-12-22] [--symbols EURUSD,XAUUSD] [--json] [--dry-run]

  --date DAY      the UTC day; yesterday by default
  --symbols LIST  separated by commas; by default all that have a file of that day
  --json          the audits as JSON, one a line
  --dry-run       compares, and writes neither ticks nor a record
  --help          this text

What the files lack goes to the day's next part; a sealed file is never changed. The record lies in
metadata/ingestion_logs/<day>…_TICK_AUDIT.json. Exit code: 0 everything equal or healed; 1 the vendor
tells something otherwise, or a day could not be compared; 2 unusable arguments or folder; 3 no bridge.`;

const HEADER = [
  "symbol",
  "captured",
  "missed",
  "added",
  "removed",
  "rewritten",
  "written",
  "result",
];

/** A table with a line for each symbol, and what there is to say below it. */
export function auditText(audits: readonly TickAudit[]): string {
  const lines = audits.map((audit) => [
    audit.symbol,
    ...[audit.captured, audit.missed, audit.added_later, audit.removed, audit.rewritten]
      .map((count) => audit.outcome === "compared" ? String(count) : "-"),
    String(audit.written?.rows ?? 0),
    audit.outcome === "compared" ? wordOf(audit) : "not possible",
  ]);
  const widths = HEADER.map((_, column) =>
    Math.max(...[HEADER, ...lines].map((line) => line[column]?.length ?? 0))
  );
  const table = [HEADER, ...lines].map((line) =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  );
  const said = audits.flatMap(({ symbol, reason }) =>
    reason === null ? [] : `${symbol}: ${reason}`
  );
  return [...table, ...said].join("\n");
}

function wordOf({ removed, rewritten, unwritten, written }: TickAudit): string {
  if (unwritten > 0) return `${unwritten} not written`;
  if (removed + rewritten > 0) return "differs";
  return written === null ? "equal" : "healed";
}

/** Whether nothing is left to look at. */
export function isGood(audit: TickAudit): boolean {
  return audit.outcome === "compared" && audit.status === "SUCCESS";
}
