import { statfs } from "node:fs/promises";
import type { ComponentReport } from "../../lib/log/channel.ts";
import { messageOf } from "../../lib/program/errors.ts";

const GB = 1e9;

/** Space left on the data folder's disk. Needs the permission `--allow-sys=statfs`. */
export async function diskSpace(
  { dataDir, minFreeGb, maxUsedPercent }: {
    dataDir: string;
    minFreeGb: number;
    maxUsedPercent: number;
  },
): Promise<ComponentReport> {
  const threshold = `${minFreeGb} GB free, ${maxUsedPercent} % used`;
  try {
    const disk = await statfs(dataDir);
    const freeGb = disk.bavail * disk.bsize / GB;
    const usedPercent = 100 * (1 - disk.bavail / disk.blocks);
    const enough = freeGb > minFreeGb && usedPercent < maxUsedPercent;
    const value = `${freeGb.toFixed(1)} GB free, ${usedPercent.toFixed(0)} % used`;
    return { status: enough ? "healthy" : "degraded", value, threshold, message: value };
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound;
    return {
      status: missing ? "critical" : "unknown",
      value: null,
      threshold,
      message: `Cannot see the free space of ${dataDir}: ${messageOf(cause)}`,
    };
  }
}
