import type { TickLogReader } from "../../lib/log/tick_log.ts";

/**
 * Which folder a log is written into stands in the log itself, as the position of a reader that reads
 * nothing: `ms` counts the moves from folder to folder, `n` is the folder's id. Positions only go
 * forward, so of two writers that claim at once one wins on every machine.
 */
const CLAIM = "writer_folder";

/**
 * Ticks that are committed leave the log some day, so one log's ticks go to one folder.
 * @throws TypeError when the log is written into another folder.
 */
export async function claimFolder(
  log: TickLogReader,
  { folderId, adopt }: { folderId: number; adopt: boolean },
): Promise<void> {
  const claimed = (await log.committed(CLAIM)).get(CLAIM);
  if (claimed?.n === folderId) return;
  if (claimed === undefined || adopt) {
    const moves = (claimed?.ms ?? 0) + 1;
    await log.commit(CLAIM, new Map([[CLAIM, { ms: moves, n: folderId }]]));
  }
  const winner = (await log.committed(CLAIM)).get(CLAIM)?.n;
  if (winner !== undefined && winner !== folderId) {
    throw new TypeError(
      `Cannot write this log into folder ${folderId.toString(16)}: current folder is ` +
        `${winner.toString(16)} (several writers need one shared data folder; set ` +
        "WRITER_ADOPT_FOLDER=1 to move on to this one for good)",
    );
  }
}
