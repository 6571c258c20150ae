import assert from "node:assert/strict";
import { Ticks } from "../../../lib/market/tick.ts";
import { Calendars, exchange, FX } from "../../../lib/time/calendar/calendars.ts";
import { Collecting } from "../../../workers/collector/collecting.ts";
import { Gathering } from "../../../workers/collector/gathering.ts";
import { tradingOf } from "../../../workers/collector/market_hours.ts";
import { Marks } from "../../../workers/collector/marks.ts";
import type { Mark, TickLog } from "../../../lib/log/tick_log.ts";

const at = (iso: string) => Date.parse(iso);
const SATURDAY = at("2026-01-10T12:00:00Z");
const SUNDAY_OPEN = at("2026-01-11T22:00:00Z");
const WEDNESDAY_NIGHT = at("2026-01-14T03:00:00Z");

using calendars = await Calendars.open({});
const calendarOf = (symbol: string) => calendars.calendarOf(symbol);
const trading = (symbols: string, utcMs: number) =>
  tradingOf(symbols.split(" "), { calendarOf, utcMs });

Deno.test("the market is closed when that of every symbol is, until the first one opens", () => {
  const closed = { market: "closed", untilMs: SUNDAY_OPEN };
  assert.deepEqual(trading("EURUSD XAUUSD AAPL", SATURDAY), closed);
  assert.equal(trading("EURUSD BTCUSD", SATURDAY).market, "open");
  assert.equal(trading("EURUSD AAPL", WEDNESDAY_NIGHT).market, "open");
  assert.deepEqual(trading("AAPL MSFT", WEDNESDAY_NIGHT), {
    ...{ market: "closed", untilMs: at("2026-01-14T14:30:00Z") },
  });
});

Deno.test("a market has been open since the first of its symbols opened", () => {
  const minute = SUNDAY_OPEN + 60_000;
  assert.deepEqual(trading("EURUSD XAUUSD", minute), {
    ...{ market: "open", sinceMs: SUNDAY_OPEN, unknown: undefined },
  });
});

Deno.test("a market whose hours nobody knows yet counts as open and says so", () => {
  const nyse = exchange("XNYS") ?? assert.fail();
  const found = trading("AAPL EURUSD", nyse.knownUntilMs + 1);
  assert.ok(found.market === "open" && found.unknown?.includes("XNYS"));
  const closed = tradingOf(["X"], { calendarOf: () => FX, utcMs: SATURDAY });
  assert.equal(closed.market, "closed");
});

/** What the collector says of ticks at a moment of the source's clock. */
function said(
  symbols: string,
  { nowUtcMs, newestUtcMs }: { nowUtcMs: number; newestUtcMs: number },
) {
  const collecting = new Collecting({ rule: "UTC", verdict: undefined }, calendars);
  collecting.connected({
    source: "test",
    symbols: symbols.split(" "),
    appending: { blocked: undefined },
    gathering: new Gathering(10),
  });
  const ticks = Ticks.ofLength(1);
  ticks.setUtcMs(0, newestUtcMs);
  const group = { ticks: new Map([["EURUSD", ticks]]), count: 1, present: undefined, ended: false };
  collecting.appended(group, { nowUtcMs, watermarkUtcMs: nowUtcMs });
  return collecting.describe().tick_collection;
}

Deno.test("no tick is no fault while everything that is captured is closed", () => {
  const friday = at("2026-01-09T21:59:58Z");
  const weekend = said("EURUSD AAPL", { nowUtcMs: SATURDAY, newestUtcMs: friday });
  assert.equal(weekend?.status, "healthy");
  assert.equal(weekend?.market, "closed");
  assert.match(weekend?.message ?? "", /^market closed until 2026-01-11T22:00:00Z; 2 symbols/);
  const bitcoin = said("EURUSD BTCUSD", { nowUtcMs: SATURDAY, newestUtcMs: friday });
  assert.equal(bitcoin?.status, "critical");
  assert.equal(bitcoin?.market, "open");
});

Deno.test("a market that has just opened owes no tick of the time before", () => {
  const newestUtcMs = at("2026-01-09T21:59:58Z");
  const levels = [20, 90, 400].map((seconds) =>
    said("EURUSD", { nowUtcMs: SUNDAY_OPEN + seconds * 1000, newestUtcMs })?.status
  );
  assert.deepEqual(levels, ["healthy", "degraded", "critical"]);
});

Deno.test("the watermark is written less often while the market is closed, but for a new day", async () => {
  const written: number[] = [];
  const mark = (marks: readonly Mark[]) => {
    written.push(marks[0]?.watermarkMs ?? NaN);
    return Promise.resolve();
  };
  let isClosed = false;
  const marks = new Marks({
    // Marks uses nothing else of the log.
    log: { mark } as unknown as TickLog,
    feeds: new Map([["EURUSD", "feed"]]),
    watermarks: new Map([["EURUSD", SATURDAY]]),
    intervalMs: 0,
    closedIntervalMs: 60_000,
    isClosed: () => isClosed,
  });
  await marks.reach(SATURDAY + 1);
  await marks.reach(SATURDAY + 2);
  isClosed = true;
  await marks.reach(SATURDAY + 3);
  await marks.reach(at("2026-01-11T00:00:00Z"));
  isClosed = false;
  await marks.reach(SUNDAY_OPEN);
  assert.deepEqual(written, [SATURDAY + 1, SATURDAY + 2, at("2026-01-11T00:00:00Z"), SUNDAY_OPEN]);
});
