import { readManifest } from "../manifest.ts";
import { manifestPath, parseDayFileName } from "../day_path.ts";
import { parseTimeframe } from "../../market/timeframe.ts";
import { type BarCycle, cyclesBackwards } from "../bars/bar_cycle.ts";
import { chainNamed, sha256Of } from "../chain.ts";

/** What proves a sealed CSV file: the record that names it. */
export interface Proof {
  readonly cycleId: string;
  /** Of the record's bytes, in hex. */
  readonly manifestSha256: string;
  readonly symbol: string;
  /** A timeframe's label, or `TICK`. */
  readonly timeframe: string;
  /** Of the CSV file, as the record says. */
  readonly csvSha256: string;
  readonly rows: number;
}

/** @throws Error when no manifest names the file, SyntaxError when it is none. */
export async function proofOfTicks(dataDir: string, relativeCsvPath: string): Promise<Proof> {
  const [folder = "", name = ""] = relativeCsvPath.split("/").slice(-2);
  const file = parseDayFileName(name);
  const cycle = `${name.slice(0, 10)}T000000Z_${folder}_TICK${partOf(name)}`;
  const manifest = file?.sealed ? await readManifest(dataDir, cycle) : undefined;
  const entry = manifest?.files.find(({ path }) => path === relativeCsvPath);
  if (manifest === undefined || entry === undefined) throw unproven(relativeCsvPath);
  return {
    cycleId: manifest.cycle_id,
    manifestSha256: sha256Of(await Deno.readFile(`${dataDir}/${manifestPath(cycle)}`)),
    symbol: manifest.symbol,
    timeframe: "TICK",
    csvSha256: entry.sha256,
    rows: entry.rows,
  };
}

/**
 * The records of bar files. A series' chain is followed back as far as is needed and no further: what
 * was sealed last is found at once, however long the chain is.
 */
export class BarProofs {
  readonly #dataDir: string;
  readonly #series = new Map<string, SeriesProofs>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** @throws Error when no cycle's record names the file. */
  async of(relativeCsvPath: string): Promise<Proof> {
    const [folder = "", label = ""] = relativeCsvPath.split("/").slice(-3);
    const series = `${folder}_${label}`;
    const known = await this.#series.get(series)?.of(relativeCsvPath);
    if (known !== undefined) return known;
    // It may have been recorded since.
    const proofs = await SeriesProofs.open(this.#dataDir, series);
    if (proofs !== undefined) this.#series.set(series, proofs);
    const found = await proofs?.of(relativeCsvPath);
    if (found === undefined) throw unproven(relativeCsvPath);
    return found;
  }
}

class SeriesProofs {
  readonly #records: ReturnType<typeof cyclesBackwards>;
  /** Of several records that name a path the newest counts. */
  readonly #byPath = new Map<string, Proof>();
  /** One at a time follows the chain. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(records: ReturnType<typeof cyclesBackwards>) {
    this.#records = records;
  }

  /** Undefined where there is no such chain. */
  static async open(dataDir: string, series: string): Promise<SeriesProofs | undefined> {
    const { symbol, timeframe } = await chainNamed(dataDir, series) ?? {};
    const { label } = parseTimeframe(timeframe ?? "") ?? {};
    if (symbol === undefined || label === undefined) return undefined;
    return new SeriesProofs(cyclesBackwards(dataDir, { symbol, timeframe: label }));
  }

  of(path: string): Promise<Proof | undefined> {
    const proof = this.#turn.then(() => this.#find(path));
    this.#turn = proof.catch(() => {
      // Who asked hears of it.
    });
    return proof;
  }

  async #find(path: string): Promise<Proof | undefined> {
    while (!this.#byPath.has(path)) {
      const { done, value } = await this.#records.next();
      if (done) return undefined;
      this.#take(value.cycle, value.sha256);
    }
    return this.#byPath.get(path);
  }

  #take({ cycle_id: cycleId, symbol, timeframe, files }: BarCycle, manifestSha256: string): void {
    for (const { path, sha256: csvSha256, rows } of files) {
      if (this.#byPath.has(path)) continue;
      const proof = { cycleId, manifestSha256, symbol, timeframe, csvSha256, rows };
      this.#byPath.set(path, proof);
    }
  }
}

function partOf(name: string): string {
  return /__\d+/.exec(name)?.[0] ?? "";
}

function unproven(path: string): Error {
  return new Error(`Cannot take ${path} as sealed: current value has no record that names it`);
}
