import type { Checkpoint } from "../../lib/log/tick_log.ts";
import { compareIds } from "../../lib/market/tick_id.ts";
import { type Day, dayOf } from "../../lib/capture/day_path.ts";
import { gapsOf } from "../../lib/capture/gaps.ts";
import { sealDay } from "../../lib/capture/seal.ts";
import { BackOff } from "../../lib/program/pause.ts";
import type { WriterEvents } from "./events.ts";
import type { SymbolCapture } from "./symbol_capture.ts";

/** Publishes days that are over. A day that cannot be sealed now is tried again after a pause. */
export class Sealing {
  readonly #dataDir: string;
  readonly #events: WriterEvents;
  readonly #retry = new BackOff({ minMs: 1000, maxMs: 30_000 });
  #retryAtMs = 0;

  constructor({ dataDir, events }: { dataDir: string; events: WriterEvents }) {
    this.#dataDir = dataDir;
    this.#events = events;
  }

  /**
   * Seals the complete days of a symbol, oldest first, and returns how many succeeded and failed.
   * `position` must be committed: what is read again after a kill never belongs to a sealed day.
   */
  async sealComplete(
    capture: SymbolCapture,
    checkpoint: Checkpoint | undefined,
  ): Promise<{ sealed: number; failed: number }> {
    const days = capture.completeDays(openDayOf(capture, checkpoint));
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
  }
}

/**
 * The first day that may still get ticks. A written tick of a later day closes a day, for ids only
 * grow; so does the feed's word, once all that the log had at that moment is written.
 */
function openDayOf({ position }: SymbolCapture, checkpoint: Checkpoint | undefined): Day {
  const written = dayOf(position.ms);
  const ahead = checkpoint === undefined ? -1 : compareIds(position, checkpoint.lastId);
  if (checkpoint === undefined || ahead < 0) return written;
  // Ticks past the checkpoint say that an end it knew of was none.
  if (checkpoint.ended && ahead === 0) return Infinity;
  return Math.max(written, dayOf(checkpoint.floorMs));
}
