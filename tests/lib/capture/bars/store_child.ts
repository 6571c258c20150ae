/** Stores hours of EURUSD again and again. Arguments: folder, fail point or "", JSON of calls. */
import { armFailPoint } from "../../../../lib/program/fail_point.ts";
import { hours, record, store } from "./series.ts";

const [dataDir = "", failPoint = "", calls = "[]"] = Deno.args;
armFailPoint(failPoint === "" ? undefined : failPoint);
for (const { from, to, leftOut = [], close, nowHour } of JSON.parse(calls)) {
  const bars = hours(from, to, { close }).filter((_, index) => !leftOut.includes(from + index));
  const stored = await store(dataDir, { bars, nowHour });
  await record(dataDir, stored);
}
