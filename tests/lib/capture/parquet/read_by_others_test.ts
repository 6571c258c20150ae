import assert from "node:assert/strict";
import { compareParquet } from "../../../../lib/capture/parquet/compare.ts";
import { copyTickFile } from "../../../../lib/capture/parquet/copy.ts";
import { ROW_GROUP_ROWS } from "../../../../lib/capture/parquet/row_group.ts";
import { pythonWithParquet } from "../../../support/python.ts";
import { sealRows, walkingRows } from "../../../support/sealed_day.ts";
import { tempFolder } from "../../../support/temp_folder.ts";

const CSV = "ticks/fx/EURUSD/2025-12-22.csv";

async function readByOthers(ticks: string, idMs: number) {
  const script = `${import.meta.dirname}/read_by_others.py`;
  const { success, stdout, stderr } = await new Deno.Command(pythonWithParquet() ?? "python3", {
    args: [script, ticks, "-", `${idMs}`],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("polars and DuckDB read a copy: types, times, absent values, statistics, metadata", {
  ignore: pythonWithParquet() === undefined,
}, async () => {
  await using folder = await tempFolder();
  const rows = [...walkingRows(ROW_GROUP_ROWS + 5000)];
  const manifest = await sealRows(folder.path, rows);
  const { path } = await copyTickFile(folder.path, CSV);
  const sought = rows.findLast(({ id }) => id.n === 1)?.id.ms ?? assert.fail();
  const [first] = rows, last = rows.at(-1);
  const { polars, duckdb } = await readByOthers(`${folder.path}/${path}`, sought);

  const count = (of: (row: typeof rows[0]) => number) => rows.filter((row) => !isNaN(of(row)));
  const withLast = count(({ last }) => last).length, withVolume = count((it) => it.volume).length;
  const found = rows.filter(({ id }) => id.ms === sought).map(({ id }) => id.n);
  assert.deepEqual(polars.schema, {
    timestamp_utc: "Datetime(time_unit='ms', time_zone='UTC')",
    timestamp_broker: "Datetime(time_unit='ms', time_zone=None)",
    ...{ bid: "Float64", ask: "Float64", last: "Float64", volume: "Float64" },
    ...{ flags: "UInt32", id_ms: "Int64", id_n: "Int64" },
  });
  assert.equal(polars.rows, rows.length);
  assert.equal(polars.nulls.last, rows.length - withLast);
  assert.equal(polars.nulls.volume, rows.length - withVolume);
  assert.equal(polars.nulls.bid, 0);
  assert.equal(polars.nans, 0);
  assert.deepEqual(polars.found, found);
  assert.equal(polars.first_utc_ms, first?.utcMs);
  assert.equal(polars.first_broker_ms, first?.serverMs);
  assert.equal(polars.ids_sorted, true);

  assert.deepEqual(Object.fromEntries(duckdb.schema), {
    timestamp_utc: "TIMESTAMP WITH TIME ZONE",
    timestamp_broker: "TIMESTAMP",
    ...{ bid: "DOUBLE", ask: "DOUBLE", last: "DOUBLE", volume: "DOUBLE" },
    ...{ flags: "UINTEGER", id_ms: "BIGINT", id_n: "BIGINT" },
  });
  const [total, lasts, volumes, bids, flags] = duckdb.sums;
  assert.deepEqual([total, lasts, volumes], [rows.length, withLast, withVolume]);
  assert.ok(Math.abs(bids - rows.reduce((sum, { bid }) => sum + bid, 0)) < 1e-3);
  assert.equal(Number(flags), rows.reduce((sum, row) => sum + row.flags, 0));
  assert.deepEqual(duckdb.first.slice(0, 2), [first?.utcMs, first?.serverMs]);
  assert.match(duckdb.first[2], /^2025-12-22 00:00:00.*\+00$/);
  assert.deepEqual(duckdb.found.flat(), found);
  // What lets a reader skip a row group: the least and greatest id of each, apart from each other.
  const middle = rows[ROW_GROUP_ROWS]?.id.ms, before = rows[ROW_GROUP_ROWS - 1]?.id.ms;
  assert.deepEqual(duckdb.groups, [
    [ROW_GROUP_ROWS, `${first?.id.ms}`, `${before}`, "ZSTD"],
    [5000, `${middle}`, `${last?.id.ms}`, "ZSTD"],
  ]);
  assert.equal(duckdb.without_statistics, 0);
  assert.equal(duckdb.said["arbitrex.csv_sha256"], manifest.sha256);
  assert.equal(duckdb.said["arbitrex.sorted_by"], "id_ms,id_n");
  assert.deepEqual(await compareParquet(folder.path, CSV), []);
});
