import type { Timeframe } from "../market/timeframe.ts";
import type { GridClock } from "./calendar/market_calendar.ts";
import { statedClock } from "./server_clock_view.ts";

/** ForexConnect tells UTC, but its long bars begin with the day of New York, at 17:00 there. */
const NEW_YORK_DAYS = statedClock({ zone: "America/New_York", shiftMs: 7 * 3_600_000 });
const LONGER_THAN_MS = 3_600_000;

/**
 * The clock on whose grid the bars of a timeframe open, which for one vendor is not the clock of their
 * stamps. `source` is `vendor:server`; `clock` the server's.
 */
export function barGrid(source: string, timeframe: Timeframe, clock: GridClock): GridClock {
  const isLong = (timeframe.lengthMs ?? Infinity) > LONGER_THAN_MS;
  return isLong && /^fxcm(:|$)/i.test(source) ? NEW_YORK_DAYS : clock;
}
