import { exchange } from "../../lib/time/calendar/exchange.ts";
import type { GridClock, MarketCalendar } from "../../lib/time/calendar/market_calendar.ts";
import { FX, FX_METALS } from "../../lib/time/calendar/week_calendars.ts";
import { parseServerZone, toServerMs, toUtcMs } from "../../lib/time/server_zone.ts";
import { TIMEFRAMES } from "../../lib/market/timeframe.ts";
import { machineLine, median } from "./table.ts";

/** `deno run -A tests/bench/calendar.ts`: what one question to a calendar costs. */

const YEAR_MS = 365 * 86_400_000;
const FROM_MS = Date.parse("2016-01-01T00:00:00Z");

function clockOf(zone: string): GridClock {
  const clock = parseServerZone(zone);
  return {
    toServerMs: (utcMs) => toServerMs(utcMs, clock),
    toUtcMs: (serverMs) => toUtcMs(serverMs, clock),
  };
}

/** Microseconds of one call, the median of five rounds, after one that warms up. */
function microseconds(calls: number, call: (index: number) => unknown): number {
  let kept: unknown;
  const rounds = Array.from({ length: 6 }, () => {
    const began = performance.now();
    for (let index = 0; index < calls; index++) kept = call(index);
    return (performance.now() - began) * 1000 / calls;
  });
  if (kept === rounds) throw new Error("never: it keeps the calls from being optimised away");
  return median(rounds.slice(1));
}

function questions(calendar: MarketCalendar, clock: GridClock): [string, number][] {
  const momentOf = (index: number) => FROM_MS + (index * 7_919_000_003) % (10 * YEAR_MS);
  const years = (count: number) => ({ fromMs: FROM_MS, toMs: FROM_MS + count * YEAR_MS, clock });
  const year = years(1), decade = years(10);
  return [
    ["isOpen, in turn", microseconds(100_000, (index) => calendar.isOpen(FROM_MS + index * 1000))],
    ["isOpen, anywhere in ten years", microseconds(100_000, (i) => calendar.isOpen(momentOf(i)))],
    ["nextOpen", microseconds(100_000, (index) => calendar.nextOpen(momentOf(index)))],
    ["nextClose", microseconds(100_000, (index) => calendar.nextClose(momentOf(index)))],
    ["sessions of a year", microseconds(300, () => calendar.sessions(year.fromMs, year.toMs))],
    ["expectedBars 1H, a year", microseconds(300, () => calendar.expectedBars(H1, year))],
    ["expectedBars 1D, ten years", microseconds(100, () => calendar.expectedBars(D1, decade))],
    ["expectedOpens 1H, a year", microseconds(100, () => calendar.expectedOpens(H1, year))],
  ];
}

const H1 = TIMEFRAMES["1H"], D1 = TIMEFRAMES["1D"];

if (import.meta.main) {
  const began = performance.now();
  const nyse = exchange("XNYS");
  const firstMs = performance.now() - began;
  if (nyse === undefined) throw new Error("Cannot measure XNYS: it has no calendar");
  console.log(`${machineLine()}; first use of XNYS: ${firstMs.toFixed(1)} ms\n`);
  const tables = [FX, FX_METALS, nyse].map((calendar) =>
    questions(calendar, clockOf("Europe/Athens"))
  );
  console.log("| µs a call | FX | FX-METALS | XNYS |\n| --- | --- | --- | --- |");
  for (const [row, [question]] of (tables[0] ?? []).entries()) {
    const figures = tables.map((table) => table[row]?.[1].toFixed(3) ?? "");
    console.log(`| ${question} | ${figures.join(" | ")} |`);
  }
}
