/** Chains the manifests that are named. Arguments: folder, fail point or "", names. */
import { chainManifest } from "../../../lib/capture/chain.ts";
import { armFailPoint } from "../../../lib/program/fail_point.ts";

const [dataDir = "", failPoint = "", ...names] = Deno.args;
armFailPoint(failPoint === "" ? undefined : failPoint);
for (const cycle_id of names) {
  await chainManifest(dataDir, { symbol: "EURUSD", timeframe: "1H" }, (previous) => ({
    cycle_id,
    facts: `of ${cycle_id}`,
    written_at: new Date().toISOString(),
    previous,
  }));
}
