import assert from "node:assert/strict";
import { compareParquet } from "../../../../lib/capture/parquet/compare.ts";
import { sealRows, walkingRows } from "../../../support/sealed_day.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

Deno.test("a Web Worker that may touch nothing but the data folder makes a copy", async () => {
  await using folder = await tempFolder();
  const { path: dataDir } = folder, path = "ticks/fx/EURUSD/2025-12-22.csv";
  await sealRows(dataDir, walkingRows(1000));
  const worker = new Worker(new URL("./copy_in_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: { read: [dataDir], write: [dataDir] } },
  });
  try {
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.postMessage({ dataDir, path });
    const { rows } = await answer as { rows?: number };
    assert.equal(rows, 1000);
  } finally {
    worker.terminate();
  }
  assert.deepEqual(await compareParquet(dataDir, path), []);
});
