import { failPoint } from "../../program/fail_point.ts";
import type { Bar } from "../../market/bar.ts";
import type { Timeframe } from "../../market/timeframe.ts";
import type { Market } from "../../market/universe.ts";
import { readHead } from "../chain.ts";
import { syncFolder, writeToDisk } from "../durable_file.ts";
import { waitForLock } from "../wait_for_lock.ts";
import type { BarFile } from "./bar_file.ts";
import {
  type BarFileName,
  barsFolder,
  byPeriod,
  parseBarFileName,
  sortBarFiles,
} from "./bar_path.ts";
import { planFiles, type PlannedFile } from "./bar_plan.ts";
import { checkAnswer } from "./bar_rules.ts";
import { forSeveral } from "./several_files.ts";
import { noteUnrecorded, readUnrecorded, SERIES_LOCK } from "./unrecorded.ts";

export interface StoreBarsRequest {
  readonly dataDir: string;
  readonly symbol: string;
  /** As `claimMarket` says. */
  readonly market: Market;
  readonly timeframe: Timeframe;
  /** The vendor's answer: closed bars, oldest first. */
  readonly bars: readonly Bar[];
  /** What the vendor was asked: the UTC opens `[fromMs, toMs)`. */
  readonly range: { readonly fromMs: number; readonly toMs: number };
  /** UTC ms of the source's present. */
  readonly nowMs: number;
}

export interface StoredBars {
  /** For the cycle record: what was written, and what an earlier call wrote that no record names. */
  readonly files: readonly BarFile[];
  /** Files that held exactly this already. */
  readonly unchanged: number;
  /** Bars of the files before these that the vendor, asked for their time, no longer shows. */
  readonly removed: number;
}

/**
 * Brings an answer of a vendor into the files of a series, merged with what they hold. A file whose
 * bytes would stay the same is not touched. A period lives in `.csv.open`, replaced whole, until it is
 * over and was asked to its end; then it is sealed. A sealed file never changes: what differs from it
 * becomes the next part, which takes its place. No bar is lost: what an answer no longer shows goes
 * from a sealed file alone, which stays beside the part that lacks it. When this resolves everything is on the disk; after a
 * kill at any step the same call again ends with the same files. Several processes may call at once:
 * they take turns. The caller gives `files` to `recordCycle`; what no record names is told again by the
 * next call.
 * @throws RangeError for a bar that cannot be true; nothing is written then.
 * @throws SyntaxError for a file that `encodeBars` did not write; nothing is written then.
 * @throws Error where the disk ignores case and the series is of a symbol with the same letters.
 */
export async function storeBars(request: StoreBarsRequest): Promise<StoredBars> {
  const { dataDir: root, symbol, market, timeframe } = request;
  checkAnswer(request.bars, request);
  const folder = barsFolder(symbol, market, timeframe.label), place = `${root}/${folder}`;
  if (request.bars.length === 0 && !await exists(place)) {
    return { files: [], unchanged: 0, removed: 0 };
  }
  using _lock = await waitForLock(place, SERIES_LOCK);
  // It refuses another symbol's chain, whose files would be these.
  await readHead(root, { symbol, timeframe: timeframe.label });
  const current = await tidy(place, timeframe);
  const plan = await planFiles({ root, folder, current }, request);
  const earlier = await readUnrecorded(root, folder);
  const written = plan.files.map(({ entry }) => entry);
  if (plan.files.length > 0) {
    if (current.size === 0) await syncFoldersOver(root, folder);
    await writeBeside(place, plan.files);
    failPoint("bars.note.before");
    await noteUnrecorded(root, folder, [...earlier, ...written]);
    failPoint("bars.note.after");
    await publish(place, plan.files);
    await removeAll(place, plan.files.flatMap(({ name, sealed }) => leftoversOf(name, sealed)));
  }
  const replaced = new Set(written.flatMap(({ path }) => [path, `${path}.open`]));
  const files = [...earlier.filter(({ path }) => !replaced.has(path)), ...written];
  const removed = files.reduce((sum, { bars_removed }) => sum + bars_removed, 0);
  return { files, unchanged: plan.unchanged, removed };
}

/**
 * Every file's bytes are on the disk before the first of them gets its name. What a dead program left
 * of that name is gone by now: it may be linked to a sealed file, and is never written to.
 */
async function writeBeside(place: string, files: readonly PlannedFile[]): Promise<void> {
  await forSeveral(files, async ({ name, bytes }) => {
    failPoint("bars.write.before");
    const path = `${place}/${temporaryName(name)}`;
    await writeToDisk(path, bytes, { createNew: true });
    // Readers of the file may be other users, whatever the umask of this one.
    if (Deno.build.os !== "windows") await Deno.chmod(path, 0o644);
    failPoint("bars.write.after");
  });
}

/**
 * A link fails where a file is, so that a sealed one is never replaced. What supersedes another file
 * gets its name after it: a version is never there without the one before.
 */
async function publish(place: string, files: readonly PlannedFile[]): Promise<void> {
  const { first = [], later = [] } = Object.groupBy(
    files,
    ({ entry }) => entry.supersedes === null ? "first" : "later",
  );
  for (const round of [first, later]) {
    await forSeveral(round, async ({ name, sealed }) => {
      failPoint("bars.name.before");
      const put = sealed ? Deno.link : Deno.rename;
      await put(`${place}/${temporaryName(name)}`, `${place}/${name}`);
      failPoint("bars.name.after");
    });
  }
  failPoint("bars.folder.before");
  await syncFolder(place);
  failPoint("bars.folder.after");
}

/**
 * Removes what a program left that ended between two steps: temporary files, and open files beside a
 * sealed one. Returns the version that counts of each period, by the period's begin.
 */
async function tidy(place: string, timeframe: Timeframe): Promise<Map<number, BarFileName>> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(place)) names.push(name);
  const leftovers = names.filter((name) =>
    name.endsWith(".tmp") && parseBarFileName(name.slice(0, -4), timeframe) !== undefined
  );
  const current = new Map<number, BarFileName>();
  for (const [fromMs, versions] of byPeriod(sortBarFiles(names, timeframe))) {
    const last = versions.at(-1);
    if (last === undefined) continue;
    current.set(fromMs, last);
    for (const { name, sealed } of versions) if (!sealed && last.sealed) leftovers.push(name);
  }
  await removeAll(place, leftovers);
  return current;
}

/** What a published file leaves beside it: a rename leaves nothing, a link what was linked. */
function leftoversOf(name: string, sealed: boolean): string[] {
  return sealed ? [temporaryName(name), `${name}.open`] : [];
}

async function removeAll(place: string, names: readonly string[]): Promise<void> {
  await forSeveral(names, async (name) => {
    failPoint("bars.unlink.before");
    await Deno.remove(`${place}/${name}`).catch((cause) => {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    });
    failPoint("bars.unlink.after");
  });
}

function temporaryName(name: string): string {
  return `${name.replace(/\.open$/, "")}.tmp`;
}

/** Makes the names of new folders durable. */
async function syncFoldersOver(root: string, folder: string): Promise<void> {
  for (let path = folder; path.includes("/");) {
    path = path.slice(0, path.lastIndexOf("/"));
    await syncFolder(`${root}/${path}`);
  }
  await syncFolder(root);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}
