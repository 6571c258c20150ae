import assert from "node:assert/strict";
import { SimulatedSource } from "../../../../../bridge/source_simulated.ts";
import type { Source } from "../../../../../bridge/source.ts";
import { connectBridge } from "../../../../../lib/bridge/client.ts";
import { DAY_MS } from "../../../../../lib/capture/day_path.ts";
import { statedClock } from "../../../../../lib/time/server_clock.ts";
import {
  ingestTicks,
  type IngestTicksOptions,
} from "../../../../../workers/collector/ingest/ticks/ingest_ticks.ts";
import { logTicks } from "../../../../../workers/collector/ingest/ticks/log_ticks.ts";
import { startBridge } from "../../../../support/bridge_server.ts";
import { HistorySource } from "../../../../support/history_source.ts";
import { tempFolder } from "../../../../support/temp_folder.ts";
import {
  at,
  captureDay,
  DAY_FROM_MS,
  keyOf,
  LATER_MS,
  NAME,
  OFFSET_MS,
  openDay,
  rowsOf,
  stamped,
} from "../../../../lib/capture/additions/day_rig.ts";

const ZONE = { zone: "UTC", shiftMs: OFFSET_MS };
const EURUSD = { symbol: "EURUSD", rawName: "EURUSDm", digits: 5 };
const NO_LOG = {
  checkpoint: () => Promise.resolve(undefined),
  committed: () => Promise.resolve(new Map()),
};

async function ingest(
  dataDir: string,
  source: Source,
  other: Partial<IngestTicksOptions> = {},
) {
  await using bridge = await startBridge(source);
  const { signal } = new AbortController();
  await using connection = await connectBridge({ host: "127.0.0.1", port: bridge.port, signal });
  const range = { fromMs: DAY_FROM_MS, toMs: DAY_FROM_MS + DAY_MS, nowMs: LATER_MS };
  return await ingestTicks({
    ...{ dataDir, connection, clock: statedClock(ZONE), symbols: [EURUSD], log: NO_LOG },
    ...range,
    signal,
    ...other,
  });
}

function vendor(history: readonly ReturnType<typeof at>[]): HistorySource {
  const source = new HistorySource({ clock: ZONE, nowServerMs: LATER_MS });
  source.history = history;
  return source;
}

const SECONDS = Array.from({ length: 30 }, (_, index) => at(index * 1000));

Deno.test("history fills what capture lacks, and a second run adds nothing", async () => {
  await using folder = await tempFolder();
  await captureDay(folder.path, stamped(SECONDS.slice(5, 20)));
  const first = await ingest(folder.path, vendor(SECONDS));
  const [day] = first.days;
  assert.deepEqual(
    [day?.outcome, day?.received, day?.held, day?.added, day?.file],
    ["added", 30, 15, 15, `ticks/fx/EURUSD/${NAME}__1.csv`],
  );
  const rows = [...(await rowsOf(folder.path)).values()].flat();
  assert.deepEqual(rows.map(keyOf).sort(), SECONDS.map(keyOf).sort());
  const second = await ingest(folder.path, vendor([...SECONDS].reverse()));
  assert.deepEqual([second.days[0]?.outcome, second.added], ["unchanged", 0]);
});

Deno.test("days that may not be touched are named with the reason, and the others are done", async () => {
  await using folder = await tempFolder();
  await openDay(folder.path, stamped(SECONDS));
  const next = at(DAY_MS);
  const { days, refused, added } = await ingest(folder.path, vendor([...SECONDS, next]), {
    toMs: DAY_FROM_MS + 3 * DAY_MS,
    nowMs: DAY_FROM_MS + 2 * DAY_MS + 3_600_000,
  });
  assert.deepEqual(days.map(({ outcome }) => outcome), ["skipped", "added", "skipped"]);
  assert.equal(added, 1);
  assert.match(refused[0]?.reason ?? "", /2025-12-22 of EURUSD is open/);
  assert.match(refused[1]?.reason ?? "", /2025-12-24 is not over/);
});

