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
  /** The session, where the folder holds the feeds of several. */
  readonly session: string | undefined;
  #open: Hole[];
  /** Whom the feed serves: an outage that begins concerns them. Empty means all there are. */
  symbols: readonly string[] = [];

  private constructor(dataDir: string, session: string | undefined, open: Hole[]) {
    this.#dataDir = dataDir;
    this.session = session;
    this.#open = open;
  }

  /**
   * An outage in which a program was killed goes on where it began, also when the bridge has got
   * more or fewer sessions meanwhile. `session` names the feed; `isOnly`: it is the only one that is
   * captured into the folder, so that holes need no name.
   */
  static async open(
    dataDir: string,
    session?: string,
    { isOnly = false }: { readonly isOnly?: boolean } = {},
  ): Promise<FeedHoles> {
    const reasons = new Set([reasonOf(undefined), reasonOf(session)]);
    const open = await Promise.all([...reasons].map((reason) => openHoles(dataDir, reason)));
    const oldestFirst = open.flat().sort((a, b) => a.fromMs - b.fromMs);
    return new FeedHoles(dataDir, isOnly ? undefined : session, oldestFirst);
  }

  /** Notes that the feed is down from `atMs` (UTC) on; a second time changes nothing. */
  async down(atMs: number): Promise<void> {
    if (this.#open.length > 0) return;
    const { symbols } = this;
    const hole = { symbols, fromMs: atMs, toMs: null, reason: reasonOf(this.session) };
    this.#open = [hole];
    await recordHole(this.#dataDir, hole);
  }

  /**
   * Notes that the feed is back at `atMs` (UTC). Rejects when it cannot be noted; the next call notes
   * it again. Nothing when it had not been down.
   */
  async up(atMs: number): Promise<void> {
    for (const hole of this.#open) {
      await recordHole(this.#dataDir, { ...hole, toMs: Math.max(hole.fromMs, atMs) });
    }
    this.#open = [];
  }

  /** Whose feed it is, as a fact on the channel says it. */
  get whose(): Pick<FeedFact, "symbols" | "session"> {
    const { symbols, session } = this;
    return session === undefined ? { symbols } : { symbols, session };
  }

  /** Since when the feed is down, UTC ms. */
  get downSinceMs(): number | undefined {
    return this.#open[0]?.fromMs;
  }

  /** What another machine's collector said on the channel. */
  static async note(dataDir: string, fact: FeedFact): Promise<void> {
    const { state, symbols, fromMs, atMs, session } = fact;
    if (state !== "up" || fromMs === undefined || fromMs >= atMs) return;
    await recordHole(dataDir, { symbols, fromMs, toMs: atMs, reason: reasonOf(session) });
  }
}
