import { DayFile } from "../../../../lib/capture/day_file.ts";
import { dayName, dayOf, startOfDayMs } from "../../../../lib/capture/day_path.ts";
import { listDayFiles } from "../../../../lib/capture/day_path.ts";
import { scanDayFile } from "../../../../lib/capture/day_scan.ts";
import { sealDay } from "../../../../lib/capture/seal.ts";
import { readTickRow, type TickRow } from "../../../../lib/capture/tick_row.ts";
import { TickRowEncoder } from "../../../../lib/capture/tick_row_encoder.ts";
import { type Tick, Ticks } from "../../../../lib/market/tick.ts";
import type { DayHole } from "../../../../lib/capture/gaps.ts";

/** Monday 2025-12-22. */
export const DAY = dayOf(Date.UTC(2025, 11, 22));
export const DAY_FROM_MS = startOfDayMs(DAY);
/** The server's clock is two hours ahead. */
export const OFFSET_MS = 7_200_000;
export const FEED = "scripted:test:EURUSDm";
export const LATER_MS = startOfDayMs(DAY + 2);
export const OF_DAY = { symbol: "EURUSD", market: "fx", day: DAY } as const;
export const FOLDER = "ticks/fx/EURUSD";

const TICK: Tick = { serverMs: 0, bid: 1.1, ask: 1.2, last: NaN, volume: NaN, flags: 6 };

/** A tick so many ms after the day began, by UTC. */
export function at(ms: number, other: Partial<Tick> = {}): Tick {
  return { ...TICK, serverMs: DAY_FROM_MS + ms + OFFSET_MS, ...other };
}

/** Stamped, as the collector does it. */
export function stamped(ticks: readonly Tick[], offsetMs = OFFSET_MS): Ticks {
  const packed = Ticks.from(ticks);
  for (let index = 0; index < packed.count; index++) {
    packed.setUtcMs(index, packed.serverMs(index) - offsetMs);
  }
  return packed;
}

/** The ticks as the writer would have captured them, in an open file. */
export async function openDay(
  dataDir: string,
  ticks: Ticks,
  { day = DAY, firstMs = ticks.utcMs(0) }: { day?: number; firstMs?: number } = {},
): Promise<void> {
  const folder = `${dataDir}/${FOLDER}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.mkdir(`${dataDir}/metadata`, { recursive: true });
  const encoder = new TickRowEncoder();
  encoder.encode(ticks, { from: 0, firstId: { ms: firstMs, n: 0 }, endMs: Infinity });
  using file = await DayFile.open(folder, day);
  file.append(encoder.bytes);
  await file.sync();
}

/** The same, sealed. */
export async function captureDay(
  dataDir: string,
  ticks: Ticks,
  { day = DAY, firstMs, gaps = [], feed = FEED }: {
    day?: number;
    firstMs?: number;
    gaps?: readonly DayHole[];
    feed?: string;
  } = {},
): Promise<void> {
  await openDay(dataDir, ticks, { day, ...(firstMs === undefined ? {} : { firstMs }) });
  await sealDay(dataDir, { ...OF_DAY, day }, { feed, watermarkMs: 0, gaps });
}

/** Every row of every part of the day, by file; throws where a file is not good from end to end. */
export async function rowsOf(dataDir: string, day = DAY): Promise<Map<string, TickRow[]>> {
  const found = new Map<string, TickRow[]>();
  for (const file of await listDayFiles(`${dataDir}/${FOLDER}`)) {
    if (file.day !== day) continue;
    const path = `${dataDir}/${FOLDER}/${file.name}`;
    const rows: TickRow[] = [];
    const { damage } = await scanDayFile(path, day, { onRow: (row) => rows.push(row) });
    if (damage !== undefined) throw new Error(`${file.name}: ${damage}`);
    found.set(file.name, rows);
  }
  return found;
}

/** What makes two ticks alike, to compare bags of them. */
export function keyOf({ serverMs, bid, ask, last, volume, flags }: Tick): string {
  return [serverMs, bid + 0, ask + 0, last + 0, volume + 0, flags].join();
}

export function keysOf(ticks: Ticks): string[] {
  return Array.from({ length: ticks.count }, (_, index) => keyOf(ticks.get(index))).sort();
}

/** The names in the folder of the symbol that are no locks. */
export function namesIn(dataDir: string): string[] {
  return [...Deno.readDirSync(`${dataDir}/${FOLDER}`)].map(({ name }) => name)
    .filter((name) => !/\.(lock|owner\.json)$/.test(name)).sort();
}

/** Rows of a file, as the rows' reader sees them. */
export function readRow(line: string): TickRow | undefined {
  return readTickRow(new TextEncoder().encode(line));
}

export const NAME = dayName(DAY);
