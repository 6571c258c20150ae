import assert from "node:assert/strict";
import { barsFolder } from "../../../../lib/capture/bars/bar_path.ts";
import { recordCycle } from "../../../../lib/capture/bars/bar_cycle.ts";
import { storeBars } from "../../../../lib/capture/bars/bar_store.ts";
import type { Bar } from "../../../../lib/market/bar.ts";
import { NO_TICK } from "../../../../lib/market/tick_id.ts";
import { Ticks } from "../../../../lib/market/tick.ts";
import { TIMEFRAMES } from "../../../../lib/market/timeframe.ts";
import { FEED, Rig, START_MS, untilReady } from "../rig.ts";
import { TICK } from "./history.ts";

const HOUR_MS = 3_600_000, OFFSET_MS = 7_200_000, STEP_MS = 10_000;
const timeframe = TIMEFRAMES["1H"];

/** Ticks of EURUSD every ten seconds of `[fromMs, toMs]`, the bid counting up from 1. */
async function capture(rig: Rig, fromMs: number, toMs: number): Promise<void> {
  const count = Math.floor((toMs - fromMs) / STEP_MS) + 1;
  const ticks = Ticks.ofLength(count);
  for (let index = 0; index < count; index++) {
    const utcMs = fromMs + index * STEP_MS;
    ticks.set(index, { ...TICK, serverMs: utcMs + OFFSET_MS, bid: 1 + index });
    ticks.setUtcMs(index, utcMs);
  }
  await rig.log.append([{ symbol: "EURUSD", feed: FEED, expectedTail: NO_TICK, ticks }]);
}

function vendorBar(hour: number): Bar {
  const utcMs = START_MS + hour * HOUR_MS;
  return { utcMs, serverMs: utcMs + OFFSET_MS, open: 2, high: 4, low: 1, close: 3, volume: 50 };
}

async function ingest(rig: Rig, bars: readonly Bar[]): Promise<void> {
  const range = { fromMs: START_MS - 8 * HOUR_MS, toMs: START_MS + 24 * HOUR_MS };
  const place = { symbol: "EURUSD", market: "fx" as const, timeframe };
  const { files } = await storeBars({
    ...place,
    dataDir: rig.dataDir,
    bars,
    range,
    nowMs: START_MS + 4 * HOUR_MS,
  });
  await recordCycle(rig.dataDir, {
    symbol: "EURUSD",
    symbol_raw: null,
    timeframe: "1H",
    source: null,
    feed: null,
    account_id: null,
    broker_utc_offset_hours: 2,
    timestamps_normalized: true,
    ingestion_time_utc: new Date().toISOString(),
    range_from_utc: new Date(range.fromMs).toISOString(),
    range_to_utc: new Date(range.toMs).toISOString(),
    bars_expected: null,
    bars_received: bars.length,
    bars_removed: 0,
    status: "SUCCESS",
    error: null,
    files: [...files],
    files_unchanged: 0,
    gaps: [],
  });
}

