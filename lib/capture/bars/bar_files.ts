import type { Bar } from "../../market/bar.ts";
import type { Timeframe } from "../../market/timeframe.ts";
import { marketIn } from "../symbol_market.ts";
import { listCycles } from "./bar_cycle.ts";
import { type BarFileName, barsFolder, byPeriod, listBarFiles } from "./bar_path.ts";
import { decodeBars } from "./bar_row.ts";

export interface ReadBarsRequest {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** UTC opens, `[fromMs, toMs)`. */
  readonly fromMs: number;
  readonly toMs: number;
  /**
   * Reads the versions that were written by this moment, UTC ms; those that count now when absent. Of
   * a period that was open then only what is still as it was can be read: open files are replaced.
   */
  readonly asOfMs?: number;
}

/** Files read ahead of who takes their bars. */
const READ_AHEAD = 16;

/**
 * The bars of a series, oldest first, in batches of a file each. A file that is sealed or replaced
 * meanwhile is read as it is then.
 * @throws SyntaxError for a file that is not one of bars, naming file, row and value.
 */
export async function* readBars(
  dataDir: string,
  request: ReadBarsRequest,
): AsyncGenerator<Bar[]> {
  const { symbol, timeframe, toMs } = request;
  const market = await marketIn(dataDir, symbol);
  const folder = barsFolder(symbol, market, timeframe.label);
  const isWritten = await writtenBy(dataDir, folder, request);
  const choose = async (fromMs: number) => {
    const files = await listBarFiles(`${dataDir}/${folder}`, timeframe);
    return versions(files, isWritten).filter(({ period }) =>
      period.toMs > fromMs && period.fromMs < toMs
    );
  };
  let fromMs = request.fromMs, files = await choose(fromMs);
  while (files.length > 0) {
    const batch = files.splice(0, READ_AHEAD);
    const read = batch.map(({ name }) => readIfThere(`${dataDir}/${folder}/${name}`));
    for (const [index, bars] of (await Promise.all(read)).entries()) {
      if (bars === undefined) {
        // It was open when the folder was listed and is sealed by now.
        files = await choose(fromMs);
        break;
      }
      const wanted = bars.filter(({ utcMs }) => utcMs >= fromMs && utcMs < toMs);
      if (wanted.length > 0) yield wanted;
      fromMs = Math.max(fromMs, batch[index]?.period.toMs ?? fromMs);
    }
  }
}

/** The version of each period that counts, among those written in time. */
function versions(
  files: readonly BarFileName[],
  isWritten: (name: string) => boolean,
): BarFileName[] {
  return [...byPeriod(files).values()].flatMap((parts) =>
    parts.findLast(({ name }) => isWritten(name)) ?? []
  );
}

/** Whether a file was written by the moment that is asked for: the cycle records know when. */
async function writtenBy(
  dataDir: string,
  folder: string,
  { symbol, timeframe, asOfMs }: ReadBarsRequest,
): Promise<(name: string) => boolean> {
  if (asOfMs === undefined) return () => true;
  const writtenMs = new Map<string, number>();
  for (const cycle of await listCycles(dataDir, { symbol, timeframe: timeframe.label })) {
    for (const { path } of cycle.files) {
      // An open file is written again and again, a sealed one once, however often it is recorded.
      if (path.endsWith(".open") || !writtenMs.has(path)) {
        writtenMs.set(path, Date.parse(cycle.written_at));
      }
    }
  }
  return (name) => (writtenMs.get(`${folder}/${name}`) ?? Infinity) <= asOfMs;
}

async function readIfThere(path: string): Promise<Bar[] | undefined> {
  try {
    return decodeBars(await Deno.readFile(path), { path });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}
