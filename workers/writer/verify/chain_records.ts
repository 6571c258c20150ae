import { z } from "zod";
import { type BarCycle, barCycleSchema } from "../../../lib/capture/bars/bar_cycle.ts";
import { chainLinkSchema, sha256Of } from "../../../lib/capture/chain.ts";
import { type Manifest, readManifest } from "../../../lib/capture/manifest.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import type { Findings } from "./difference.ts";

/** A manifest as a link of its chain. */
export interface ChainRecord {
  readonly path: string;
  /** By the file's name; what the manifest says of itself is compared with it. */
  readonly cycleId: string;
  readonly sha256: string;
  /** Undefined in what was written before there were chains. */
  readonly previous: z.infer<typeof chainLinkSchema> | null | undefined;
}

export interface TickRecord extends ChainRecord {
  readonly manifest: Manifest;
}

export interface BarRecord extends ChainRecord {
  readonly cycle: BarCycle;
}

const linkOnly = z.looseObject({
  cycle_id: z.string(),
  previous: chainLinkSchema.nullable().optional(),
});

/**
 * Reads the manifests of a chain. One that cannot be read is told; as long as it says what it follows,
 * it still counts as a link, so that one damage is not told of every manifest before it.
 */
export class ChainRecords {
  readonly links: ChainRecord[] = [];
  readonly ticks: TickRecord[] = [];
  readonly bars: BarRecord[] = [];

  static async read(
    dataDir: string,
    { paths, isTicks, findings }: {
      paths: readonly string[];
      isTicks: boolean;
      findings: Findings;
    },
  ): Promise<ChainRecords> {
    const records = new ChainRecords();
    for (const path of paths) {
      try {
        await records.#read(dataDir, path, { isTicks, findings });
        findings.manifests++;
      } catch (cause) {
        findings.damage(path, `it cannot be read: ${messageOf(cause)}`);
      }
    }
    return records;
  }

  async #read(
    dataDir: string,
    path: string,
    { isTicks, findings }: { isTicks: boolean; findings: Findings },
  ): Promise<void> {
    const bytes = await Deno.readFile(`${dataDir}/${path}`);
    const cycleId = path.slice(path.lastIndexOf("/") + 1, -".json".length);
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const { cycle_id: said, previous } = linkOnly.parse(json);
    const record = { path, cycleId, sha256: sha256Of(bytes), previous };
    this.links.push(record);
    if (said !== cycleId) findings.damage(path, `it calls itself ${said}`);
    if (isTicks) {
      const manifest = await readManifest(dataDir, cycleId);
      if (manifest !== undefined) this.ticks.push({ ...record, manifest });
    } else {
      this.bars.push({ ...record, cycle: barCycleSchema.parse(json) });
    }
  }
}
