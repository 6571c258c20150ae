import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Bar } from "../../market/bar.ts";
import { messageOf } from "../../program/errors.ts";
import { encodeBars } from "../bars/bar_row.ts";
import { readWhole } from "../durable_file.ts";
import { TickColumns } from "../tick_columns.ts";
import { TICK_HEADER_BYTES } from "../tick_row.ts";
import { TickRowEncoder } from "../tick_row_encoder.ts";
import { BarColumns } from "./bar_columns.ts";
import { keyValuesOf } from "./key_values.ts";
import { parquetPath } from "./parquet_path.ts";
import { BarProofs, type Proof, proofOfTicks } from "./proof.ts";
import { TableFile } from "./table_file.ts";
import {
  BAR_TABLE,
  BARS_SORTED_BY,
  TICK_TABLE,
  TICKS_SORTED_BY,
  valuesOfBars,
  valuesOfTicks,
} from "./tables.ts";

/**
 * What differs between a sealed CSV file and its Parquet copy, in words; nothing when all is equal:
 * the copy must give the CSV file back byte for byte, and name its record and its hash. A copy that
 * is missing is a difference too; copies are made on request, so who calls this decides whether there
 * should be one.
 */
export async function compareParquet(
  dataDir: string,
  relativeCsvPath: string,
  { proofs = new BarProofs(dataDir) }: { proofs?: BarProofs } = {},
): Promise<string[]> {
  const isTicks = relativeCsvPath.startsWith("ticks/"), path = parquetPath(relativeCsvPath);
  let table: TableFile;
  try {
    table = await TableFile.open(`${dataDir}/${path}`, isTicks ? TICK_TABLE : BAR_TABLE);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [`the copy ${path} is missing`];
    return [`the copy ${path} cannot be read: ${messageOf(cause)}`];
  }
  using _ = table;
  if (!await table.isIntact()) return [`the copy ${path} is damaged: its own sha256 is another`];
  const differences: string[] = [];
  using csv = await RereadCsv.open(`${dataDir}/${relativeCsvPath}`);
  try {
    const rebuilt = isTicks ? csvOfTicks(table) : csvOfBars(table);
    differences.push(...await csv.differenceFrom(rebuilt));
  } catch (cause) {
    differences.push(`the copy ${path} cannot be read: ${messageOf(cause)}`);
  }
  const csvSha256 = await csv.sha256();
  try {
    const proof = isTicks
      ? await proofOfTicks(dataDir, relativeCsvPath)
      : await proofs.of(relativeCsvPath);
    differences.push(...wrongKeyValues(table, { ...proof, csvSha256 }, isTicks));
  } catch (cause) {
    differences.push(messageOf(cause));
  }
  return differences;
}

function wrongKeyValues({ footer }: TableFile, proof: Proof, isTicks: boolean): string[] {
  const sortedBy = isTicks ? TICKS_SORTED_BY : BARS_SORTED_BY;
  const expected = keyValuesOf(proof, { rows: footer.rows, sortedBy });
  return [...expected].flatMap(([key, value]) => {
    const found = footer.keyValues.get(key);
    if (found === value) return [];
    return [`${key} is ${found ?? "absent"} in the copy, and should be ${value}`];
  });
}

async function* csvOfTicks(table: TableFile): AsyncGenerator<Uint8Array> {
  const columns = new TickColumns(table.largestGroupRows), values = valuesOfTicks(columns);
  const encoder = new TickRowEncoder();
  yield TICK_HEADER_BYTES;
  for (const index of table.footer.rowGroups.keys()) {
    columns.count = await table.readRowGroup(index, values);
    encoder.clear();
    encoder.encodeColumns(columns);
    yield encoder.bytes;
  }
}

/** A bar file is small: its header comes with its rows. */
async function* csvOfBars(table: TableFile): AsyncGenerator<Uint8Array> {
  const columns = new BarColumns(table.largestGroupRows), bars: Bar[] = [];
  for (const index of table.footer.rowGroups.keys()) {
    columns.count = await table.readRowGroup(index, valuesOfBars(columns));
    bars.push(...columns.bars());
  }
  yield encodeBars(bars);
}

/** A CSV file, read once from its first byte to its last. */
class RereadCsv implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #hash = createHash("sha256");
  #line = 1;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  static async open(path: string): Promise<RereadCsv> {
    return new RereadCsv(await Deno.open(path, { read: true }));
  }

  /** The first line in which the file is not what the pieces are together. */
  async differenceFrom(pieces: AsyncIterable<Uint8Array>): Promise<string[]> {
    for await (const expected of pieces) {
      const found = await this.#read(expected.length);
      if (Buffer.compare(found, expected) !== 0) return [this.#inWords(found, expected)];
      for (let at = expected.indexOf(10); at !== -1; at = expected.indexOf(10, at + 1)) {
        this.#line++;
      }
    }
    const rest = await this.#read(1);
    if (rest.length === 0) return [];
    return [`line ${this.#line} of the CSV file and what follows is not in the copy`];
  }

  /** Of the whole file, the rest of it included. */
  async sha256(): Promise<string> {
    while ((await this.#read(1 << 20)).length > 0);
    return this.#hash.digest("hex");
  }

  async #read(length: number): Promise<Uint8Array> {
    const found = await readWhole(this.#file, new Uint8Array(length));
    this.#hash.update(found);
    return found;
  }

  #inWords(found: Uint8Array, expected: Uint8Array): string {
    let from = 0, line = this.#line;
    for (let at = 0; at < found.length && found[at] === expected[at]; at++) {
      if (found[at] !== 10) continue;
      from = at + 1;
      line++;
    }
    return `line ${line} is ${lineAt(found, from)} in the CSV file and ${
      lineAt(expected, from)
    } in the copy`;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function lineAt(bytes: Uint8Array, from: number): string {
  const end = bytes.indexOf(10, from);
  const line = bytes.subarray(from, Math.min(end === -1 ? bytes.length : end, from + 200));
  return line.length === 0 ? "absent" : new TextDecoder().decode(line);
}
