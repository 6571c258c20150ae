import { parseArgs } from "node:util";
import { type Copied, copyBarFile, copyTickFile } from "../../../lib/capture/parquet/copy.ts";
import { BarProofs } from "../../../lib/capture/parquet/proof.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { armFailPoint } from "../../../lib/program/fail_point.ts";
import { environment, readSettings, settingNames } from "../../../lib/program/settings.ts";
import { dataDirOf } from "../../../lib/program/shared_settings.ts";
import { parquetSettings } from "./config.ts";
import { isCopied, sealedFiles } from "./sealed_files.ts";

/** `deno task parquet`: Parquet copies of all sealed files of a data folder that have none yet. */

const HELP = `deno task parquet [DATA_DIR] [--symbols EURUSD,XAUUSD] [--again]
  DATA_DIR   the data folder (default: DATA_DIR, DATA_KIND)
  --symbols  only these
  --again    also what has a copy already
Exit code 0: every file has its copy; 1: some could not be copied; 2: wrong arguments.`;

interface Summary {
  files: number;
  rows: number;
  csvBytes: number;
  bytes: number;
  fresh: number;
  failed: number;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      symbols: { type: "string" },
      again: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const settings = readSettings(parquetSettings, environment(settingNames(parquetSettings)));
  armFailPoint(settings.failPoint);
  const dataDir = positionals[0] ?? dataDirOf(settings);
  await Deno.stat(dataDir);
  const symbols = values.symbols?.split(/[\s,]+/).filter((name) => name !== "");
  const began = performance.now();
  const summary = await copyAll(dataDir, {
    again: values.again,
    ...(symbols === undefined ? {} : { folders: new Set(symbols.map(symbolFolder)) }),
  });
  const seconds = (performance.now() - began) / 1000;
  const { files, rows, csvBytes, bytes, fresh, failed } = summary;
  const megabytes = (count: number) => (count / 1e6).toFixed(1);
  console.log(
    `${files} files copied: ${rows} rows, ${megabytes(csvBytes)} MB of CSV to ${megabytes(bytes)}` +
      ` MB in ${seconds.toFixed(1)} s; ${fresh} had their copy; ${failed} failed`,
  );
  return failed === 0 ? 0 : 1;
}

async function copyAll(
  dataDir: string,
  { folders, again }: { folders?: ReadonlySet<string>; again: boolean },
): Promise<Summary> {
  const summary = { files: 0, rows: 0, csvBytes: 0, bytes: 0, fresh: 0, failed: 0 };
  const proofs = new BarProofs(dataDir);
  for await (const path of sealedFiles(dataDir, folders)) {
    try {
      if (!again && await isCopied(dataDir, path, proofs)) {
        summary.fresh++;
        continue;
      }
      const copied: Copied = path.startsWith("ticks/")
        ? await copyTickFile(dataDir, path)
        : await copyBarFile(dataDir, path, { proofs });
      summary.files++;
      summary.rows += copied.rows;
      summary.csvBytes += copied.csvBytes;
      summary.bytes += copied.bytes;
    } catch (cause) {
      summary.failed++;
      console.error(messageOf(cause));
    }
  }
  return summary;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main();
  } catch (cause) {
    console.error(messageOf(cause));
    Deno.exitCode = 2;
  }
}
