import type { ComponentName, ComponentReport } from "../../lib/log/channel.ts";
import type { LogBackend } from "../../lib/program/shared_settings.ts";
import { type Cycles, measureDisk, missingFolder, readCycles, symbolFolders } from "./folder.ts";
import { RedisProbe } from "./redis_probe.ts";
import type { Measured } from "./watch.ts";

/** A folder with years of cycles is not listed at each look. */
const FOLDER_INTERVAL_MS = 10_000;

export interface MeasuringOptions {
  readonly dataDir: string;
  readonly diskFreeGb: number;
  readonly diskUsedPercent: number;
  readonly redisUrl?: string | undefined;
  readonly logBackend: LogBackend;
}

export interface Measuring extends Disposable {
  measure(isStarting: boolean): Promise<Measured>;
}

/** What health sees for itself: the disk, the recorded cycles, and Redis where the log is there. */
export function measuring(options: MeasuringOptions): Measuring {
  const { dataDir, redisUrl, logBackend } = options;
  const isDistributed = logBackend !== "sqlite" && redisUrl !== undefined;
  const redis = isDistributed ? new RedisProbe(redisUrl) : undefined;

  let cycles: Cycles = { total: 0, report: undefined };
  let symbols = 0;
  let readMs = -Infinity;

  async function measure(isStarting: boolean): Promise<Measured> {
    const [disk, redisReport] = await Promise.all([
      measureDisk(dataDir, options),
      redis?.measure(),
    ]);
    if (performance.now() - readMs >= FOLDER_INTERVAL_MS) {
      cycles = await readCycles(dataDir);
      // Without the right to read the folder the cycles' report says so; the count stays.
      symbols = (await symbolFolders(dataDir).catch(() => [])).length;
      readMs = performance.now();
    }
    // The folder may not have been made yet, or be on the machine of another program.
    const filesystem = disk ?? (isStarting || isDistributed ? undefined : missingFolder);
    const words: [ComponentName, ComponentReport | undefined][] = [
      ["filesystem", filesystem],
      ["data_quality", cycles.report],
      ["redis", redisReport],
    ];
    const components: Partial<Record<ComponentName, ComponentReport>> = {};
    for (const [name, report] of words) if (report !== undefined) components[name] = report;
    return { components, cycles: cycles.total, symbols };
  }

  return { measure, [Symbol.dispose]: () => redis?.[Symbol.dispose]() };
}
