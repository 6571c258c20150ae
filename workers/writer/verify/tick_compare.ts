import type { DayScan } from "../../../lib/capture/day_scan.ts";
import type { Manifest } from "../../../lib/capture/manifest.ts";
import { formatId } from "../../../lib/market/tick_id.ts";

const HOUR_MS = 3_600_000;

/** What a reading of a sealed tick file found that is not as its manifest says. */
export function compareScan(scan: DayScan, manifest: Manifest | undefined): string[] {
  const found: string[] = [];
  if (scan.damage !== undefined) found.push(`after byte ${scan.goodBytes}: ${scan.damage}`);
  else if (scan.rows === 0) found.push("it has no rows");
  const file = manifest?.files[0];
  if (manifest === undefined || file === undefined) return found;
  const differ = (name: string, actual: string | number, expected: string | number) => {
    if (actual !== expected) found.push(`${name} ${actual}, in the manifest ${expected}`);
  };
  differ("bytes", scan.fileBytes, file.bytes);
  differ("rows", scan.rows, file.rows);
  differ("first id", formatId(scan.firstId), file.first_id);
  differ("last id", formatId(scan.lastId), file.last_id);
  // The rest is of all rows; where not all are good, the damage is named above.
  if (scan.damage !== undefined) return found;
  differ("sha256", scan.sha256, file.sha256);
  differ("late ticks", scan.lateRows, manifest.late_ticks);
  const offsets = scan.offsetsMs.map((ms) => ms / HOUR_MS).join(" ");
  differ("offsets in hours", offsets, manifest.broker_utc_offsets_hours.join(" "));
  // Before there were chains the rows of a gap were not counted always.
  if (manifest.previous === undefined) return found;
  for (const [index, { from_utc, rows }] of manifest.gaps.entries()) {
    differ(`rows in the gap of ${from_utc}`, scan.rowsIn[index] ?? 0, rows);
  }
  return found;
}

/** What the length alone tells. */
export function compareSize(bytes: number, { files: [file] }: Manifest): string[] {
  return file === undefined || file.bytes === bytes
    ? []
    : [`bytes ${bytes}, in the manifest ${file.bytes}`];
}
