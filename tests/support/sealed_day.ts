import { DayFile } from "../../lib/capture/day_file.ts";
import { dayOf } from "../../lib/capture/day_path.ts";
import type { Manifest } from "../../lib/capture/manifest.ts";
import { sealDay } from "../../lib/capture/seal.ts";
import { TickColumns } from "../../lib/capture/tick_columns.ts";
import type { TickRow } from "../../lib/capture/tick_row.ts";
import { TickRowEncoder } from "../../lib/capture/tick_row_encoder.ts";

/** Monday 2025-12-22, 00:00 UTC. */
export const SEALED_DAY_MS = Date.UTC(2025, 11, 22);

/** Writes and seals a day's tick file of an FX symbol; all rows are of one UTC day. */
export async function sealRows(
  dataDir: string,
  rows: Iterable<TickRow>,
  { symbol = "EURUSD" } = {},
): Promise<Manifest> {
  const columns = new TickColumns(10_000), encoder = new TickRowEncoder();
  let file: DayFile | undefined;
  const flush = () => {
    encoder.clear();
    encoder.encodeColumns(columns);
    file?.append(encoder.bytes);
    columns.clear();
  };
  let day = 0;
  for (const row of rows) {
    day = dayOf(row.id.ms);
    file ??= await openDay(dataDir, { symbol, day });
    columns.push(row);
    if (columns.isFull) flush();
  }
  flush();
  await file?.sync();
  file?.[Symbol.dispose]();
  return await sealDay(dataDir, { symbol, market: "fx", day }, { watermarkMs: 0, gaps: [] });
}

async function openDay(dataDir: string, { symbol, day }: { symbol: string; day: number }) {
  const folder = `${dataDir}/ticks/fx/${symbol}`;
  await Deno.mkdir(folder, { recursive: true });
  return await DayFile.open(folder, day);
}

/**
 * Ticks of a day as a market makes them: a price that walks, several in one ms now and then, some
 * late, a `last` and a `volume` on a few. The same each time.
 */
export function* walkingRows(count: number, fromMs: number = SEALED_DAY_MS): Generator<TickRow> {
  const stepMs = Math.max(1, Math.floor(86_000_000 / count));
  let seed = 42, ms = fromMs, n = 0, bid = 110_000;
  const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let index = 0; index < count; index++) {
    const step = Math.floor(random() * stepMs);
    n = step === 0 && index > 0 ? n + 1 : 0;
    ms += step;
    bid += Math.floor(random() * 5) - 2;
    const lateMs = random() < 0.01 ? Math.floor(random() * 50) : 0;
    yield {
      utcMs: ms - lateMs,
      serverMs: ms - lateMs + 7_200_000,
      bid: bid / 1e5,
      ask: (bid + 3 + Math.floor(random() * 8)) / 1e5,
      last: random() < 0.1 ? 0 : NaN,
      volume: random() < 0.1 ? 1 + Math.floor(random() * 3) : NaN,
      flags: random() < 0.5 ? 6 : 2,
      id: { ms, n },
    };
  }
}
