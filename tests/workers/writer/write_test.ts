import assert from "node:assert/strict";
import { openLog } from "../../../lib/log/open_log.ts";
import { NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import { formatId, nextId } from "../../../lib/market/tick_id.ts";
import { Ticks } from "../../../lib/market/tick.ts";
import { recover } from "../../../workers/writer/recover.ts";
import { damagesIn } from "./damages.ts";

const MAIN = new URL("../../../workers/writer/main.ts", import.meta.url).href;
const FEED = "simulated:test:EURUSD";
const START_MS = Date.UTC(2025, 11, 22, 23, 59, 58);
const HEADER = "timestamp_utc,timestamp_broker,bid,ask,last,volume,flags,id";

/** Rows written by code that shares nothing with the writer. */
async function fillLog(dataDir: string, count: number): Promise<Map<string, string[]>> {
  await using log = await openLog({ backend: "sqlite", dataDir, kind: "simulated" });
  const ticks = Ticks.ofLength(count);
  const rowsByDay = new Map<string, string[]>();
  let id: TickId = NO_TICK;
  for (let index = 0; index < count; index++) {
    // Repeated and late milliseconds among the others.
    const utcMs = START_MS + Math.floor(index / 2) * 10 - (index % 50 === 49 ? 500 : 0);
    const bid = (108000 + index % 97) / 1e5, serverMs = utcMs + 7_200_000;
    ticks.set(index, { serverMs, bid, ask: bid + 0.5, last: NaN, volume: NaN, flags: 6 });
    ticks.setUtcMs(index, utcMs);
    id = nextId(id, utcMs);
    const day = new Date(id.ms).toISOString().slice(0, 10);
    const row = [
      (utcMs / 1000).toFixed(3),
      (serverMs / 1000).toFixed(3),
      bid,
      bid + 0.5,
      "",
      "",
      6,
      formatId(id),
    ];
    rowsByDay.set(day, [...rowsByDay.get(day) ?? [], row.join(",")]);
  }
  const [result] = await log.append([{
    symbol: "EURUSD",
    feed: FEED,
    expectedTail: NO_TICK,
    ticks,
  }]);
  assert.equal(result?.outcome, "appended");
  const watermarkMs = START_MS + count * 10;
  await log.mark([{ symbol: "EURUSD", feed: FEED, watermarkMs, ended: true }]);
  return rowsByDay;
}

async function runWriter(dataDir: string, failPoint?: string): Promise<number> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN],
    env: {
      DATA_DIR: dataDir,
      DATA_KIND: "simulated",
      HEALTH_PORT: "0",
      ONCE: "1",
      ...(failPoint === undefined ? {} : { FAIL_POINT: failPoint }),
    },
  }).output();
  if (code !== 0 && code !== 137) {
    throw new Error(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  }
  return code;
}

async function assertFilesEqual(dataDir: string, rowsByDay: Map<string, string[]>): Promise<void> {
  for (const [day, rows] of rowsByDay) {
    const text = await Deno.readTextFile(`${dataDir}/ticks/fx/EURUSD/${day}.csv`);
    assert.equal(text, [HEADER, ...rows, ""].join("\n"));
  }
  assert.deepEqual(await damagesIn(dataDir), []);
}

Deno.test("a log over midnight becomes two sealed files that equal it row by row", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    const rowsByDay = await fillLog(dataDir, 1000);
    assert.equal(rowsByDay.size, 2);
    assert.equal(await runWriter(dataDir), 0);
    await assertFilesEqual(dataDir, rowsByDay);
    await Deno.writeTextFile(`${dataDir}/ticks/fx/EURUSD/2025-12-22.csv`, "x", { append: true });
    assert.match((await damagesIn(dataDir))[0]?.what ?? "", /without its end/);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

const STEPS = [
  "writer.append.before",
  "writer.append.half",
  "writer.append.half:2",
  "writer.append.after",
  "writer.sync.before",
  "writer.sync.after",
  "writer.commit.before",
  "writer.commit.after",
  ...["sync", "link", "manifest", "folder", "unlink"].flatMap((step) => [
    `seal.${step}.before`,
    `seal.${step}.after`,
  ]),
];

for (const step of STEPS) {
  Deno.test(`a writer killed at ${step} ends with the files of the log`, async () => {
    const dataDir = await Deno.makeTempDir();
    try {
      const rowsByDay = await fillLog(dataDir, 1000);
      assert.equal(await runWriter(dataDir, step), 137);
      assert.equal(await runWriter(dataDir), 0);
      await assertFilesEqual(dataDir, rowsByDay);
    } finally {
      await Deno.remove(dataDir, { recursive: true });
    }
  });
}

Deno.test("a file torn at any byte is written on from its last whole row", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    const rowsByDay = await fillLog(dataDir, 12);
    assert.equal(await runWriter(dataDir, "writer.commit.before"), 137);
    const folder = `${dataDir}/ticks/fx/EURUSD`;
    const whole = await Deno.readFile(`${folder}/2025-12-22.csv.open`);
    for (let length = 0; length <= whole.length; length++) {
      await Deno.writeFile(`${folder}/2025-12-22.csv.open`, whole.subarray(0, length));
      const found = await recover({ dataDir, symbol: "EURUSD", market: "fx", committed: NO_TICK });
      const rows = new TextDecoder().decode(whole.subarray(0, length)).split("\n").length - 2;
      const last = rowsByDay.get("2025-12-22")?.[rows - 1]?.split(",").at(-1) ?? "0-0";
      assert.equal(formatId(found.position), last, `torn after ${length} bytes`);
    }
    await Deno.writeFile(`${folder}/2025-12-22.csv.open`, whole.subarray(0, whole.length - 3));
    assert.equal(await runWriter(dataDir), 0);
    await assertFilesEqual(dataDir, rowsByDay);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
