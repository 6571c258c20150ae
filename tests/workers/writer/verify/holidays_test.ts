import assert from "node:assert/strict";
import type { BarCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import { DAY_MS, dayOf } from "../../../../lib/capture/day_path.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { FX } from "../../../../lib/time/calendar/calendars.ts";
import { missingBars } from "../../../../workers/writer/verify/bar_gaps.ts";
import { Findings } from "../../../../workers/writer/verify/difference.ts";
import { Silence } from "../../../../workers/writer/verify/silence.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

const HOUR_MS = 3_600_000;

Deno.test("a silence of Christmas is a note, what is silent beyond it a gap", async () => {
  await using folder = await tempFolder();
  const silence = new Silence({ silenceMs: HOUR_MS }), findings = new Findings();
  const lastMs = Date.parse("2025-12-24T17:00Z"), nextMs = Date.parse("2025-12-25T22:05Z");
  for (const utcMs of [lastMs, nextMs]) {
    silence.beginDay(dayOf(utcMs));
    silence.tick(utcMs);
    silence.endDay();
  }
  const calendar = FX, symbol = "EURUSD", place = { dataDir: folder.path, folder: "ticks" };
  await silence.tell({ ...place, symbol, calendar, named: [], findings });
  assert.deepEqual(findings.differences.map(({ severity, what }) => [severity, what]), [
    [
      "gap",
      "no tick from 2025-12-24 17:01 to 2025-12-24 19:00 (119 min), while FX was open, and no gap is named",
    ],
    [
      "note",
      "no tick from 2025-12-24 19:00 to 2025-12-25 22:05, when brokers commonly do not quote",
    ],
  ]);
});

Deno.test("a bar of Christmas that no record names is a note", () => {
  const fromMs = Date.parse("2025-12-25"), toMs = fromMs + DAY_MS;
  const cycle = {
    ...{ source: "SIMULATED", status: "SUCCESS", gaps: [] },
    range_from_utc: new Date(fromMs).toISOString(),
    range_to_utc: new Date(toMs).toISOString(),
  } as unknown as BarCycle;
  const opens = Array.from({ length: 23 }, (_, hour) => {
    return { utcMs: fromMs + hour * HOUR_MS, offsetMs: 0 };
  });
  const timeframe = TIMEFRAMES["1H"];
  assert.deepEqual(missingBars({ timeframe, calendar: FX, cycles: [cycle], opens }), {
    gaps: [],
    notes: ["no bar of 2025-12-25 23:00, when brokers commonly do not quote"],
  });
});
