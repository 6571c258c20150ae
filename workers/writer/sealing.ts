import type { Checkpoint } from "../../lib/log/tick_log.ts";
import type { Day } from "../../lib/capture/day_path.ts";
import { gapsOf } from "../../lib/capture/gaps.ts";
import { firstOpenDay } from "../../lib/capture/open_day.ts";
import { type Manifest, readManifest } from "../../lib/capture/manifest.ts";
import { sealDay } from "../../lib/capture/seal.ts";
import { BackOff } from "../../lib/program/pause.ts";
import type { WriterEvents } from "./events.ts";
import type { SymbolCapture } from "./symbol_capture.ts";
import type { WriteOptions } from "./write_options.ts";

/** Publishes days that are over. A day that cannot be sealed now is tried again after a pause. */
export class Sealing {
  readonly #dataDir: string;
  readonly #events: WriterEvents;
  readonly #sealed: WriteOptions["sealed"];
  readonly #retry = new BackOff({ minMs: 1000, maxMs: 30_000 });
  #retryAtMs = 0;

  constructor({ dataDir, events, sealed }: Pick<WriteOptions, "dataDir" | "events" | "sealed">) {
    this.#dataDir = dataDir;
    this.#events = events;
    this.#sealed = sealed;
  }

  /**
   * Seals the complete days of a symbol, oldest first, and returns how many succeeded and failed.
   * `position` must be committed: what is read again after a kill never belongs to a sealed day.
   */
  async sealComplete(
    capture: SymbolCapture,
    checkpoint: Checkpoint | undefined,
  ): Promise<{ sealed: number; failed: number }> {
    const days = capture.completeDays(firstOpenDay(capture.position, checkpoint));
    let sealed = 0;
    if (days.length === 0 || performance.now() < this.#retryAtMs) return { sealed, failed: 0 };
    for (const day of days) {
      try {
        await this.#seal(capture, day, checkpoint);
        sealed++;
      } catch (cause) {
        this.#retryAtMs = performance.now() + this.#retry.next();
        this.#events.sealFailed(capture.symbol, cause);
        return { sealed, failed: 1 };
      }
    }
    this.#retry.reset();
    return { sealed, failed: 0 };
  }

  async #seal(capture: SymbolCapture, day: Day, checkpoint: Checkpoint | undefined): Promise<void> {
    const { symbol, market } = capture;
    capture.finish(day);
    const manifest = await sealDay(this.#dataDir, { symbol, market, day }, {
      ...(checkpoint === undefined ? {} : { feed: checkpoint.feed }),
      watermarkMs: checkpoint?.watermarkMs ?? 0,
      gaps: await gapsOf(this.#dataDir, symbol, day),
    });
    capture.sealed(day);
    this.#events.sealed(manifest);
    for (const { path } of manifest.files) this.#sealed?.(path);
    const before = await historyBefore(this.#dataDir, manifest);
    if (before !== undefined) this.#events.sealedBeside(manifest, before);
  }
}

/** What a vendor's history had brought of the day before capture did: ticks may lie in both. */
async function historyBefore(
  dataDir: string,
  { cycle_id }: Manifest,
): Promise<Manifest | undefined> {
  const [whole, part] = /__(\d+)$/.exec(cycle_id) ?? [];
  if (whole === undefined) return undefined;
  const first = cycle_id.slice(0, -whole.length);
  for (let before = 0; before < Number(part); before++) {
    const manifest = await readManifest(dataDir, before === 0 ? first : `${first}__${before}`);
    if (manifest !== undefined && manifest.origin !== "capture") return manifest;
  }
  return undefined;
}
