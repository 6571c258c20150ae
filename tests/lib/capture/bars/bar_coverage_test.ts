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

const GAP = { from_utc: "2025-12-23T05:00:00.000Z", to_utc: "2025-12-23T07:00:00.000Z", bars: 2 };
const WHOLE = [{ fromMs: MONDAY_MS, toMs: MONDAY_MS + 2 * DAY_MS }];

Deno.test("what the vendor did not have is covered once that is some days ago, a holiday at once", async () => {
  await using folder = await tempFolder();
  const gapped = await record(folder.path, NOTHING, { gaps: [{ ...GAP, reason: "no bar" }] });
  const askedMs = Date.parse(gapped.ingestion_time_utc);
  assert.equal(coverageOf([gapped], { settledMs: askedMs }).length, 2);
  assert.deepEqual(coverageOf([gapped], { settledMs: askedMs + 1 }), WHOLE);
  const holiday = { ...gapped, gaps: [{ ...GAP, reason: "holiday" }] };
  assert.deepEqual(coverageOf([holiday]), WHOLE);
  // A read without any bar may have been of a terminal that was not ready.
  const failed = { ...gapped, status: "FAILED" as const };
  assert.deepEqual(coverageOf([failed], { settledMs: Infinity }), []);
});

Deno.test("of a long chain only what may cover the wanted range is read", async () => {
  await using folder = await tempFolder();
  const { path } = folder, problems: string[] = [];
  const stored = await store(path, { bars: hours(0, 48) });
  const first = await record(path, stored, { ingestion_time_utc: "2025-12-29T09:00:00.000Z" });
  await record(path, { ...stored, files: [] }, { ingestion_time_utc: "2025-12-29T10:00:00.000Z" });
  await record(path, stored, { ingestion_time_utc: "2025-12-29T11:00:00.000Z" });
  await Deno.remove(`${path}/metadata/ingestion_logs/${first.cycle_id}.json`);
  const covered = (wanted: { fromMs: number; toMs: number }) =>
    readCoverage(path, {
      ...{ symbol: "EURUSD", timeframe: "1H", wanted },
      onProblem: (message) => problems.push(message),
    });
  assert.deepEqual(await covered({ fromMs: MONDAY_MS, toMs: MONDAY_MS + DAY_MS }), WHOLE);
  // The newest hours are in no record, and an older record cannot have them.
  const untilMs = Date.parse("2025-12-29T12:00Z");
  await covered({ fromMs: Date.parse("2025-12-29T11:00Z"), toMs: untilMs });
  assert.deepEqual(problems, []);
  await covered({ fromMs: MONDAY_MS - DAY_MS, toMs: MONDAY_MS });
  assert.equal(problems.length, 1);
});

Deno.test("a file that only records which were not read name is missed where bars are expected", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await record(path, await store(path, { bars: hours(0, 48) }));
  const again = await store(path, { bars: hours(24, 48, { volume: 9 }) });
  await record(path, again, {
    gaps: [{
      ...GAP,
      from_utc: "2025-12-22T00:00:00Z",
      to_utc: "2025-12-22T02:00:00Z",
      reason: "holiday",
    }],
  });
  await Deno.remove(`${path}/${FOLDER}/2025-12-22.csv`);
  const covered = (expects: (range: { fromMs: number; toMs: number }) => boolean) =>
    readCoverage(path, {
      ...{ symbol: "EURUSD", timeframe: "1H", expects },
      wanted: { fromMs: MONDAY_MS, toMs: MONDAY_MS + 2 * DAY_MS },
    });
  const lateTuesday = [{ fromMs: MONDAY_MS + DAY_MS, toMs: MONDAY_MS + 2 * DAY_MS }];
  assert.deepEqual(await covered(() => true), lateTuesday);
  // The two hours that a gap names are no reason to ask again.
  assert.deepEqual(await covered(({ fromMs }) => fromMs < MONDAY_MS + 2 * HOUR_MS), WHOLE);
});
