import assert from "node:assert/strict";
import { FX, FX_METALS } from "../../../../lib/time/calendar/calendars.ts";
import { exchange, exchangeIds } from "../../../../lib/time/calendar/exchange.ts";
import { CalendarHorizon } from "../../../../lib/time/calendar/market_calendar.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";

const at = (iso: string) => Date.parse(iso);
const DAY_MS = 86_400_000;

function calendar(id: string) {
  return exchange(id) ?? assert.fail(id);
}

function hours(id: string, day: string): string[] {
  return calendar(id).sessions(at(day), at(day) + DAY_MS).map(({ openMs, closeMs }) =>
    `${new Date(openMs).toISOString().slice(11, 16)}-${
      new Date(closeMs).toISOString().slice(11, 16)
    }`
  );
}

Deno.test("every exchange reads its file, and trades on most weekdays of a year", () => {
  for (const id of exchangeIds) {
    const { knownFromMs, knownUntilMs, ...rest } = calendar(id);
    assert.equal(rest.id, id);
    assert.ok(knownFromMs < at("1998-01-01") && knownUntilMs >= at("2026-12-31"), id);
    const days = calendar(id).expectedBars(TIMEFRAMES["1D"], {
      fromMs: at("2024-01-01"),
      toMs: at("2025-01-01"),
    });
    assert.ok(days > 230 && days < 320, `${id}: ${days} days`);
  }
});

Deno.test("an exchange is found by its usual name", () => {
  assert.equal(exchange("NYSE"), exchange("XNYS"));
  assert.equal(exchange("nasdaq")?.id, "XNAS");
  assert.equal(exchange("ASX")?.id, "XASX");
  assert.equal(exchange("MOON"), undefined);
  assert.equal(exchange("constructor"), undefined);
});

Deno.test("holidays close an exchange and half days close it early", () => {
  assert.deepEqual(hours("XNYS", "2025-07-02"), ["13:30-20:00"]);
  assert.deepEqual(hours("XNYS", "2025-07-03"), ["13:30-17:00"]);
  assert.deepEqual(hours("XNYS", "2025-07-04"), []);
  assert.deepEqual(hours("XNYS", "2001-09-12"), []);
  assert.deepEqual(hours("XNYS", "2024-11-29"), ["14:30-18:00"]);
  assert.deepEqual(hours("XNYS", "2025-01-09"), []);
  assert.deepEqual(hours("XLON", "2024-12-31"), ["08:00-12:30"]);
  assert.deepEqual(hours("XLON", "2025-12-24"), ["08:00-12:30"]);
  assert.deepEqual(hours("XETR", "2025-12-24"), []);
});

Deno.test("the last day that is known has the hours of any other", () => {
  assert.deepEqual(hours("XKRX", "2026-12-30"), ["00:00-06:30"]);
  assert.deepEqual(hours("XKRX", "2027-12-30"), ["00:00-06:30"]);
  // Korea's year begins an hour late.
  assert.deepEqual(hours("XKRX", "2027-01-04"), ["01:00-06:30"]);
});

Deno.test("from open to close to open, a calendar is walked through all of its sessions", () => {
  const weeks = [calendar("XNYS"), calendar("XTKS"), calendar("CMES"), FX, FX_METALS];
  const fromMs = at("2024-12-20"), toMs = at("2026-01-10");
  for (const market of weeks) {
    const walked: { openMs: number; closeMs: number }[] = [];
    let ms = market.isOpen(fromMs) ? fromMs : market.nextOpen(fromMs);
    while (ms < toMs) {
      const closeMs = market.nextClose(ms);
      walked.push({ openMs: ms, closeMs: Math.min(closeMs, toMs) });
      ms = market.nextOpen(closeMs - 1);
    }
    assert.deepEqual(walked, market.sessions(fromMs, toMs), market.id);
  }
});

Deno.test("between the clock changes of New York and Europe each market keeps its own", () => {
  assert.deepEqual(hours("XETR", "2026-03-16"), ["08:00-16:30"]);
  assert.equal(FX.nextClose(at("2026-03-16")), at("2026-03-20T21:00:00Z"));
  assert.deepEqual(hours("XETR", "2026-10-26"), ["08:00-16:30"]);
  assert.equal(FX.nextClose(at("2026-10-26")), at("2026-10-30T21:00:00Z"));
  assert.equal(FX.nextClose(at("2026-11-02")), at("2026-11-06T22:00:00Z"));
});

Deno.test("a lunch break makes two sessions of a day", () => {
  assert.deepEqual(hours("XTKS", "2024-11-01"), ["00:00-02:30", "03:30-06:00"]);
  assert.deepEqual(hours("XTKS", "2024-11-05"), ["00:00-02:30", "03:30-06:30"]);
  assert.deepEqual(hours("XHKG", "2025-06-02"), ["01:30-04:00", "05:00-08:00"]);
  const lunch = at("2024-11-05T03:00:00Z");
  assert.ok(!calendar("XTKS").isOpen(lunch));
  assert.equal(calendar("XTKS").nextOpen(lunch), at("2024-11-05T03:30:00Z"));
});

Deno.test("Sydney's summer time moves its day the other way", () => {
  assert.equal(calendar("XASX").nextOpen(at("2025-01-15T12:00:00Z")), at("2025-01-15T23:00:00Z"));
  assert.equal(calendar("XASX").nextOpen(at("2025-07-15T12:00:00Z")), at("2025-07-16T00:00:00Z"));
});

Deno.test("past its horizon a calendar refuses every question and says how to learn more", () => {
  const nyse = calendar("XNYS"), past = nyse.knownUntilMs;
  const range = { fromMs: past - DAY_MS, toMs: past + 1 };
  const questions = [
    () => nyse.isOpen(past),
    () => nyse.nextOpen(past),
    () => nyse.nextClose(past),
    () => nyse.sessions(range.fromMs, range.toMs),
    () => nyse.expectedOpens(TIMEFRAMES["1H"], range),
    () => nyse.expectedBars(TIMEFRAMES["1H"], range),
    () => nyse.isOpen(nyse.knownFromMs - 1),
    () => nyse.isOpen(NaN),
  ];
  for (const question of questions) assert.throws(question, CalendarHorizon);
  assert.throws(() => nyse.isOpen(past), /XNYS.* 2028-01-01.*exchange_calendars 4.*generate\.py/);
});

Deno.test("what comes after the last session that is known is not known either", () => {
  const nyse = calendar("XNYS"), last = nyse.knownUntilMs - 1;
  assert.ok(!nyse.isOpen(last));
  assert.throws(() => nyse.nextOpen(last), CalendarHorizon);
  assert.deepEqual(nyse.sessions(last, last + 1), []);
});

Deno.test("a worker without any permission knows an exchange's hours", async () => {
  const worker = new Worker(new URL("./calendar_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    assert.equal(answer, false);
  } finally {
    worker.terminate();
  }
});
