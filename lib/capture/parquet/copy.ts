import { createHash } from "node:crypto";
import { NO_TICK } from "../../market/tick_id.ts";
import { failPoint } from "../../program/fail_point.ts";
import { decodeBars } from "../bars/bar_row.ts";
import { sha256Of } from "../chain.ts";
import { namingFile, syncFolder, writeWhole } from "../durable_file.ts";
import { disorderIn, readTickLines, TickColumns } from "../tick_columns.ts";
import { TICK_HEADER_BYTES } from "../tick_row.ts";
import { waitForLock } from "../wait_for_lock.ts";
import { BarColumns } from "./bar_columns.ts";
import { csvLines } from "./csv_lines.ts";
import { keyValuesOf } from "./key_values.ts";
import { parquetPath, supersededCopies } from "./parquet_path.ts";
import { BarProofs, type Proof, proofOfTicks } from "./proof.ts";
import { ROW_GROUP_ROWS } from "./row_group.ts";
import { TableParts } from "./table_file.ts";
import {
  BAR_TABLE,
  BARS_SORTED_BY,
  TICK_TABLE,
  TICKS_SORTED_BY,
  valuesOfBars,
  valuesOfTicks,
} from "./tables.ts";

/** The Parquet copy of a sealed CSV file, as it was just written. */
export interface Copied {
  /** Relative to the data folder, with `/` on every system. */
  readonly path: string;
  readonly rows: number;
  readonly csvBytes: number;
  readonly bytes: number;
}

export interface CopyOptions {
  /** Awaited between two row groups: who has other work to do waits here. */
  readonly breathe?: () => Promise<void>;
  /** Rows of a group, at most ROW_GROUP_ROWS; encoding one holds up its thread. */
  readonly groupRows?: number;
}

/**
 * Copies a sealed tick file, replacing an older copy whole; an interrupted one leaves none behind.
 * May be called by several programs at once.
 * @throws Error when the file is not what its manifest says, or not rows in order; it has no new copy
 * then. The CSV file is only read.
 */
export async function copyTickFile(
  dataDir: string,
  relativeCsvPath: string,
  { breathe = () => Promise.resolve(), groupRows = ROW_GROUP_ROWS }: CopyOptions = {},
): Promise<Copied> {
  const proof = await proofOfTicks(dataDir, relativeCsvPath);
  const parts = new TableParts(TICK_TABLE, TICKS_SORTED_BY);
  const columns = new TickColumns(Math.min(proof.rows, groupRows) || 1);
  const values = valuesOfTicks(columns);
  const hash = createHash("sha256"), path = `${dataDir}/${relativeCsvPath}`;
  return await publish(dataDir, relativeCsvPath, async (write) => {
    let previous = NO_TICK, rows = 0;
    const flush = async () => {
      const disorder = disorderIn(columns, { previous, firstRow: rows + 1 });
      if (disorder !== undefined) throw new SyntaxError(`Cannot copy ${path}: ${disorder}`);
      previous = columns.idAt(columns.count - 1);
      rows += columns.count;
      await write(parts.rows(values, columns.count));
      columns.clear();
      await breathe();
    };
    for await (const lines of csvLines(path, { header: TICK_HEADER_BYTES, hash })) {
      for (let at = 0; at < lines.length;) {
        at = readTickLines(lines, at, columns);
        if (columns.isFull) await flush();
      }
    }
    if (columns.count > 0) await flush();
    check(path, proof, { rows, csvSha256: hash.digest("hex") });
    await write(parts.end(keyValuesOf(proof, { rows, sortedBy: TICKS_SORTED_BY })));
    return rows;
  });
}

/**
 * The same for a sealed bar file, whose record must be written already. The copies of the versions
 * that it supersedes are removed, so that all copies of a series together hold each bar once.
 */
export async function copyBarFile(
  dataDir: string,
  relativeCsvPath: string,
  { proofs = new BarProofs(dataDir) }: { proofs?: BarProofs } = {},
): Promise<Copied> {
  const path = `${dataDir}/${relativeCsvPath}`;
  const proof = await proofs.of(relativeCsvPath);
  const bytes = await Deno.readFile(path), bars = decodeBars(bytes, { path });
  const parts = new TableParts(BAR_TABLE, BARS_SORTED_BY);
  check(path, proof, { rows: bars.length, csvSha256: sha256Of(bytes) });
  const copied = await publish(dataDir, relativeCsvPath, async (write) => {
    const columns = new BarColumns(Math.min(bars.length, ROW_GROUP_ROWS));
    for (const [row, bar] of bars.entries()) {
      columns.push(bar);
      if (!columns.isFull && row < bars.length - 1) continue;
      await write(parts.rows(valuesOfBars(columns), columns.count));
      columns.clear();
    }
    await write(parts.end(keyValuesOf(proof, { rows: bars.length, sortedBy: BARS_SORTED_BY })));
    return bars.length;
  });
  for (const older of supersededCopies(relativeCsvPath)) await removeIfThere(`${dataDir}/${older}`);
  return copied;
}

function check(path: string, proof: Proof, found: { rows: number; csvSha256: string }): void {
  if (found.csvSha256 === proof.csvSha256 && found.rows === proof.rows) return;
  throw new Error(
    `Cannot copy ${path} as the file of ${proof.cycleId}: current value is ${found.rows} rows with ` +
      `sha256 ${found.csvSha256}, in the record ${proof.rows} with ${proof.csvSha256}`,
  );
}

/** Beside its place, to the disk, then into its place; one program at a time in a folder. */
async function publish(
  dataDir: string,
  relativeCsvPath: string,
  fill: (write: (parts: readonly Uint8Array[]) => Promise<void>) => Promise<number>,
): Promise<Copied> {
  const path = parquetPath(relativeCsvPath), target = `${dataDir}/${path}`;
  const folder = target.slice(0, target.lastIndexOf("/")), temporary = `${target}.tmp`;
  using _lock = await waitForLock(folder, "parquet");
  try {
    let bytes = 0, rows: number;
    {
      using file = await Deno.open(temporary, {
        ...{ create: true, write: true, truncate: true, mode: 0o644 },
      });
      rows = await fill(async (parts) => {
        for (const part of parts) {
          await namingFile(temporary, () => writeWhole(file, part));
          bytes += part.length;
        }
        failPoint("parquet.rows.after");
      });
      await namingFile(temporary, () => file.sync());
    }
    failPoint("parquet.rename.before");
    await Deno.rename(temporary, target);
    await syncFolder(folder);
    const { size: csvBytes } = await Deno.stat(`${dataDir}/${relativeCsvPath}`);
    return { path, rows, csvBytes, bytes };
  } catch (cause) {
    await removeIfThere(temporary).catch(() => {
      // What made the copy fail is told; the next copy writes over what is left.
    });
    throw cause;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}