Deno.test("bars are the vendor's, and after them finished ones out of the ticks", async () => {
  await using rig = await Rig.open();
  await capture(rig, START_MS - HOUR_MS / 2, START_MS + 5 * HOUR_MS + STEP_MS);
  await ingest(rig, [0, 1, 2].map(vendorBar));
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const { bars, ...rest } = await (await fetch(`${gateway.url}bars/EURUSD?tf=1h`)).json();
  assert.deepEqual(rest, {
    symbol: "EURUSD",
    timeframe: "1H",
    ticks_from: START_MS + 3 * HOUR_MS,
    count: 5,
    next_from: null,
  });
  assert.deepEqual(
    bars.map(({ open_time, close_time, source }: Record<string, number | string>) => [
      (Number(open_time) - START_MS) / HOUR_MS,
      Number(close_time) - Number(open_time),
      source,
    ]),
    [[0, "vendor"], [1, "vendor"], [2, "vendor"], [3, "ticks"], [4, "ticks"]]
      .map(([hour, source]) => [hour, HOUR_MS - 1, source]),
  );
  // 180 ticks came in the half hour before, and 360 in an hour.
  const { open, high, low, close, volume } = bars[3];
  const first = 1 + 180 + 3 * 360;
  assert.deepEqual([open, high, low, close, volume], [first, first + 359, first, first + 359, 360]);

  const found: number[] = [];
  for (let from: number | null = 0; from !== null;) {
    const page: { bars: { open_time: number }[]; next_from: number | null } =
      await (await fetch(`${gateway.url}bars/EURUSD?tf=1H&limit=2&from=${from}`)).json();
    found.push(...page.bars.map(({ open_time }) => (open_time - START_MS) / HOUR_MS));
    from = page.next_from;
  }
  assert.deepEqual(found, [0, 1, 2, 3, 4]);

  const range = `from=${START_MS + 2 * HOUR_MS}&to=${START_MS + 4 * HOUR_MS}`;
  const csv = await fetch(`${gateway.url}bars/EURUSD?tf=1H&${range}&format=csv`);
  assert.equal(csv.headers.get("x-bars-of-ticks-from"), String(START_MS + 3 * HOUR_MS));
  assert.equal(
    await csv.text(),
    "open_time,close_time,open,high,low,close,volume,source\n" +
      `${START_MS + 2 * HOUR_MS},${START_MS + 3 * HOUR_MS - 1},2,4,1,3,50,vendor\n` +
      `${START_MS + 3 * HOUR_MS},${START_MS + 4 * HOUR_MS - 1},` +
      `${first},${first + 359},${first},${first + 359},360,ticks\n`,
  );
  const parquet = await fetch(`${gateway.url}bars/EURUSD?tf=1H&format=parquet`);
  assert.equal(parquet.headers.get("content-type"), "application/vnd.apache.parquet");
  const bytes = await parquet.bytes();
  const magic = new TextDecoder().decode(bytes.slice(0, 4));
  assert.deepEqual([magic, new TextDecoder().decode(bytes.slice(-4))], ["PAR1", "PAR1"]);
});

Deno.test("without the vendor's bars the ticks give those that are whole, so far back as is set", async () => {
  await using rig = await Rig.open();
  await capture(rig, START_MS - HOUR_MS / 2, START_MS + 5 * HOUR_MS);
  await using gateway = await rig.gateway({ GATEWAY_TICK_BARS_HOURS: "3" });
  await untilReady(gateway);
  const hours = async (query: string) => {
    const answer = await (await fetch(`${gateway.url}bars/EURUSD?tf=1H&${query}`)).json();
    return answer.bars.map(({ open_time }: { open_time: number }) =>
      (open_time - START_MS) / HOUR_MS
    );
  };
  // A tick may come five seconds late, so the last hour is not over yet.
  assert.deepEqual(await hours(""), [2, 3]);
  // The bar in which the capture began is not whole.
  assert.deepEqual(await hours(`to=${START_MS + 2 * HOUR_MS}`), [0, 1]);
  await rig.log.mark([{
    symbol: "EURUSD",
    feed: FEED,
    watermarkMs: START_MS + 5 * HOUR_MS,
    ended: false,
  }]);
  assert.deepEqual(await hours(""), [2, 3, 4]);
  // After a pause of the market the bar before it is over, though nothing followed within the range.
  const later = Ticks.from([{ ...TICK, serverMs: START_MS + 10 * HOUR_MS + OFFSET_MS }]);
  later.setUtcMs(0, START_MS + 10 * HOUR_MS);
  const expectedTail = (await rig.log.checkpoint("EURUSD"))?.lastId ?? NO_TICK;
  await rig.log.append([{ symbol: "EURUSD", feed: FEED, expectedTail, ticks: later }]);
  assert.deepEqual(await hours(`from=${START_MS + 5 * HOUR_MS}&to=${START_MS + 6 * HOUR_MS}`), [5]);
});

