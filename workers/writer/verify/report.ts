import type { Difference } from "./difference.ts";
import type { Progress } from "./verify_options.ts";
import type { Verification } from "./verifying.ts";

/** Notes are worth knowing and no differences. */
export function isDifference({ severity }: Difference): boolean {
  return severity !== "note";
}

/** A table for a person: file, how bad, what. */
export function reportText({ differences, ...counted }: Verification, dataDir: string): string {
  const rows = differences.map(({ path, severity, what }) => [path, severity, what] as const);
  const pathWidth = widest(rows.map(([path]) => path), "file");
  const severityWidth = widest(rows.map(([, severity]) => severity), "severity");
  const table = rows.length === 0 ? [] : [["file", "severity", "what"] as const, ...rows];
  const lines = table.map(([path, severity, what]) =>
    `${path.padEnd(pathWidth)}  ${severity.padEnd(severityWidth)}  ${what}`
  );
  const count = differences.filter(isDifference).length;
  const { files, rows: ticks, bars, manifests } = counted;
  return [
    ...lines,
    `${dataDir}: ${files} files, ${ticks} ticks, ${bars} bars, ${manifests} manifests; ` +
    `${count} ${count === 1 ? "difference" : "differences"}`,
  ].join("\n");
}

export function reportJson(verification: Verification, dataDir: string): string {
  const differences = verification.differences.filter(isDifference).length;
  return JSON.stringify(
    { data_dir: dataDir, ...verification, difference_count: differences },
    null,
    2,
  );
}

export function progressText({ series, ofSeries, files, bytes }: Progress): string {
  return `${series} of ${ofSeries} series, ${files} files, ${(bytes / 1e6).toFixed(0)} MB`;
}

function widest(texts: readonly string[], header: string): number {
  return texts.reduce((width, { length }) => Math.max(width, length), header.length);
}
