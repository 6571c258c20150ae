import { addTicks } from "../../../../lib/capture/additions/add_ticks.ts";
import { armFailPoint } from "../../../../lib/program/fail_point.ts";
import { at, FEED, LATER_MS, OF_DAY, stamped } from "./day_rig.ts";

/** Adds 100 ticks to a data folder and dies at a fail point: `add_child.ts <folder> <point>`. */
const [dataDir = "", point] = Deno.args;
armFailPoint(point);
const ticks = stamped(Array.from({ length: 100 }, (_, index) => at(index * 500)));
await addTicks(dataDir, { ...OF_DAY, ticks, origin: "history", feed: FEED, nowMs: LATER_MS });
