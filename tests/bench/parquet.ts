import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { createGzip } from "node:zlib";
import { compareParquet } from "../../lib/capture/parquet/compare.ts";
import { copyTickFile } from "../../lib/capture/parquet/copy.ts";
import { ROW_GROUP_ROWS } from "../../lib/capture/parquet/row_group.ts";
import { TICK_TABLE, valuesOfTicks } from "../../lib/capture/parquet/tables.ts";
import { readTickLines, TickColumns } from "../../lib/capture/tick_columns.ts";
import { TICK_HEADER_BYTES } from "../../lib/capture/tick_row.ts";
import { sealRows, walkingRows } from "../support/sealed_day.ts";
import { machineLine, median } from "./table.ts";

/**
 * `deno run -A tests/bench/parquet.ts [rows] [runs]`: a sealed tick file into Parquet and back, and
 * how small it becomes.
 */
const rows = Number(Deno.args[0] ?? 5_000_000), runs = Number(Deno.args[1] ?? 5);

const folder = await Deno.makeTempDir({ prefix: "arbitrex-bench-" });
try {
  const manifest = await sealRows(folder, walkingRows(rows));
  const path = manifest.files[0]?.path ?? "";
  const csv = await Deno.readFile(`${folder}/${path}`);
  const parse: number[] = [], write: number[] = [], whole: number[] = [], compare: number[] = [];
  let parquetBytes = 0, rssAfterFirst = 0;
  for (let run = 0; run < runs; run++) {
    const [parsing, writing] = inMemory(csv);
    parse.push(rows / parsing);
    write.push(rows / writing);
    const began = performance.now();
    ({ bytes: parquetBytes } = await copyTickFile(folder, path));
    whole.push(rows / (performance.now() - began));
    const compared = performance.now();
    const differences = await compareParquet(folder, path);
    if (differences.length > 0) throw new Error(differences.join("; "));
    compare.push(rows / (performance.now() - compared));
    rssAfterFirst ||= Deno.memoryUsage().rss;
  }
  const gzipBytes = await gzipped(`${folder}/${path}`);
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const rate = (perMs: readonly number[]) => `${(median(perMs) / 1000).toFixed(2)}M rows/s`;
  console.log(`${machineLine()}; ${rows} rows, medians of ${runs}`);
  console.log("| measure | here |\n| --- | --- |");
  console.log(`| CSV → columns, in memory | ${rate(parse)} |`);
  console.log(`| columns → Parquet, in memory | ${rate(write)} |`);
  console.log(`| sealed CSV file → hashed, synced Parquet file | ${rate(whole)} |`);
  console.log(`| Parquet → CSV, compared byte for byte | ${rate(compare)} |`);
  console.log(
    `| CSV / gzip -6 / Parquet | ${megabytes(csv.length)} / ${megabytes(gzipBytes)} / ${
      megabytes(parquetBytes)
    } MB: ${(csv.length / gzipBytes).toFixed(1)} and ${
      (csv.length / parquetBytes).toFixed(1)
    } times smaller |`,
  );
  console.log(
    `| memory, with ${megabytes(csv.length)} MB of CSV held by this bench, first and last run | ${
      megabytes(rssAfterFirst)
    } / ${megabytes(Deno.memoryUsage().rss)} MB |`,
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** How long both halves take on bytes that are in memory already, ms. */
function inMemory(csv: Uint8Array): [parsing: number, writing: number] {
  const columns = new TickColumns(ROW_GROUP_ROWS), values = valuesOfTicks(columns);
  let parsing = 0, writing = 0;
  for (let at = TICK_HEADER_BYTES.length; at < csv.length;) {
    const began = performance.now();
    columns.clear();
    at = readTickLines(csv, at, columns);
    const parsed = performance.now();
    TICK_TABLE.encode(values, columns.count);
    parsing += parsed - began;
    writing += performance.now() - parsed;
  }
  return [parsing, writing];
}

async function gzipped(path: string): Promise<number> {
  let bytes = 0;
  for await (const chunk of createReadStream(path).pipe(createGzip({ level: 6 }))) {
    bytes += Buffer.byteLength(chunk);
  }
  return bytes;
}
