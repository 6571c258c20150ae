import { z } from "zod";
import type { Bar } from "../../market/bar.ts";
import { sha256Of } from "../chain.ts";
import { timeText } from "./bar_rules.ts";

/** A bar file as a cycle left it. The newest record that names a path is what proves it. */
export const barFileSchema = z.object({
  /** Relative to the data folder, with `/` on every system. */
  path: z.string(),
  rows: z.number().int(),
  bytes: z.number().int(),
  sha256: z.string(),
  first_open_utc: z.string(),
  last_open_utc: z.string(),
  /** The sealed file whose place it takes. */
  supersedes: z.string().nullable(),
  /** Bars that the file before it has and the vendor, asked for their time, no longer shows. */
  bars_removed: z.number().int().default(0),
});
export type BarFile = z.infer<typeof barFileSchema>;

/** @param bars at least one, oldest first; `bytes` are theirs. */
export function barFileOf(
  bars: readonly Bar[],
  { path, bytes, supersedes, removed }: {
    path: string;
    bytes: Uint8Array;
    supersedes: string | null;
    removed: number;
  },
): BarFile {
  return {
    path,
    rows: bars.length,
    bytes: bytes.length,
    sha256: sha256Of(bytes),
    first_open_utc: timeText(bars[0]?.utcMs ?? NaN),
    last_open_utc: timeText(bars.at(-1)?.utcMs ?? NaN),
    supersedes,
    bars_removed: removed,
  };
}
