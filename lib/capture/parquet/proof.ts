import { readManifest } from "../manifest.ts";
import { manifestPath, parseDayFileName } from "../day_path.ts";
import { sha256Of } from "../chain.ts";
import { barCycleSchema } from "../bars/bar_cycle.ts";

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

/** The records of bar files; those of one series are read once, and again when one is missing. */
export class BarProofs {
  readonly #dataDir: string;
  readonly #series = new Map<string, Map<string, Proof>>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** @throws Error when no cycle's record names the file. */
  async of(relativeCsvPath: string): Promise<Proof> {
    const [folder = "", label = ""] = relativeCsvPath.split("/").slice(-3);
    const series = `${folder}_${label}`;
    const known = this.#series.get(series)?.get(relativeCsvPath);
    if (known !== undefined) return known;
    this.#series.set(series, await this.#read(series));
    const found = this.#series.get(series)?.get(relativeCsvPath);
    if (found === undefined) throw unproven(relativeCsvPath);
    return found;
  }

  /** By path; of several records the newest counts. */
  async #read(series: string): Promise<Map<string, Proof>> {
    const logs = `${this.#dataDir}/metadata/ingestion_logs`, names: string[] = [];
    try {
      for await (const { name } of Deno.readDir(logs)) {
        const match = /^[^_]+_(.+?)(?:__\d+)?\.json$/.exec(name);
        if (match?.[1] === series) names.push(name);
      }
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
    const cycles: { writtenAt: string; proofs: (Proof & { path: string })[] }[] = [];
    for (const name of names) {
      const bytes = await Deno.readFile(`${logs}/${name}`);
      const cycle = barCycleSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
      if (!cycle.success) {
        throw new SyntaxError(`Cannot read ${name} as the record of a cycle of bars`, {
          cause: cycle.error,
        });
      }
      const { cycle_id: cycleId, symbol, timeframe, files, written_at: writtenAt } = cycle.data;
      const manifestSha256 = sha256Of(bytes);
      const proofs = files.map(({ path, sha256: csvSha256, rows }) => ({
        ...{ path, cycleId, manifestSha256, symbol, timeframe, csvSha256, rows },
      }));
      cycles.push({ writtenAt, proofs });
    }
    cycles.sort((a, b) => a.writtenAt < b.writtenAt ? -1 : a.writtenAt > b.writtenAt ? 1 : 0);
    return new Map(cycles.flatMap(({ proofs }) => proofs.map(({ path, ...it }) => [path, it])));
  }
}

function partOf(name: string): string {
  return /__\d+/.exec(name)?.[0] ?? "";
}

function unproven(path: string): Error {
  return new Error(`Cannot take ${path} as sealed: current value has no record that names it`);
}
