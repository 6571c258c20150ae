import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatServerZone,
  parseServerZone,
  toServerMs,
  toUtcMs,
  UTC,
} from "../../../lib/time/server_zone.ts";

const NEW_YORK_7H = parseServerZone("America/New_York+7h");
const ATHENS = parseServerZone("Europe/Athens");
const utc = (serverIso: string, clock: typeof UTC) =>
  new Date(toUtcMs(Date.parse(serverIso), clock)).toISOString();

Deno.test("the week after New York's spring change tells New York+7h from Athens", () => {
  assert.equal(utc("2026-03-09T00:00Z", NEW_YORK_7H), "2026-03-08T21:00:00.000Z");
  assert.equal(utc("2026-03-09T00:00Z", ATHENS), "2026-03-08T22:00:00.000Z");
});

Deno.test("zones of Etc count west as positive and never change", () => {
  const clock = parseServerZone("Etc/GMT+5");
  assert.deepEqual(clock, { zone: "Etc/GMT+5", shiftMs: 0 });
  assert.equal(utc("2014-01-06T00:00Z", clock), "2014-01-06T05:00:00.000Z");
  assert.equal(utc("2014-07-06T00:00Z", clock), "2014-07-06T05:00:00.000Z");
});

Deno.test("an hour that happens twice is read as the first", () => {
  const clock = parseServerZone("America/New_York");
  assert.equal(utc("2025-11-02T01:30Z", clock), "2025-11-02T05:30:00.000Z");
  assert.equal(utc("2025-11-02T02:00Z", clock), "2025-11-02T07:00:00.000Z");
});

Deno.test("an hour that does not happen is read with the offset from before it", () => {
  const clock = parseServerZone("America/New_York");
  assert.equal(utc("2026-03-08T02:30Z", clock), "2026-03-08T07:30:00.000Z");
  assert.equal(utc("2026-03-08T03:30Z", clock), "2026-03-08T07:30:00.000Z");
});

Deno.test("readings agree with Temporal's own rule at every minute around changes", () => {
  for (const zone of ["America/New_York", "Europe/Athens", "Australia/Lord_Howe", "UTC"]) {
    for (const day of ["2025-03-30", "2025-11-02", "2025-10-05", "2026-03-08", "2026-10-25"]) {
      const midnight = Date.parse(`${day}T00:00Z`);
      for (let minute = -1440; minute < 2880; minute += 7) {
        const wallMs = midnight + minute * 60_000;
        const wall = new Date(wallMs).toISOString().slice(0, 19);
        const expected = Temporal.PlainDateTime.from(wall).toZonedDateTime(zone).epochMilliseconds;
        assert.equal(toUtcMs(wallMs, { zone, shiftMs: 0 }), expected, `${zone} ${wall}`);
      }
    }
  }
});

Deno.test("UTC to server and back is the same instant, but for an hour that happens twice", () => {
  const clocks = [NEW_YORK_7H, ATHENS, parseServerZone("Etc/GMT+5"), UTC];
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      fc.constantFrom(...clocks),
      (utcMs, clock) => {
        const back = toUtcMs(toServerMs(utcMs, clock), clock);
        assert.ok(back === utcMs || utcMs - back === 3_600_000);
        assert.equal(toServerMs(back, clock), toServerMs(utcMs, clock));
      },
    ),
  );
});

Deno.test("a server clock's text is read and written back", () => {
  for (const text of ["America/New_York+7h", "Europe/Athens", "UTC-0.5h", "Etc/GMT-3+1h"]) {
    assert.equal(formatServerZone(parseServerZone(text)), text);
  }
  assert.throws(() => parseServerZone("Mars/Base"), /Cannot read a server clock .*"Mars\/Base"/);
  assert.throws(() => parseServerZone(""), RangeError);
});
