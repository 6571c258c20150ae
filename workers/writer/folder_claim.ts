import type { TickLogReader } from "../../lib/log/tick_log.ts";
import type { TickId } from "../../lib/market/tick_id.ts";

/**
 * Which folder a log is written into stands in the log itself, as each symbol's position of a reader
 * that reads nothing: `ms` counts the moves from folder to folder, `n` is the folder's id. Positions
 * only go forward, so of two writers that claim at once one wins; the other sees it at the next look.
 */
const CLAIM = "writer_folder";

/**
 * Ticks that are committed leave the log some day, so one log's ticks go to one folder. To be called
 * at every look at the log: a symbol that is new is claimed too.
 * @throws TypeError when the log is written into another folder.
 */
export async function claimFolder(
  log: TickLogReader,
  { folderId, adopt, symbols }: { folderId: number; adopt: boolean; symbols: readonly string[] },
): Promise<void> {
  if (symbols.length === 0) return;
  const claims = await log.committed(CLAIM);
  if (!adopt) refuseOther(claims, folderId);
  const moves = new Map<string, TickId>();
  for (const symbol of symbols) {
    const claim = claims.get(symbol);
    if (claim?.n !== folderId) moves.set(symbol, { ms: (claim?.ms ?? 0) + 1, n: folderId });
  }
  if (moves.size === 0) return;
  await log.commit(CLAIM, moves);
  refuseOther(await log.committed(CLAIM), folderId);
}

function refuseOther(claims: ReadonlyMap<string, TickId>, folderId: number): void {
  // A log that lost its end sets all positions back, down to 0 where nothing is left: no claim.
  const other = [...claims.values()].find(({ n }) => n !== folderId && n !== 0);
  if (other === undefined) return;
  throw new TypeError(
    `Cannot write this log into folder ${folderId.toString(16)}: current folder is ` +
      `${other.n.toString(16)} (several writers need one shared data folder; set ` +
      "WRITER_ADOPT_FOLDER=1 to move on to this one for good)",
  );
}
