import assert from "node:assert/strict";
import { readManifest } from "../../../../lib/capture/manifest.ts";
import { compareParquet } from "../../../../lib/capture/parquet/compare.ts";
import { copyTickFile } from "../../../../lib/capture/parquet/copy.ts";
import { keyValuesOf } from "../../../../lib/capture/parquet/key_values.ts";
import { proofOfTicks } from "../../../../lib/capture/parquet/proof.ts";
import { ROW_GROUP_ROWS } from "../../../../lib/capture/parquet/row_group.ts";
import { readKeyValues, TableParts } from "../../../../lib/capture/parquet/table_file.ts";
import {
  TICK_TABLE,
  TICKS_SORTED_BY,
  valuesOfTicks,
} from "../../../../lib/capture/parquet/tables.ts";
import { TickColumns } from "../../../../lib/capture/tick_columns.ts";
import type { TickRow } from "../../../../lib/capture/tick_row.ts";
import { sealRows, walkingRows } from "../../../support/sealed_day.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

const CSV = "ticks/fx/EURUSD/2025-12-22.csv";
const COPY = "parquet/ticks/fx/EURUSD/2025-12-22.parquet";

/** Puts other rows, or other words about them, in the place of a copy. */
async function forge(
  dataDir: string,
  rows: readonly TickRow[],
  keyValues: (of: Map<string, string>) => Map<string, string> = (of) => of,
): Promise<void> {
  const columns = new TickColumns(rows.length);
  for (const row of rows) columns.push(row);
  const parts = new TableParts(TICK_TABLE, TICKS_SORTED_BY);
  const proof = await proofOfTicks(dataDir, CSV);
  const said = keyValues(keyValuesOf(proof, { rows: rows.length, sortedBy: TICKS_SORTED_BY }));
  const bytes = [...parts.rows(valuesOfTicks(columns), columns.count), ...parts.end(said)];
  await Deno.writeFile(`${dataDir}/${COPY}`, new Uint8Array(bytes.flatMap((part) => [...part])));
}

async function differencesAfter(
  change: (dataDir: string, rows: TickRow[]) => Promise<void>,
): Promise<string[]> {
  await using folder = await tempFolder();
  const rows = [...walkingRows(1000)];
  await sealRows(folder.path, rows);
  await copyTickFile(folder.path, CSV);
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
  await change(folder.path, rows);
  return await compareParquet(folder.path, CSV);
}

Deno.test("a sealed day of several row groups has a copy that gives it back byte for byte", async () => {
  await using folder = await tempFolder();
  const rows = 2 * ROW_GROUP_ROWS + 17;
  const manifest = await sealRows(folder.path, walkingRows(rows));
  const copied = await copyTickFile(folder.path, CSV);
  assert.equal(copied.path, COPY);
  assert.equal(copied.rows, rows);
  assert.equal(copied.csvBytes, manifest.bytes);
  assert.equal(copied.bytes, (await Deno.stat(`${folder.path}/${COPY}`)).size);
  assert.ok(copied.bytes * 5 < copied.csvBytes, `${copied.bytes} of ${copied.csvBytes} bytes`);
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
  const said = await readKeyValues(`${folder.path}/${COPY}`);
  assert.equal(said.get("arbitrex.csv_sha256"), manifest.sha256);
  assert.equal(said.get("arbitrex.cycle_id"), manifest.cycle_id);
  assert.equal(said.get("arbitrex.symbol"), "EURUSD");
  assert.equal(said.get("arbitrex.sorted_by"), "id_ms,id_n");
});

Deno.test("a changed value, a dropped row and an added row are found, with their line", async () => {
  const changed = await differencesAfter((dataDir, rows) =>
    forge(dataDir, rows.map((row, at) => at === 499 ? { ...row, bid: row.bid + 0.00001 } : row))
  );
  assert.match(changed.join("\n"), /^line 501 is .* in the CSV file and .* in the copy$/);
  const zero = await differencesAfter((dataDir, rows) =>
    forge(dataDir, rows.map((row, at) => at === 0 ? { ...row, last: NaN, volume: 0 } : row))
  );
  assert.match(zero.join("\n"), /^line 2 is/);
  const dropped = await differencesAfter((dataDir, rows) => forge(dataDir, rows.toSpliced(500, 1)));
  assert.match(dropped.join("\n"), /line 502 is/);
  assert.match(dropped.join("\n"), /arbitrex\.rows is 999|line/);
  const short = await differencesAfter((dataDir, rows) => forge(dataDir, rows.slice(0, -1)));
  assert.match(short.join("\n"), /line 1001 of the CSV file and what follows is not in the copy/);
  const last = (rows: TickRow[]) => rows[rows.length - 1] ?? assert.fail();
  const added = await differencesAfter((dataDir, rows) =>
    forge(dataDir, [...rows, { ...last(rows), id: { ms: last(rows).id.ms + 1, n: 0 } }])
  );
  assert.match(added.join("\n"), /line 1002 is absent in the CSV file/);
});

