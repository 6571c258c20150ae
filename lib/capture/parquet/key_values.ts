import type { Proof } from "./proof.ts";

/** What a copy says of itself in its footer; all begin with `arbitrex.`. */
export function keyValuesOf(
  { cycleId, manifestSha256, symbol, timeframe, csvSha256 }: Proof,
  { rows, sortedBy }: { rows: number; sortedBy: readonly string[] },
): Map<string, string> {
  return new Map([
    ["arbitrex.symbol", symbol],
    ["arbitrex.timeframe", timeframe],
    ["arbitrex.cycle_id", cycleId],
    ["arbitrex.manifest_sha256", manifestSha256],
    ["arbitrex.csv_sha256", csvSha256],
    ["arbitrex.rows", String(rows)],
    ["arbitrex.sorted_by", sortedBy.join(",")],
  ]);
}
