/** Stores hours of EURUSD again and again. Arguments: folder, fail point or "", JSON of calls. */
import { armFailPoint } from "../../../../lib/program/fail_point.ts";
import { hours, record, store } from "./series.ts";

const [dataDir = "", failPoint = "", calls = "[]"] = Deno.args;
armFailPoint(failPoint === "" ? undefined : failPoint);
for (const { from, to, close, nowHour } of JSON.parse(calls)) {
  const stored = await store(dataDir, { bars: hours(from, to, { close }), nowHour });
  await record(dataDir, stored);
}
