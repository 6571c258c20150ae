import { statfs } from "node:fs/promises";
import type { ComponentReport } from "../../lib/log/channel.ts";
import { messageOf } from "../../lib/program/errors.ts";

/** What can be seen of the system in its data folder alone. */

export interface DiskLimits {
  readonly diskFreeGb: number;
  readonly diskUsedPercent: number;
}

const GB = 1e9;
/** How many of the newest cycles are judged. */
const JUDGED_CYCLES = 100;
const GOOD_SHARE = 0.95;

/** The disk of the data folder; `undefined` when the folder is not on this machine. */
export async function measureDisk(
  dataDir: string,
  { diskFreeGb, diskUsedPercent }: DiskLimits,
): Promise<ComponentReport | undefined> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(dataDir);
    const freeGb = bavail * bsize / GB;
    const usedPercent = 100 * (blocks - bfree) / Math.max(1, blocks - bfree + bavail);
    const isTight = freeGb <= diskFreeGb || usedPercent >= diskUsedPercent;
    return {
      status: isTight ? "degraded" : "healthy",
      value: Math.round(freeGb * 10) / 10,
      threshold: diskFreeGb,
      message: `${freeGb.toFixed(1)} GB free, ${usedPercent.toFixed(1)} % used`,
    };
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    const message = `Cannot measure the disk of ${dataDir}: ${messageOf(cause)}`;
    return { status: "unknown", value: null, threshold: diskFreeGb, message };
  }
}

export const missingFolder: ComponentReport = {
  status: "critical",
  value: null,
  threshold: null,
  message: "the data folder is missing",
};

export interface Cycles {
  readonly total: number;
  /** `undefined` while there is no cycle to judge. */
  readonly report: ComponentReport | undefined;
}

/** Audits lie beside the cycles, and are no cycles. */
const CYCLE_NAME = /(?<!_TICK_AUDIT)\.json$/;

/** The ingestion cycles recorded in `metadata/ingestion_logs`: the newest are those written last. */
export async function readCycles(dataDir: string): Promise<Cycles> {
  const folder = `${dataDir}/metadata/ingestion_logs`;
  let cycles: string[];
  try {
    cycles = await names(folder, (entry) => entry.isFile && CYCLE_NAME.test(entry.name));
  } catch (cause) {
    const message = `Cannot read ${folder}: ${messageOf(cause)}`;
    return { total: 0, report: { status: "unknown", value: null, threshold: null, message } };
  }
  const read = newestByName(cycles).map((name) => readCycle(folder, name));
  const byTime = (await Promise.all(read)).sort((a, b) => a.written < b.written ? -1 : 1);
  const statuses = byTime.slice(-JUDGED_CYCLES).map(({ status }) => status);
  return { total: cycles.length, report: judgeCycles(statuses) };
}

/**
 * Those that may be among the newest. A cycle's id starts with a time: with that of its writing for
 * bars, with the day for a tick file, which is written when that day is over. So the names of each of
 * the two are in order of time, and those of both are not.
 */
function newestByName(cycles: readonly string[]): string[] {
  const { ticks = [], bars = [] } = Object.groupBy(
    cycles,
    (name) => /_TICK(__\d+)?\.json$/.test(name) ? "ticks" : "bars",
  );
  return [ticks, bars].flatMap((kind) => kind.sort().slice(-JUDGED_CYCLES));
}

/** @param statuses as the cycles' files say; a file that cannot be read counts as failed. */
export function judgeCycles(statuses: readonly string[]): ComponentReport | undefined {
  if (statuses.length === 0) return undefined;
  const succeeded = statuses.filter((status) => status === "SUCCESS").length;
  const failed = statuses.filter((status) => status === "FAILED").length;
  const share = succeeded / statuses.length;
  return {
    status: share >= GOOD_SHARE ? "healthy" : failed === statuses.length ? "critical" : "degraded",
    value: Math.round(share * 1000) / 1000,
    threshold: GOOD_SHARE,
    message: `${(share * 100).toFixed(1)} % of the last ${statuses.length} cycles succeeded`,
  };
}

interface JudgedCycle {
  readonly status: string;
  /** `2025-12-22T094532Z`. */
  readonly written: string;
}

/** A file that cannot be read was written when its name says. */
async function readCycle(folder: string, name: string): Promise<JudgedCycle> {
  const named = name.slice(0, "2025-12-22T094532Z".length);
  try {
    const { status, written_at } = JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
    const written = typeof written_at === "string"
      ? `${written_at.slice(0, 19).replaceAll(":", "")}Z`
      : named;
    return { status: String(status), written };
  } catch {
    return { status: "FAILED", written: named };
  }
}

/** The folders of the symbols that have tick files: `ticks/<market>/<symbol>`. */
export async function symbolFolders(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const market of await folders(`${dataDir}/ticks`)) found.push(...await folders(market));
  return found;
}

async function folders(parent: string): Promise<string[]> {
  return (await names(parent, (entry) => entry.isDirectory)).map((name) => `${parent}/${name}`);
}

/** The names in a folder; none when it is missing. */
export async function names(
  parent: string,
  isWanted: (entry: Deno.DirEntry) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(parent)) if (isWanted(entry)) found.push(entry.name);
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
  }
  return found;
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Deno.errors.NotFound ||
    (cause instanceof Error && "code" in cause && cause.code === "ENOENT");
}
