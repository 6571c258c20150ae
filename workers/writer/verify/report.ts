import type { Difference } from "./difference.ts";
import type { Progress } from "./verify_options.ts";
import type { Verification } from "./verifying.ts";

/** Notes are worth knowing and no differences. */
export function isDifference({ severity }: Difference): boolean {
  return severity !== "note";
}

const HEADER = "severity  file and what";

/** A table for a person, for 80 columns: how bad and which file, and below each file what. */
export function reportText({ differences, ...counted }: Verification, dataDir: string): string {
  const rows = Map.groupBy(differences, ({ path, severity }) => `${severity.padEnd(9)} ${path}`);
  const lines = [...rows].flatMap(([file, ofFile]) => [
    file,
    ...ofFile.map(({ what }) => `${" ".repeat(12)}${shown(what)}`),
  ]);
  if (lines.length > 0) lines.unshift(HEADER);
  const count = differences.filter(isDifference).length;
  const { files, rows: ticks, bars, manifests } = counted;
  return [
    ...lines,
    `${dataDir}: ${files} files, ${ticks} ticks, ${bars} bars, ${manifests} manifests; ` +
    `${count} ${count === 1 ? "difference" : "differences"}`,
  ].join("\n");
}

/** The fields of `Verification` beside `data_dir` and `difference_count`; hashes whole. */
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

/** The beginning of a hash tells it from others, and damage in a file is no order to a terminal. */
function shown(what: string): string {
  return what.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…")
    // deno-lint-ignore no-control-regex -- those are meant
    .replace(/[\x00-\x1f\x7f]+/g, "?");
}
