import assert from "node:assert/strict";
import { Calendars, FX_METALS } from "../../../../lib/time/calendar/calendars.ts";
import { sharedData } from "./shared_data.ts";

/** The hours that two brokers publish are what `FX` and `FX-METALS` are made of. */
const database = sharedData("calendars/lean/market-hours-database.json");

const DAYS = [
  "sunday",
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
] as const;

interface Entry extends Readonly<Record<(typeof DAYS)[number], readonly Stretch[]>> {
  readonly exchangeTimeZone: string;
}
interface Stretch {
  readonly start: string;
  readonly end: string;
}

function entry(name: string): Entry {
  const { entries } = JSON.parse(Deno.readTextFileSync(database.path));
  return entries[name] ?? assert.fail(name);
}

/** Minutes since Sunday 00:00 of the entry's own zone; stretches that touch at midnight are one. */
function week(hours: Entry): [number, number][] {
  const minutes = (day: number, text: string) => {
    const [, days = "0", hour = "", minute = ""] = /^(?:(\d)\.)?(\d\d):(\d\d)/.exec(text) ?? [];
    return (day + Number(days)) * 1440 + Number(hour) * 60 + Number(minute);
  };
  const stretches: [number, number][] = [];
  for (const [day, name] of DAYS.entries()) {
    for (const { start, end } of hours[name]) {
      const last = stretches.at(-1), from = minutes(day, start), to = minutes(day, end);
      if (last?.[1] === from) last[1] = to;
      else stretches.push([from, to]);
    }
  }
  return stretches;
}

/** Brokers stop some minutes before the hour and begin some after it: to the hour. */
function toTheHour(stretches: readonly [number, number][]): [number, number][] {
  return stretches.map(([from, to]) => [Math.floor(from / 60), Math.ceil(to / 60)]);
}

const NY_WEEK = [[17, 137]];
const NY_WEEK_WITH_BREAKS = [[18, 41], [42, 65], [66, 89], [90, 113], [114, 137]];

Deno.test({
  name: "pairs trade through 17:00 in New York at FXCM, and but for minutes at OANDA",
  ignore: database.ignore,
  fn: () => {
    assert.deepEqual(toTheHour(week(entry("Forex-fxcm-[*]"))), NY_WEEK);
    const pauses = week(entry("Forex-oanda-[*]"));
    assert.ok(pauses.every(([from], at) => at === 0 || from - (pauses[at - 1]?.[1] ?? NaN) <= 5));
  },
});

Deno.test({
  name: "metals, oil and gas pause from 17:00 to 18:00 in New York, and their symbols do",
  ignore: database.ignore,
  fn: async () => {
    using calendars = await Calendars.open({});
    for (
      const symbol of ["XAUUSD", "XAGUSD", "XPDUSD", "XPTUSD", "XCUUSD", "WTICOUSD", "NATGASUSD"]
    ) {
      const hours = entry(`Cfd-oanda-${symbol}`);
      assert.equal(hours.exchangeTimeZone, "America/New_York", symbol);
      assert.deepEqual(toTheHour(week(hours)), NY_WEEK_WITH_BREAKS, symbol);
      assert.equal(calendars.calendarOf(symbol), FX_METALS, symbol);
    }
    const sunday = Date.parse("2026-01-11T00:00:00-05:00");
    const sessions = FX_METALS.sessions(sunday, sunday + 7 * 86_400_000);
    const hours = sessions.map(({ openMs, closeMs }) =>
      [openMs, closeMs].map((utcMs) => (utcMs - sunday) / 3_600_000)
    );
    assert.deepEqual(hours, NY_WEEK_WITH_BREAKS);
  },
});

Deno.test({
  name: "indices of the US close at 17:00 in New York and open at 18:00, and their symbols do",
  ignore: database.ignore,
  fn: async () => {
    using calendars = await Calendars.open({});
    for (const symbol of ["US30USD", "SPX500USD", "NAS100USD"]) {
      const hours = entry(`Cfd-oanda-${symbol}`);
      assert.equal(hours.exchangeTimeZone, "America/Chicago", symbol);
      // One hour behind New York; a quarter of an hour's pause in the afternoon is the broker's own.
      const [first, ...rest] = week(hours).filter(([from]) => from % 60 === 0);
      assert.equal(first?.[0], 17 * 60, symbol);
      assert.deepEqual(rest.map(([from]) => from / 60), [41, 65, 89, 113], symbol);
      assert.equal(week(hours).at(-1)?.[1], 136 * 60, symbol);
      assert.equal(calendars.calendarOf(symbol), FX_METALS, symbol);
    }
  },
});