Deno.test("a vendor that fails thrice fails that day alone; a clock that is unknown skips it", async () => {
  await using folder = await tempFolder();
  const source = vendor(SECONDS);
  source.answer = (reading) => {
    if (reading < 3) throw new Error("no history now");
    return [at(DAY_MS)];
  };
  const two = { toMs: DAY_FROM_MS + 2 * DAY_MS, nowMs: LATER_MS + DAY_MS };
  const { days } = await ingest(folder.path, source, two);
  assert.deepEqual(days.map(({ outcome }) => outcome), ["failed", "added"]);
  assert.match(days[0]?.reason ?? "", /no history now/);
  const unknown = () => {
    throw new RangeError("Cannot convert a time: the rule is not known");
  };
  const clock = { toServerMs: unknown, toUtcMs: unknown };
  const skipped = await ingest(folder.path, vendor(SECONDS), { clock });
  assert.match(skipped.refused[0]?.reason ?? "", /the rule is not known/);
});

Deno.test("a dry run writes nothing, and an end in time is no failure", async () => {
  await using folder = await tempFolder();
  const dry = await ingest(folder.path, vendor(SECONDS), { dryRun: true });
  assert.deepEqual([dry.added, [...Deno.readDirSync(folder.path)]], [30, []]);
  const stopped = await ingest(folder.path, vendor(SECONDS), { signal: AbortSignal.abort() });
  assert.deepEqual(stopped.days, []);
});

Deno.test("a disordered vendor's two days become two files without a tick lost or repeated", async () => {
  await using folder = await tempFolder();
  const nowMs = DAY_FROM_MS + 2 * DAY_MS + 600_000, midnightMs = DAY_FROM_MS + DAY_MS;
  // Around midnight only, where ticks may come on the wrong side.
  const market = (disorder?: { seed: number; lateMs: number }) =>
    new SimulatedSource({
      ...{ seed: 5, ticksPerSecond: 80, alwaysOpen: true, clock: ZONE, now: () => nowMs },
      ...{ historyMs: 4 * DAY_MS, barHistoryMs: DAY_MS },
      ...{ fromUtcMs: midnightMs - 120_000, untilUtcMs: midnightMs + 120_000 },
      ...(disorder === undefined ? {} : { disorder }),
    });
  const symbols = [{ ...EURUSD, rawName: "EURUSD" }];
  const options = { symbols, toMs: DAY_FROM_MS + 2 * DAY_MS, nowMs };
  const first = await ingest(folder.path, market({ seed: 1, lateMs: 3000 }), options);
  assert.deepEqual(first.days.map(({ outcome }) => outcome), ["added", "added"]);
  const again = await ingest(folder.path, market({ seed: 2, lateMs: 3000 }), options);
  assert.deepEqual(again.days.map(({ outcome }) => outcome), ["unchanged", "unchanged"]);
  const inOrder = await ingest(folder.path, market(), options);
  assert.equal(inOrder.added, 0);
  assert.equal(inOrder.received, first.received);
});

Deno.test("tick logging writes the live ticks of a moment where nothing takes them for a day", async () => {
  await using folder = await tempFolder();
  const source = vendor(SECONDS);
  source.live = [at(5), at(6)];
  await using bridge = await startBridge(source);
  const { signal } = new AbortController();
  await using connection = await connectBridge({ host: "127.0.0.1", port: bridge.port, signal });
  const [snapshot] = await logTicks({
    ...{ dataDir: folder.path, connection, symbols: [EURUSD], clock: statedClock(ZONE), signal },
    forMs: 300,
  });
  assert.equal(snapshot?.ticks, 2);
  assert.match(snapshot?.file ?? "", /^diagnostics\/ticks_\d{8}T\d{6}Z_EURUSD\.csv$/);
  const lines = (await Deno.readTextFile(`${folder.path}/${snapshot?.file}`)).split("\n");
  assert.equal(
    lines[2],
    `${(DAY_FROM_MS + 6) / 1000},${(DAY_FROM_MS + 6 + OFFSET_MS) / 1000},` +
      `1.1,1.2,,,6,${DAY_FROM_MS + 6}-0`,
  );
  source.live = [];
  const none = await logTicks({
    ...{ dataDir: folder.path, connection, symbols: [EURUSD], clock: statedClock(ZONE), signal },
    forMs: 50,
  });
  assert.deepEqual(none, [{ symbol: "EURUSD", ticks: 0 }]);
});
