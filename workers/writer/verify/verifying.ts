import { compareParquet } from "../../../lib/capture/parquet/compare.ts";
import { parquetPath } from "../../../lib/capture/parquet/parquet_path.ts";
import { BarProofs } from "../../../lib/capture/parquet/proof.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { pause } from "../../../lib/program/pause.ts";
import { placeOf } from "../data_files.ts";
import { severalAtOnce } from "../several_at_once.ts";
import { checkAudits } from "./audit_check.ts";
import { BarCheck } from "./bar_check.ts";
import { checkChain } from "./chain_check.ts";
import { ChainRecords } from "./chain_records.ts";
import { type Difference, Findings, seenTwice } from "./difference.ts";
import { type ChainIndex, type FolderIndex, indexFolder } from "./folder_index.ts";
import { checkMetadata } from "./metadata_check.ts";
import { TickCheck } from "./tick_check.ts";
import type { VerifyOptions } from "./verify_options.ts";

export interface Verification {
  /** CSV files of ticks and bars. */
  readonly files: number;
  readonly rows: number;
  readonly bars: number;
  readonly manifests: number;
  readonly bytes: number;
  /** Sorted by path; notes are among them. */
  readonly differences: readonly Difference[];
}

/**
 * Reads a data folder again, a few series at a time and each file in pieces, and names every
 * difference. Programs may be writing it: what seems wrong is looked at a second time after a pause,
 * and only what both looks found is told. Writes nothing.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const index = await indexFolder(options.dataDir);
  const wanted = new Set(options.symbols.map((symbol) => symbolFolder(symbol)));
  const isWanted = (chain: string) =>
    wanted.size === 0 || wanted.has(chain.slice(0, chain.lastIndexOf("_")));
  const chains = [...index.chains.keys()].filter(isWanted).sort();
  const total = new Findings(), suspects: { chain: string | undefined; first: Difference[] }[] = [];
  let done = 0;
  const look = async (chain: string | undefined) => {
    const findings = await lookAt(chain, { index, options });
    for (const fact of ["files", "rows", "bars", "manifests", "bytes"] as const) {
      total[fact] += findings[fact];
    }
    const first = findings.differences;
    if (first.length > 0) suspects.push({ chain, first });
    if (chain !== undefined) done++;
    const { files, bytes } = total;
    options.onProgress?.({ series: done, ofSeries: chains.length, files, bytes });
  };
  if (wanted.size === 0) await look(undefined);
  await severalAtOnce(chains, options.workers, look);

  const differences: Difference[] = [];
  if (suspects.length > 0) {
    await pause(options.recheckMs);
    const later = await indexFolder(options.dataDir);
    await severalAtOnce(suspects, options.workers, async ({ chain, first }) => {
      const again = await lookAt(chain, { index: later, options });
      differences.push(...seenTwice(first, again.differences));
    });
  }
  const { files, rows, bars, manifests, bytes } = total;
  differences.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return { files, rows, bars, manifests, bytes, differences };
}

/** One series; or, without its name, what belongs to the folder as a whole. */
async function lookAt(
  chain: string | undefined,
  { index, options }: { index: FolderIndex; options: VerifyOptions },
): Promise<Findings> {
  const findings = new Findings();
  if (chain === undefined) {
    await checkMetadata(options.dataDir, { index, findings });
    return findings;
  }
  const series = index.chains.get(chain);
  if (series === undefined) return findings;
  const isTicks = chain.endsWith("_TICK"), paths = series.manifests;
  const records = await ChainRecords.read(options.dataDir, { paths, isTicks, findings });
  await checkChain(options.dataDir, series, { links: records.links, findings });
  if (isTicks) {
    await new TickCheck({ index: series, records: records.ticks, findings }, options).run();
    await checkAudits(options.dataDir, { index: series, records: records.ticks, findings });
  } else {
    await new BarCheck({ index: series, records: records.bars, findings }, options).run();
  }
  if (!options.quick) await checkParquet({ series, index, findings }, options);
  return findings;
}

async function checkParquet(
  { series, index, findings }: { series: ChainIndex; index: FolderIndex; findings: Findings },
  { dataDir }: VerifyOptions,
): Promise<void> {
  const proofs = new BarProofs(dataDir);
  for (const path of series.csv) {
    const place = placeOf(path), copy = parquetPath(path);
    if (place.kind !== "csv" || !place.sealed || !index.parquet.has(copy)) continue;
    try {
      for (const what of await compareParquet(dataDir, path, { proofs })) {
        findings.damage(copy, what);
      }
    } catch (cause) {
      findings.damage(copy, `it cannot be compared: ${messageOf(cause)}`);
    }
  }
}