Deno.test("metadata of another file, or none, are found", async () => {
  const swapped = await differencesAfter((dataDir, rows) =>
    forge(dataDir, rows, (of) => of.set("arbitrex.manifest_sha256", "0".repeat(64)))
  );
  assert.match(swapped.join("\n"), /^arbitrex\.manifest_sha256 is 0+ in the copy, and should be/);
  const none = await differencesAfter((dataDir, rows) => forge(dataDir, rows, () => new Map()));
  assert.equal(none.length, 7);
  const other = await differencesAfter((dataDir, rows) =>
    forge(dataDir, rows, (of) => of.set("arbitrex.symbol", "GBPUSD"))
  );
  assert.deepEqual(other, ["arbitrex.symbol is GBPUSD in the copy, and should be EURUSD"]);
});

Deno.test("a CSV file that changed after its copy was made is found", async () => {
  const found = await differencesAfter(async (dataDir) => {
    const bytes = await Deno.readFile(`${dataDir}/${CSV}`);
    const at = bytes.lastIndexOf("1".charCodeAt(0));
    bytes[at] = "2".charCodeAt(0);
    await Deno.writeFile(`${dataDir}/${CSV}`, bytes);
  });
  assert.match(found.join("\n"), /line \d+ is/);
  assert.match(found.join("\n"), /arbitrex\.csv_sha256/);
});

Deno.test("a missing, a cut and a foreign copy are told as such", async () => {
  const missing = await differencesAfter((dataDir) => Deno.remove(`${dataDir}/${COPY}`));
  assert.deepEqual(missing, [`the copy ${COPY} is missing`]);
  const cut = await differencesAfter(async (dataDir) => {
    const bytes = await Deno.readFile(`${dataDir}/${COPY}`);
    await Deno.writeFile(`${dataDir}/${COPY}`, bytes.subarray(0, bytes.length / 2));
  });
  assert.match(cut.join("\n"), /cannot be read/);
  const foreign = await differencesAfter((dataDir) =>
    Deno.writeTextFile(`${dataDir}/${COPY}`, "not Parquet")
  );
  assert.match(foreign.join("\n"), /cannot be read/);
});

Deno.test("a single changed bit anywhere in a copy is found", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(500));
  await copyTickFile(folder.path, CSV);
  const good = await Deno.readFile(`${folder.path}/${COPY}`);
  const rounds = 300;
  for (let round = 0; round < rounds; round++) {
    const bytes = good.slice(), at = Math.floor(round * bytes.length / rounds);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
    await Deno.writeFile(`${folder.path}/${COPY}`, bytes);
    assert.equal(
      (await compareParquet(folder.path, CSV)).length,
      1,
      `byte ${at} of ${bytes.length}`,
    );
  }
  await Deno.writeFile(`${folder.path}/${COPY}`, good);
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
});

Deno.test("a file that is not what its manifest says gets no copy, and keeps the one it has", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(1000));
  await copyTickFile(folder.path, CSV);
  const copy = await Deno.readFile(`${folder.path}/${COPY}`);
  const lines = (await Deno.readTextFile(`${folder.path}/${CSV}`)).split("\n");
  await Deno.writeTextFile(`${folder.path}/${CSV}`, lines.toSpliced(10, 1).join("\n"));
  await assert.rejects(copyTickFile(folder.path, CSV), /999 rows .* in the record 1000/s);
  [lines[10], lines[11]] = [lines[11] ?? "", lines[10] ?? ""];
  await Deno.writeTextFile(`${folder.path}/${CSV}`, lines.join("\n"));
  await assert.rejects(copyTickFile(folder.path, CSV), /row 11 is out of order/);
  [lines[10], lines[11]] = [lines[11] ?? "", lines[10] ?? ""];
  await Deno.writeTextFile(`${folder.path}/${CSV}`, lines.join("\n") + "torn");
  await assert.rejects(copyTickFile(folder.path, CSV), /without its end/);
  assert.deepEqual(await Deno.readFile(`${folder.path}/${COPY}`), copy);
  const left = [...Deno.readDirSync(`${folder.path}/parquet/ticks/fx/EURUSD`)];
  assert.deepEqual(left.map(({ name }) => name).filter((name) => !/lock|owner/.test(name)), [
    "2025-12-22.parquet",
  ]);
});

Deno.test("a file without a manifest gets no copy", async () => {
  await using folder = await tempFolder();
  const { cycle_id } = await sealRows(folder.path, walkingRows(10));
  await Deno.remove(`${folder.path}/metadata/ingestion_logs/${cycle_id}.json`);
  await assert.rejects(copyTickFile(folder.path, CSV), /no record that names it/);
  assert.equal(await readManifest(folder.path, cycle_id), undefined);
});

Deno.test("a disk that refuses leaves the CSV file alone and no half copy", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(1000));
  const csv = await Deno.readFile(`${folder.path}/${CSV}`);
  await Deno.mkdir(`${folder.path}/${COPY}.tmp`, { recursive: true });
  await Deno.writeTextFile(`${folder.path}/${COPY}.tmp/in_the_way`, "");
  await assert.rejects(copyTickFile(folder.path, CSV));
  await assert.rejects(Deno.stat(`${folder.path}/${COPY}`), Deno.errors.NotFound);
  assert.deepEqual(await Deno.readFile(`${folder.path}/${CSV}`), csv);
  await Deno.remove(`${folder.path}/${COPY}.tmp`, { recursive: true });
  await copyTickFile(folder.path, CSV);
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
});

Deno.test("two that copy the same file at once leave one good copy", async () => {
  await using folder = await tempFolder();
  await sealRows(folder.path, walkingRows(5000));
  await Promise.all([1, 2, 3].map(() => copyTickFile(folder.path, CSV)));
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
});
