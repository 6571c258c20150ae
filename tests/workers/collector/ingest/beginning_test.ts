import assert from "node:assert/strict";
import type { Bar } from "../../../../lib/market/bar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { FX } from "../../../../lib/time/calendar/calendars.ts";
import { statedClock } from "../../../../lib/time/server_clock.ts";
import { Beginnings } from "../../../../workers/collector/ingest/beginning.ts";

const grid = statedClock({ zone: "UTC", shiftMs: 0 });
const timeframe = TIMEFRAMES["1H"];
const settledMs = Date.parse("2025-06-02T12:00Z");

/** A vendor whose history has these hours, asked for units in order. */
function vendor(has: (utcMs: number) => boolean) {
  const beginnings = new Beginnings({ chunkBars: 500, settledMs });
  const asked: string[] = [];
  const barsOf = (range: { fromMs: number; toMs: number }): Bar[] =>
    FX.expectedOpens(timeframe, range).filter(has).map((utcMs) => (
      { utcMs, serverMs: utcMs, open: 1, high: 1, low: 1, close: 1, volume: 1 }
    ));
  return {
    asked,
    async beginOf(from: string, to: string): Promise<string | number | undefined> {
      const range = { fromMs: Date.parse(from), toMs: Date.parse(to) };
      const unit = { symbol: "EURUSD", timeframe, ...range, expected: 0 };
      const beginsMs = await beginnings.of(unit, {
        bars: barsOf(range),
        measure: { ...range, timeframe, calendar: FX, grid },
        hasBars: (probe) => {
          asked.push(new Date(probe.toMs).toISOString().slice(0, 13));
          return Promise.resolve(barsOf(probe).length > 0);
        },
      });
      return Number.isFinite(beginsMs) ? new Date(beginsMs ?? NaN).toISOString() : beginsMs;
    },
  };
}

Deno.test("of years before the vendor's history each is before it, and it is asked twice in all", async () => {
  const firstMs = Date.parse("2025-03-05T10:00Z");
  const { beginOf, asked } = vendor((utcMs) => utcMs >= firstMs);
  assert.equal(await beginOf("2025-01-01", "2025-02-01"), Infinity);
  assert.equal(await beginOf("2025-02-01", "2025-03-01"), Infinity);
  assert.equal(await beginOf("2025-03-01", "2025-04-01"), "2025-03-05T10:00:00.000Z");
  assert.equal(await beginOf("2025-04-01", "2025-05-01"), undefined);
  assert.deepEqual(asked, ["2025-01-01T00", "2025-06-02T13"]);
});

Deno.test("a hole after earlier history is no beginning", async () => {
  const hole = [Date.parse("2025-03-01"), Date.parse("2025-03-10")] as const;
  const { beginOf, asked } = vendor((utcMs) => utcMs < hole[0] || utcMs >= hole[1]);
  assert.equal(await beginOf("2025-03-01", "2025-04-01"), undefined);
  assert.deepEqual(asked, ["2025-03-01T00"]);
  const within = vendor((utcMs) => utcMs < hole[0] || utcMs >= hole[1]);
  assert.equal(await within.beginOf("2025-02-01", "2025-03-01"), undefined);
  assert.equal(await within.beginOf("2025-03-01", "2025-03-08"), undefined);
  assert.deepEqual(within.asked, [], "where the first read is whole nothing is asked");
});

Deno.test("of a vendor that has nothing at all nobody can say where it begins", async () => {
  const { beginOf, asked } = vendor(() => false);
  assert.equal(await beginOf("2025-01-01", "2025-02-01"), undefined);
  assert.equal(await beginOf("2025-05-01", "2025-06-01"), undefined);
  assert.equal(asked.length, 2, "each question once");
});