Deno.test("a week that opens before the clocks change and first trades after it opens by the old offset", async () => {
  await using rig = await Rig.open();
  const HOURS_AHEAD = [2, 2, 3, 3];
  const times = ["02-27T12:00", "03-07T20:00", "03-09T21:05", "03-17T12:00"];
  const ticks = Ticks.ofLength(times.length);
  for (const [index, time] of times.entries()) {
    const utcMs = Date.parse(`2025-${time}Z`);
    ticks.set(index, { ...TICK, serverMs: utcMs + (HOURS_AHEAD[index] ?? 0) * HOUR_MS });
    ticks.setUtcMs(index, utcMs);
  }
  await rig.log.append([{ symbol: "EURUSD", feed: FEED, expectedTail: NO_TICK, ticks }]);
  await using gateway = await rig.gateway({ GATEWAY_TICK_BARS_HOURS: "1000" });
  await untilReady(gateway);
  const opens = async (tf: string) => {
    const answer = await (await fetch(`${gateway.url}bars/EURUSD?tf=${tf}`)).json();
    return answer.bars.map((bar: { open_time: number }) => new Date(bar.open_time).toJSON());
  };
  assert.deepEqual(await opens("1W"), ["2025-03-01T22:00:00.000Z", "2025-03-08T22:00:00.000Z"]);
  assert.deepEqual(await opens("1H"), ["2025-03-07T20:00:00.000Z", "2025-03-09T21:00:00.000Z"]);
});

Deno.test("as of a moment there is what the vendor's files held then", async () => {
  await using rig = await Rig.open();
  await capture(rig, START_MS, START_MS + 5 * HOUR_MS);
  const beforeMs = Date.now() - 1;
  await ingest(rig, [vendorBar(0)]);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const asOf = async (ms: number) => {
    return await (await fetch(`${gateway.url}bars/EURUSD?tf=1H&as_of=${ms}`)).json();
  };
  assert.deepEqual((await asOf(beforeMs)).bars, []);
  const { bars, ticks_from } = await asOf(Date.now());
  assert.deepEqual([bars.length, bars[0].source, ticks_from], [1, "vendor", null]);
});

Deno.test("a symbol of which there are only bars is known", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await Deno.mkdir(`${rig.dataDir}/${barsFolder("AAPL", "stock", "1H")}`, { recursive: true });
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  const note = `${rig.dataDir}/metadata/source_registry/markets`;
  await Deno.mkdir(note, { recursive: true });
  await Deno.writeTextFile(`${note}/AAPL.json`, '{"symbol":"AAPL","market":"stock"}');
  const answer = await (await fetch(`${gateway.url}bars/AAPL?tf=1D`)).json();
  assert.deepEqual([answer.bars, answer.ticks_from], [[], null]);
});

Deno.test("a wrong query of bars is answered with its field and its value", async () => {
  await using rig = await Rig.open();
  await rig.append("EURUSD", 1);
  await using gateway = await rig.gateway();
  await untilReady(gateway);
  for (
    const [path, status, field, value] of [
      ["bars/EURUSD", 400, "tf", ""],
      ["bars/EURUSD?tf=2H", 400, "tf", "2H"],
      ["bars/EURUSD?tf=1H&from=5&to=4", 422, "to", "4"],
      ["bars/EURUSD?tf=1H&as_of=now", 400, "as_of", "now"],
      ["bars/EURUSD?tf=1H&limit=50001", 400, "limit", "50001"],
      ["bars/EURUSD?tf=1H&symbol=X", 400, "symbol", "X"],
      ["bars/NOSUCH?tf=1H", 404, "symbol", "NOSUCH"],
    ] as const
  ) {
    const response = await fetch(gateway.url + path);
    const problem = await response.json();
    assert.deepEqual([response.status, problem.field, problem.value], [status, field, value], path);
    if (field === "tf") assert.match(problem.title, /1MIN, 5MIN, .*1W, 1M/);
  }
});
