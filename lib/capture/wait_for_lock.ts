import { FolderLock } from "../program/folder_lock.ts";
import { pause } from "../program/pause.ts";

const FIRST_TURN_MS = 2, LONGEST_TURN_MS = 50;
/** Who holds such a lock needs seconds for years of files; past this it hangs. */
const LONGEST_WAIT_MS = 120_000;

/**
 * Takes a lock that others hold for a short work only, in this process or another, and waits for it.
 * It is asked again and again: a blocking wait would take one of the few threads that also read and
 * write the files of the one who holds it.
 * @throws Error that names the owner, when it does not come free.
 */
export async function waitForLock(folder: string, name: string): Promise<FolderLock> {
  const giveUpAt = performance.now() + LONGEST_WAIT_MS;
  for (let turnMs = FIRST_TURN_MS;; turnMs = Math.min(LONGEST_TURN_MS, turnMs * 2)) {
    const lock = await FolderLock.tryTake(folder, name);
    if (lock !== undefined) return lock;
    if (performance.now() > giveUpAt) {
      const owner = await FolderLock.ownerOf(folder, name);
      throw new Error(`Cannot lock ${folder}/${name}.lock as its owner: current value is ${owner}`);
    }
    await pause(turnMs);
  }
}
