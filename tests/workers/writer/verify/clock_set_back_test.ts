import assert from "node:assert/strict";
import { sha256Of } from "../../../../lib/capture/chain.ts";
import { openDataFolder } from "../../../../lib/capture/data_folder.ts";
import { hours, record, store } from "../../../lib/capture/bars/series.ts";
import { tempFolder } from "../../../support/temp_folder.ts";
import { damagesIn } from "../damages.ts";

Deno.test("an open file is judged by the record that was chained last, also where the clock was set back", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder;
  await openDataFolder(dataDir, "raw");
  await record(dataDir, await store(dataDir, { bars: hours(0, 10), nowHour: 10 }));
  const last = await record(dataDir, await store(dataDir, { bars: hours(0, 12), nowHour: 12 }));
  await writeAsOf(dataDir, last.cycle_id, new Date(Date.now() - 3_600_000));
  assert.deepEqual(await damagesIn(dataDir), []);
});

/** The newest record and its head, as a program would have written them at another time. */
async function writeAsOf(dataDir: string, cycle: string, time: Date): Promise<void> {
  const path = `${dataDir}/metadata/ingestion_logs/${cycle}.json`;
  const head = `${dataDir}/metadata/chains/EURUSD_1H.json`;
  const text = await Deno.readTextFile(path);
  const other = text.replace(/"written_at": "[^"]+"/, `"written_at": "${time.toISOString()}"`);
  const [before, after] = [text, other].map((it) => sha256Of(new TextEncoder().encode(it)));
  await Deno.writeTextFile(path, other);
  const headText = await Deno.readTextFile(head);
  await Deno.writeTextFile(head, headText.replace(`${before}`, `${after}`));
}
