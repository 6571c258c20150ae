import type { ComponentReport } from "../../lib/log/channel.ts";
import type { DataKind } from "../../lib/program/shared_settings.ts";
import {
  type DiskLimits,
  measureDisk,
  missingFolder,
  names,
  readCycles,
  symbolFolders,
} from "./folder.ts";
import { overallLevel } from "./level.ts";
import { type Detailed, detailedReport } from "./report.ts";
import { type Component, judgeTicksOfClosedMarket } from "./verdict.ts";

/** The contract's ages of the newest tick, in seconds. */
const OLD_SECONDS = 60;
const DEAD_SECONDS = 300;

export interface BaseDirOptions extends DiskLimits {
  readonly kind: DataKind;
}

/**
 * What a data folder says without a running system: the age of the newest tick file, the recorded
 * cycles and the disk. Programs, their queue and the clock cannot be seen from here and are left out.
 */
export async function inspectBaseDir(baseDir: string, options: BaseDirOptions): Promise<Detailed> {
  const utcMs = Date.now();
  const [disk, cycles] = await Promise.all([measureDisk(baseDir, options), readCycles(baseDir)]);
  const newest = await newestTickFile(baseDir);
  const said: [Component["name"], ComponentReport | undefined][] = [
    ["tick_collection", disk === undefined ? undefined : judgeAge(newest, utcMs)],
    ["filesystem", disk ?? missingFolder],
    ["data_quality", cycles.report],
  ];
  const components = new Map<Component["name"], Component>();
  for (const [name, report] of said) {
    if (report === undefined) continue;
    const component = { ...report, name, updatedUtcMs: utcMs };
    const isTicks = name === "tick_collection";
    components.set(
      name,
      isTicks ? judgeTicksOfClosedMarket(component, { kind: options.kind, utcMs }) : component,
    );
  }
  const overall = overallLevel([...components.values()].map(({ status }) => status));
  return detailedReport({
    verdict: { utcMs, overall, components, troubles: [] },
    uptimeMs: 0,
    ticks: null,
    symbols: newest.symbols,
    cycles: cycles.total,
    recentErrors: [],
    recentWarnings: [],
  });
}

interface NewestTickFile {
  readonly symbols: number;
  readonly path?: string;
  readonly writtenUtcMs?: number;
}

/** Over `ticks/<market>/<symbol>/<day>.csv[.open]`; only the newest day of a symbol is looked at. */
async function newestTickFile(baseDir: string): Promise<NewestTickFile> {
  let newest: NewestTickFile = { symbols: 0 };
  for (const folder of await symbolFolders(baseDir)) {
    const day = (await names(folder, (entry) => entry.isFile))
      .filter((name) => /^\d{4}-\d\d-\d\d(__\d+)?\.csv(\.open)?$/.test(name)).sort().at(-1);
    if (day === undefined) continue;
    const path = `${folder}/${day}`;
    const writtenUtcMs = (await Deno.stat(path)).mtime?.getTime() ?? 0;
    const isNewer = writtenUtcMs > (newest.writtenUtcMs ?? -1);
    const symbols = newest.symbols + 1;
    newest = isNewer ? { path, writtenUtcMs, symbols } : { ...newest, symbols };
  }
  return newest;
}

function judgeAge(newest: NewestTickFile, utcMs: number): ComponentReport {
  if (newest.writtenUtcMs === undefined) {
    const message = "no tick file yet";
    return { status: "unknown", value: null, threshold: OLD_SECONDS, message };
  }
  const seconds = Math.max(0, Math.round((utcMs - newest.writtenUtcMs) / 1000));
  return {
    status: seconds > DEAD_SECONDS ? "critical" : seconds > OLD_SECONDS ? "degraded" : "healthy",
    value: seconds,
    threshold: OLD_SECONDS,
    message: `newest tick file ${newest.path} was written ${seconds} s ago`,
  };
}
