/** Seals 22 December 2025 of EURUSD. Arguments: folder, fail point. */
import { dayOf } from "../../../lib/capture/day_path.ts";
import { sealDay } from "../../../lib/capture/seal.ts";
import { armFailPoint } from "../../../lib/program/fail_point.ts";

const [dataDir = "", failPoint = ""] = Deno.args;
armFailPoint(failPoint);
const day = dayOf(Date.UTC(2025, 11, 22));
await sealDay(dataDir, { symbol: "EURUSD", market: "fx", day }, { watermarkMs: 0, gaps: [] });
