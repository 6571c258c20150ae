import assert from "node:assert/strict";
import fc from "fast-check";
import { coverageOf, readCoverage } from "../../../../lib/capture/bars/bar_coverage.ts";
import type { BarCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { DAY_MS, FOLDER, HOUR_MS, hours, MONDAY_MS, record, store } from "./series.ts";

const NOTHING = { files: [], unchanged: 0, removed: 0 };

const span = fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 40 }))
  .map(([from, length]) => ({ from, to: from + length }));
const cycle = fc.record({
  range: span,
  gaps: fc.array(span, { maxLength: 4 }),
  status: fc.constantFrom("SUCCESS" as const, "PARTIAL" as const, "FAILED" as const),
});

Deno.test("what is covered are the hours that were answered and are in no gap", async () => {
  await using folder = await tempFolder();
  const template = await record(folder.path, NOTHING);
  const utc = (hour: number) => new Date(MONDAY_MS + hour * HOUR_MS).toISOString();
  fc.assert(fc.property(fc.array(cycle, { maxLength: 6 }), (given) => {
    const cycles = given.map(({ range, gaps, status }): BarCycle => ({
      ...template,
      status,
      range_from_utc: utc(range.from),
      range_to_utc: utc(range.to),
      gaps: gaps.map(({ from, to }) => (
        { from_utc: utc(from), to_utc: utc(to), reason: "missing", bars: to - from }
      )),
    }));
    const isIn = (hour: number, { from, to }: { from: number; to: number }) =>
      hour >= from && hour < to;
    const covered = coverageOf(cycles);
    for (let hour = 0; hour < 140; hour++) {
      const expected = given.some(({ range, gaps, status }) =>
        status !== "FAILED" && isIn(hour, range) && !gaps.some((gap) => isIn(hour, gap))
      );
      const atMs = MONDAY_MS + hour * HOUR_MS;
      assert.equal(covered.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs), expected);
    }
    for (const [index, { fromMs, toMs }] of covered.entries()) {
      assert.ok(fromMs < toMs && fromMs > (covered[index - 1]?.toMs ?? 0));
    }
  }));
});

Deno.test("a period whose files are gone is to be asked again, one with an older version is not", async () => {
  await using folder = await tempFolder();
  const { path } = folder, series = { symbol: "EURUSD", timeframe: "1H" } as const;
  const range = { range_to_utc: "2025-12-25T00:00:00.000Z" };
  await record(path, await store(path, { bars: hours(0, 72) }), range);
  await record(path, await store(path, { bars: hours(48, 72, { volume: 9 }) }), range);
  assert.deepEqual(await readCoverage(path, series), [
    { fromMs: MONDAY_MS, toMs: MONDAY_MS + 3 * DAY_MS },
  ]);
  await Deno.remove(`${path}/${FOLDER}/2025-12-23.csv`);
  await Deno.remove(`${path}/${FOLDER}/2025-12-24__1.csv`);
  assert.deepEqual(await readCoverage(path, series), [
    { fromMs: MONDAY_MS, toMs: MONDAY_MS + DAY_MS },
    { fromMs: MONDAY_MS + 2 * DAY_MS, toMs: MONDAY_MS + 3 * DAY_MS },
  ]);
});
