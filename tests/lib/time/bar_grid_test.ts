import assert from "node:assert/strict";
import { TIMEFRAMES } from "../../../lib/market/timeframe.ts";
import { barGrid } from "../../../lib/time/bar_grid.ts";
import { statedClock } from "../../../lib/time/server_clock.ts";

const utc = statedClock({ zone: "UTC", shiftMs: 0 });

Deno.test("long bars of ForexConnect lie on the day of New York, short ones on its own clock", () => {
  const day = barGrid("fxcm:Real", TIMEFRAMES["1D"], utc);
  assert.equal(day.toServerMs(Date.parse("2025-12-21T22:00:00Z")), Date.parse("2025-12-22"));
  assert.equal(day.toServerMs(Date.parse("2025-07-20T21:00:00Z")), Date.parse("2025-07-21"));
  assert.equal(barGrid("fxcm:Real", TIMEFRAMES["1H"], utc), utc);
  assert.equal(barGrid("mt5:Demo", TIMEFRAMES["1D"], utc), utc);
});
