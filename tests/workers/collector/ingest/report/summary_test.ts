import assert from "node:assert/strict";
import { TIMEFRAMES } from "../../../../../lib/market/timeframe.ts";
import type { WorkUnit } from "../../../../../workers/collector/ingest/plan.ts";
import { ProgressBar } from "../../../../../workers/collector/ingest/report/progress_bar.ts";
import { ProgressLines } from "../../../../../workers/collector/ingest/report/progress_lines.ts";
import {
  type Ending,
  exitCodeOf,
  summaryJson,
  summaryText,
} from "../../../../../workers/collector/ingest/report/summary.ts";
import { Tally } from "../../../../../workers/collector/ingest/report/tally.ts";
import type { UnitResult } from "../../../../../workers/collector/ingest/unit.ts";

const unit: WorkUnit = {
  ...{ symbol: "EURUSD", timeframe: TIMEFRAMES["1H"], fromMs: 0, toMs: 86_400_000, expected: 24 },
};

function resultOf(changes: Partial<UnitResult> & { symbol?: string } = {}): UnitResult {
  const { symbol = "EURUSD", ...rest } = changes;
  return {
    ...{ unit: { ...unit, symbol }, status: "SUCCESS", expected: 24, received: 24 },
    ...{ missing: [], missingBars: 0, removed: 0, files: [], seconds: 0.5, error: null },
    ...rest,
  };
}

function endingOf(results: readonly UnitResult[], changes: Partial<Ending> = {}): Ending {
  const tally = new Tally();
  tally.plan(results.map(({ unit }) => ({ symbol: unit.symbol, units: [unit] })));
  for (const result of results) tally.add(result);
  return { tally, left: 0, resume: undefined, wasStopped: false, ...changes };
}

const failed = { status: "FAILED", received: 0, missingBars: 24, error: "gone" } as const;
const partial = { status: "PARTIAL", received: 20, missingBars: 4 } as const;

Deno.test("the exit code says whether all, some or nothing was read", () => {
  assert.equal(exitCodeOf(endingOf([])), 0);
  assert.equal(exitCodeOf(endingOf([resultOf()])), 0);
  assert.equal(exitCodeOf(endingOf([resultOf(partial)])), 1);
  assert.equal(exitCodeOf(endingOf([resultOf(), resultOf({ symbol: "USDJPY", ...failed })])), 1);
  assert.equal(exitCodeOf(endingOf([resultOf(failed)])), 2);
  assert.equal(exitCodeOf(endingOf([], { left: 3 })), 2);
  assert.equal(exitCodeOf(endingOf([], { left: 3, wasStopped: true })), 1);
});

Deno.test("the table has a row a series, and shares rows when it would be long", () => {
  const text = summaryText(endingOf([resultOf(), resultOf({ symbol: "USDJPY", ...partial })]));
  assert.match(text, /EURUSD +1H +24 +24 +0 +0 +0\.50 +SUCCESS\nUSDJPY +1H +24 +20 +4 .* PARTIAL/);
  assert.match(text, /1 SUCCESS, 1 PARTIAL, 0 FAILED in/);
  const many = Array.from({ length: 40 }, (_, index) => resultOf({ symbol: `S${index}` }));
  const long = summaryText(endingOf([...many, resultOf({ symbol: "BAD", ...failed })]));
  assert.match(long, /40 symbols +1H +960 +960 +0 +0 +20\.00 +SUCCESS\nBAD +1H/);
  assert.equal(long.split("\n").length, 4);
  const stopped = endingOf([], { left: 2, resume: "deno task ingest --resume", wasStopped: true });
  assert.match(summaryText(stopped), /2 not read in .*\nTo go on: deno task ingest --resume/);
  const { series, ...sums } = JSON.parse(summaryJson(endingOf([resultOf(partial)])));
  assert.equal(sums.exit_code, 1);
  assert.deepEqual(series[0].bars_missing, 4);
});

Deno.test("a pipe gets a line a symbol, a terminal one line that is drawn again", () => {
  const result = resultOf(partial), { tally } = endingOf([result]);
  const lines: string[] = [];
  using piped = new ProgressLines((line) => lines.push(line));
  piped.planned(tally);
  piped.unit(result, { tally, isSymbolDone: false });
  piped.unit(result, { tally, isSymbolDone: true });
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? "", /^EURUSD +1H 20\/24 PARTIAL \(1\/1 symbols, 20 bars, \d+ bars\/s/);
  let screen = "";
  {
    using bar = new ProgressBar({ write: (text) => void (screen += text), width: 60 });
    bar.planned(tally);
    bar.problem("the bridge left");
    bar.unit(result);
  }
  assert.match(screen, /^\[#{24}\] 1\/1 symbols/);
  assert.ok(screen.includes("\r\x1b[Kthe bridge left\n[#"));
  assert.ok(screen.endsWith("\r\x1b[K"), "nothing of it stays");
  screen = "";
  using narrow = new ProgressBar({ write: (text) => void (screen += text), width: 20 });
  narrow.planned(tally);
  assert.equal(screen, "1/1 symbols, 20 bar", "one column less than there are, and the counts");
});
