import { cycleId, dayName, ticksFolder } from "../day_path.ts";
import { readManifest } from "../manifest.ts";
import { waitForLock } from "../wait_for_lock.ts";
import type { SymbolDay } from "./day_parts.ts";
import { finishParts, LEFT_BEHIND } from "./publish_part.ts";

/**
 * Publishes what a program was killed over once its manifest was written: until then the day counts as
 * one whose file is missing. Nothing where nobody was; what has no manifest yet waits for the next
 * addition.
 */
export async function finishDay(dataDir: string, of: SymbolDay): Promise<void> {
  const folder = `${dataDir}/${ticksFolder(of.symbol, of.market)}`;
  const feed = await feedLeftBehind(dataDir, of, folder);
  if (feed === undefined) return;
  using _lock = await waitForLock(folder, "additions");
  await finishParts(dataDir, { of, feed });
}

/** Of the first part whose manifest is there and whose file has not got its name yet. */
async function feedLeftBehind(
  dataDir: string,
  { symbol, day }: SymbolDay,
  folder: string,
): Promise<string | undefined> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const [, ofDay, number] = LEFT_BEHIND.exec(name) ?? [];
      if (ofDay !== dayName(day)) continue;
      const manifest = await readManifest(
        dataDir,
        cycleId(symbol, { day, part: Number(number ?? 0) }),
      );
      if (manifest?.feed) return manifest.feed;
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return undefined;
}
