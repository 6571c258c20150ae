import assert from "node:assert/strict";
import { type BarCycle, listCycles } from "../../../../lib/capture/bars/bar_cycle.ts";
import { sha256Of } from "../../../../lib/capture/chain.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { FOLDER, hours, record, store } from "./series.ts";

const SERIES = { symbol: "EURUSD", timeframe: "1H" } as const;
const NOTHING = { files: [], unchanged: 0, removed: 0 };

Deno.test("a record is named by its second, and the second one of a second gets a number", async () => {
  await using folder = await tempFolder();
  const first = await record(folder.path, NOTHING);
  const second = await record(folder.path, NOTHING, { bars_received: 47, status: "PARTIAL" });
  assert.equal(first.cycle_id, "2025-12-30T094532Z_EURUSD_1H");
  assert.equal(second.cycle_id, "2025-12-30T094532Z_EURUSD_1H__1");
  const logs = `${folder.path}/metadata/ingestion_logs`;
  const bytes = await Deno.readFile(`${logs}/${first.cycle_id}.json`);
  assert.deepEqual(second.previous, { cycle_id: first.cycle_id, sha256: sha256Of(bytes) });
  assert.deepEqual(await listCycles(folder.path, SERIES), [first, second]);
});

Deno.test("what was stored and not recorded is told again until a record names it", async () => {
  await using folder = await tempFolder();
  const answer = { bars: hours(0, 30), nowHour: 30 };
  const { files } = await store(folder.path, answer);
  assert.deepEqual((await store(folder.path, answer)).files, files);
  const grown = await store(folder.path, { bars: hours(24, 48), nowHour: 48 });
  const paths = [`${FOLDER}/2025-12-22.csv`, `${FOLDER}/2025-12-23.csv`];
  assert.deepEqual(grown.files.map(({ path }) => path), paths);
  await record(folder.path, grown);
  assert.deepEqual((await store(folder.path, answer)).files, []);
});

Deno.test("a record of a part leaves the rest to be told", async () => {
  await using folder = await tempFolder();
  const stored = await store(folder.path, { bars: hours(0, 48) });
  await record(folder.path, { ...stored, files: stored.files.slice(0, 1) });
  const { files } = await store(folder.path, { bars: hours(0, 48) });
  assert.deepEqual(files, stored.files.slice(1));
});

Deno.test("a broken chain is followed to the break, which is named", async () => {
  await using folder = await tempFolder();
  const cycles: BarCycle[] = [];
  for (const minute of [10, 20, 30]) {
    const ingestion_time_utc = `2025-12-30T09:${minute}:00.000Z`;
    cycles.push(await record(folder.path, NOTHING, { ingestion_time_utc }));
  }
  const path = `${folder.path}/metadata/ingestion_logs/${cycles[1]?.cycle_id}.json`;
  const list = async () => {
    const problems: string[] = [];
    const onProblem = (message: string) => problems.push(message);
    return { found: await listCycles(folder.path, { ...SERIES, onProblem }), problems };
  };
  assert.deepEqual(await list(), { found: cycles, problems: [] });
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("SUCCESS", "PARTIAL"));
  const changed = await list();
  assert.deepEqual(changed.found, cycles.slice(2));
  assert.match(changed.problems.join(), /T092000Z_EURUSD_1H\.json: it was changed/);
  await Deno.remove(path);
  assert.match((await list()).problems.join(), /T092000Z_EURUSD_1H\.json: it is missing/);
});
