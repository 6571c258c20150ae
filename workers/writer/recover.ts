import { compareIds, formatId, NO_TICK, parseId, type TickId } from "../../lib/market/tick_id.ts";
import {
  cycleId,
  type Day,
  type DayFileName,
  dayOf,
  listDayFiles,
  openName,
  ticksFolder,
} from "../../lib/capture/day_path.ts";
import type { Market } from "../../lib/market/universe.ts";
import { scanDayFile } from "../../lib/capture/day_scan.ts";
import { readManifest } from "../../lib/capture/manifest.ts";
import { publishedPart } from "../../lib/capture/seal.ts";
import type { TickRow } from "../../lib/capture/tick_row.ts";
import { CaptureStopped } from "./capture_stopped.ts";

/** What a symbol's files say of how far it was captured. Finding it changes nothing on the disk. */
export interface Recovered {
  /** The last whole row that every row before it is in front of; NO_TICK when there is none. */
  readonly position: TickId;
  /** That row, where it could be read. */
  readonly lastRow?: TickRow;
  /** Open files and how many of their bytes are good; what follows in them is read again. */
  readonly open: readonly { readonly day: Day; readonly goodBytes: number }[];
  /** Days that had got their final name when a program ended: to be sealed to the end. */
  readonly halfSealed: readonly Day[];
  /** What was found broken, a line for each file. */
  readonly damages: readonly string[];
}

/**
 * Reads the files of a symbol; `committed` is what the log says was on the disk before.
 * @throws CaptureStopped when the files contradict each other, so that a person must look.
 */
export async function recover(
  { dataDir, symbol, market, committed }: {
    dataDir: string;
    symbol: string;
    market: Market;
    committed: TickId;
  },
): Promise<Recovered> {
  const folder = `${dataDir}/${ticksFolder(symbol, market)}`;
  const files = await listDayFiles(folder);
  const open: { day: Day; goodBytes: number }[] = [];
  const halfSealed: Day[] = [], damages: string[] = [];
  let position = NO_TICK, lastRow: TickRow | undefined;

  const sealed = await lastCaptured(dataDir, symbol, files);
  if (sealed !== undefined) {
    const scan = await scanDayFile(`${folder}/${sealed.name}`, sealed.day);
    if (scan.damage !== undefined) {
      throw new CaptureStopped(
        `Cannot go on after ${folder}/${sealed.name} as a sealed file: current value has ${scan.damage}`,
      );
    }
    position = scan.lastId;
    lastRow = scan.lastRow;
  }

  let broken = false;
  for (const { day } of files.filter((file) => !file.sealed)) {
    if (await publishedPart(dataDir, { symbol, market, day }) !== undefined) {
      halfSealed.push(day);
      continue;
    }
    const path = `${folder}/${openName(day)}`;
    const scan = await scanDayFile(path, day);
    if (broken) {
      // What lies after a hole is read from the log again, so that the rows stay in order.
      open.push({ day, goodBytes: 0 });
      continue;
    }
    if (scan.rows > 0 && compareIds(scan.firstId, position) <= 0) {
      throw new CaptureStopped(
        `Cannot go on with ${path} as later than ${formatId(position)}: current value begins at ${
          formatId(scan.firstId)
        }`,
      );
    }
    if (scan.damage !== undefined) {
      broken = true;
      damages.push(`${path} after byte ${scan.goodBytes} of ${scan.fileBytes}: ${scan.damage}`);
    }
    open.push({ day, goodBytes: scan.rows === 0 ? 0 : scan.goodBytes });
    if (scan.lastRow !== undefined) {
      position = scan.lastId;
      lastRow = scan.lastRow;
    }
  }

  const archived = await archivedPosition({ dataDir, symbol, committed });
  const rest = { open, halfSealed, damages };
  if (open.length === 0 && compareIds(archived, position) > 0) {
    return { position: archived, ...rest };
  }
  return { position, ...(lastRow === undefined ? {} : { lastRow }), ...rest };
}

/**
 * The newest sealed file that capture wrote. What a vendor's history or an audit added afterwards has
 * its manifest and says nothing of how far capture was.
 */
async function lastCaptured(
  dataDir: string,
  symbol: string,
  files: readonly DayFileName[],
): Promise<DayFileName | undefined> {
  for (const file of files.filter(({ sealed }) => sealed).reverse()) {
    const manifest = await readManifest(dataDir, cycleId(symbol, file));
    if ((manifest?.origin ?? "capture") === "capture") return file;
  }
  return undefined;
}

/** Sealed files may be moved to an archive; their manifests stay and say how far they went. */
async function archivedPosition(
  { dataDir, symbol, committed }: { dataDir: string; symbol: string; committed: TickId },
): Promise<TickId> {
  let position = NO_TICK;
  if (committed.ms === 0) return position;
  for (let part = 0;; part++) {
    const manifest = await readManifest(
      dataDir,
      cycleId(symbol, { day: dayOf(committed.ms), part }),
    );
    if (manifest === undefined) return position;
    if (manifest.origin === "capture") position = parseId(manifest.last_id);
  }
}
