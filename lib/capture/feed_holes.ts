import type { FeedFact } from "../log/channel.ts";
import { openHoles, recordHole } from "./gaps.ts";

const REASON = "the vendor's feed was down";

/**
 * The vendor's outages as holes in the data folder's metadata. The collector notes them where the
 * feed is read, before any later tick can seal a day; a writer on another machine notes what the
 * channel tells it of them.
 */
export class FeedHoles {
  readonly #dataDir: string;
  #downSinceMs: number | undefined;

  private constructor(dataDir: string, downSinceMs: number | undefined) {
    this.#dataDir = dataDir;
    this.#downSinceMs = downSinceMs;
  }

  /** An outage in which a program was killed goes on where it began. */
  static async open(dataDir: string): Promise<FeedHoles> {
    const [oldest] = await openHoles(dataDir, REASON);
    return new FeedHoles(dataDir, oldest?.fromMs);
  }

  /** Notes that the feed is down from `atMs` (UTC) on; a second time changes nothing. */
  async down(atMs: number): Promise<void> {
    if (this.#downSinceMs !== undefined) return;
    this.#downSinceMs = atMs;
    await this.#record(atMs, null);
  }

  /**
   * Notes that the feed is back at `atMs` (UTC). Rejects when it cannot be noted; the next call notes
   * it again. `undefined` when it had not been down.
   */
  async up(atMs: number): Promise<void> {
    const fromMs = this.#downSinceMs;
    if (fromMs === undefined) return;
    await this.#record(fromMs, Math.max(fromMs, atMs));
    this.#downSinceMs = undefined;
  }

  /** Since when the feed is down, UTC ms. */
  get downSinceMs(): number | undefined {
    return this.#downSinceMs;
  }

  /** What another machine's collector said on the channel. */
  static async note(dataDir: string, { state, symbols, fromMs, atMs }: FeedFact): Promise<void> {
    if (state !== "up" || fromMs === undefined || fromMs >= atMs) return;
    await recordHole(dataDir, { symbols, fromMs, toMs: atMs, reason: REASON });
  }

  #record(fromMs: number, toMs: number | null): Promise<void> {
    return recordHole(this.#dataDir, { symbols: [], fromMs, toMs, reason: REASON });
  }
}
