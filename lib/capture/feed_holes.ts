import type { FeedFact } from "../log/channel.ts";
import { type Hole, openHoles, recordHole } from "./gaps.ts";

/** Why a hole is there; the session's name tells the feeds apart that one folder holds. */
function reasonOf(session: string | undefined): string {
  const reason = "the vendor's feed was down";
  return session === undefined ? reason : `${reason} (${session})`;
}

/**
 * The vendor's outages as holes in the data folder's metadata. The collector notes them where the
 * feed is read, before any later tick can seal a day; a writer on another machine notes what the
 * channel tells it of them.
 */
export class FeedHoles {
  readonly #dataDir: string;
  readonly session: string | undefined;
  #hole: Pick<Hole, "fromMs" | "symbols"> | undefined;
  /** Whom the feed serves: an outage that begins concerns them. Empty means all there are. */
  symbols: readonly string[] = [];

  private constructor(dataDir: string, session: string | undefined, hole: Hole | undefined) {
    this.#dataDir = dataDir;
    this.session = session;
    this.#hole = hole;
  }

  /**
   * An outage in which a program was killed goes on where it began. `session` names the feed where
   * several are captured into one folder.
   */
  static async open(dataDir: string, session?: string): Promise<FeedHoles> {
    const [oldest] = await openHoles(dataDir, reasonOf(session));
    return new FeedHoles(dataDir, session, oldest);
  }

  /** Notes that the feed is down from `atMs` (UTC) on; a second time changes nothing. */
  async down(atMs: number): Promise<void> {
    if (this.#hole !== undefined) return;
    this.#hole = { fromMs: atMs, symbols: this.symbols };
    await this.#record(this.#hole, null);
  }

  /**
   * Notes that the feed is back at `atMs` (UTC). Rejects when it cannot be noted; the next call notes
   * it again. `undefined` when it had not been down.
   */
  async up(atMs: number): Promise<void> {
    const hole = this.#hole;
    if (hole === undefined) return;
    await this.#record(hole, Math.max(hole.fromMs, atMs));
    this.#hole = undefined;
  }

  /** Since when the feed is down, UTC ms. */
  get downSinceMs(): number | undefined {
    return this.#hole?.fromMs;
  }

  /** What another machine's collector said on the channel. */
  static async note(dataDir: string, fact: FeedFact): Promise<void> {
    const { state, symbols, fromMs, atMs, session } = fact;
    if (state !== "up" || fromMs === undefined || fromMs >= atMs) return;
    await recordHole(dataDir, { symbols, fromMs, toMs: atMs, reason: reasonOf(session) });
  }

  #record(
    { fromMs, symbols }: Pick<Hole, "fromMs" | "symbols">,
    toMs: number | null,
  ): Promise<void> {
    return recordHole(this.#dataDir, { symbols, fromMs, toMs, reason: reasonOf(this.session) });
  }
}
