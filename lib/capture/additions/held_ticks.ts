import { scanDayFile } from "../day_scan.ts";
import { ticksFolder } from "../day_path.ts";
import type { TickRow } from "../tick_row.ts";
import { DayRefused } from "./day_refused.ts";
import { type Part, partsWithin, type SymbolDay } from "./day_parts.ts";
import type { ServerRange } from "./server_day.ts";
import { TickBuffer } from "./tick_buffer.ts";

export interface Held {
  readonly rows: TickBuffer;
  readonly parts: readonly Part[];
}

/**
 * Every tick that any file of the symbol holds and whose server stamp is within the range (and wanted),
 * whatever the day of its id. Only what was asked for is kept in memory.
 * @throws DayRefused when a file is missing, torn, or not what its manifest says.
 */
export async function readHeld(
  dataDir: string,
  of: SymbolDay,
  range: ServerRange,
  isWanted: (serverMs: number) => boolean = () => true,
): Promise<Held> {
  const rows = new TickBuffer();
  const parts = await partsWithin(dataDir, of, range);
  const { fromServerMs, toServerMs } = range;
  const onRow = (row: TickRow) => {
    const { serverMs } = row;
    if (serverMs >= fromServerMs && serverMs < toServerMs && isWanted(serverMs)) rows.push(row);
  };
  for (const part of parts) await readPart(dataDir, { of, part, onRow });
  return { rows, parts };
}

/** Reads one part from end to end; the last line of an open one may still be on its way. */
export async function readPart(
  dataDir: string,
  { of, part, onRow }: { of: SymbolDay; part: Part; onRow: (row: TickRow) => void },
): Promise<void> {
  const path = `${dataDir}/${ticksFolder(of.symbol, of.market)}/${part.name}`;
  const scan = await scanOf(path, part, onRow);
  if (part.isOpen) return;
  if (scan.damage !== undefined) {
    throw new DayRefused(
      `Cannot compare ${path}: after byte ${scan.goodBytes} it has ${scan.damage}`,
    );
  }
  if (part.manifest !== undefined && part.manifest.sha256 !== scan.sha256) {
    throw new DayRefused(
      `Cannot compare ${path}: it is not the file of its manifest (\`deno task verify\` says more)`,
    );
  }
}

async function scanOf(path: string, part: Part, onRow: (row: TickRow) => void) {
  try {
    return await scanDayFile(path, part.day, { onRow });
  } catch (cause) {
    // An open file is sealed, and an old one taken to an archive, by another program.
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DayRefused(`Cannot compare ${path}: it went away meanwhile, try again`, { cause });
  }
}
