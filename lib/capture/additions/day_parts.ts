import type { Market } from "../../market/universe.ts";
import { cycleId, type Day, type DayFileName, listDayFiles, ticksFolder } from "../day_path.ts";
import { sealedName } from "../day_path.ts";
import { type Manifest, readManifest } from "../manifest.ts";
import { DayRefused } from "./day_refused.ts";

export interface SymbolDay {
  readonly symbol: string;
  readonly market: Market;
  readonly day: Day;
}

/** A file that holds ticks of a symbol. */
export interface Part {
  readonly name: string;
  /** By the ids of its rows. */
  readonly day: Day;
  readonly isOpen: boolean;
  /** Absent of an open file, and of one whose writer was killed before it wrote one. */
  readonly manifest?: Manifest;
}

/** Late ticks get the id of a later day; the vendor's own past never comes so late. */
const LATEST_DAYS = 8;
/** No server's clock is further from UTC. */
const GREATEST_OFFSET_MS = 15 * 3_600_000;
const DAY_MS = 86_400_000;

/**
 * The parts of one UTC day, by number.
 * @throws DayRefused when a manifest is here and its file is not: what it held cannot be compared.
 */
export async function partsOfDay(dataDir: string, of: SymbolDay): Promise<Part[]> {
  const folder = `${dataDir}/${ticksFolder(of.symbol, of.market)}`;
  const files = (await listDayFiles(folder)).filter(({ day }) => day === of.day);
  const parts = await Promise.all(files.map((file) => withManifest(dataDir, of.symbol, file)));
  const greatest = Math.max(-1, ...files.filter(({ sealed }) => sealed).map(({ part }) => part));
  for (let part = 0;; part++) {
    const name = sealedName(of.day, part);
    if (parts.some((there) => there.name === name)) continue;
    if (await readManifest(dataDir, cycleId(of.symbol, { day: of.day, part })) !== undefined) {
      throw new DayRefused(
        `Cannot compare ${folder}/${name}: its manifest is here, and the file is not`,
      );
    }
    if (part > greatest) return parts;
  }
}

/**
 * The files that may hold ticks stamped within the range: those of the day, those of days whose
 * offset was another one, and later ones with late ticks. Old ones are known by their manifests.
 */
export async function partsWithin(
  dataDir: string,
  of: SymbolDay,
  range: { fromServerMs: number; toServerMs: number },
): Promise<Part[]> {
  const folder = `${dataDir}/${ticksFolder(of.symbol, of.market)}`;
  const parts = await partsOfDay(dataDir, of);
  for (const file of await listDayFiles(folder)) {
    const away = file.day - of.day;
    if (away === 0 || away < -2 || away > LATEST_DAYS) continue;
    const part = await withManifest(dataDir, of.symbol, file);
    if (mayHold(part, range)) parts.push(part);
  }
  return parts;
}

function mayHold(
  { day, manifest }: Part,
  { fromServerMs, toServerMs }: { fromServerMs: number; toServerMs: number },
): boolean {
  const hours = manifest?.broker_utc_offsets_hours ?? [];
  const offsets = hours.length === 0
    ? [-GREATEST_OFFSET_MS, GREATEST_OFFSET_MS]
    : hours.map((hour) => hour * 3_600_000);
  const fromMs = day * DAY_MS + Math.min(...offsets);
  const toMs = (day + 1) * DAY_MS + Math.max(...offsets);
  const mayBeLate = manifest === undefined || manifest.late_ticks > 0;
  return toMs > fromServerMs && (fromMs < toServerMs || mayBeLate);
}

async function withManifest(dataDir: string, symbol: string, file: DayFileName): Promise<Part> {
  const { name, day, part, sealed } = file;
  if (!sealed) return { name, day, isOpen: true };
  const manifest = await readManifest(dataDir, cycleId(symbol, { day, part }));
  return { name, day, isOpen: false, ...(manifest === undefined ? {} : { manifest }) };
}
