import type { TickId } from "../market/tick_id.ts";
import type { SqliteTickLog } from "./tick_log_sqlite.ts";

/** The reader of the journal that stands for Redis. */
const ACKNOWLEDGED = "redis";
/** Many times the second that `appendfsync everysec` may lose. */
const KEEP_MS = 120_000;
const HOUSEKEEPING_MS = 10_000;

/** Frees what Redis has acknowledged long enough ago to be sure that it kept it. */
export class JournalKeeping {
  readonly #journal: SqliteTickLog;
  /** How long the journal keeps what Redis acknowledged, ms. */
  readonly keepMs: number;
  #snapshots: { atMs: number; positions: ReadonlyMap<string, TickId> }[] = [];
  #keptAtMs = 0;

  constructor(journal: SqliteTickLog, { keepMs = KEEP_MS }: { readonly keepMs?: number }) {
    this.#journal = journal;
    this.keepMs = keepMs;
  }

  /** Where Redis was for certain when this was stored last, by symbol. */
  acknowledged(): Promise<Map<string, TickId>> {
    return this.#journal.committed(ACKNOWLEDGED);
  }

  /** How many ticks lie after that. */
  async waiting(): Promise<number> {
    let count = 0;
    for (const ticks of (await this.#journal.backlog(ACKNOWLEDGED)).values()) count += ticks;
    return count;
  }

  /** Called after each append that Redis acknowledged; does its work every ten seconds. */
  async keep(acknowledged: ReadonlyMap<string, TickId>): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#keptAtMs < Math.min(HOUSEKEEPING_MS, this.keepMs)) return;
    this.#keptAtMs = nowMs;
    this.#snapshots.push({ atMs: nowMs, positions: new Map(acknowledged) });
    const old = this.#snapshots.filter(({ atMs }) => nowMs - atMs >= this.keepMs);
    const newest = old.at(-1);
    if (newest === undefined) return;
    this.#snapshots = this.#snapshots.slice(old.length);
    await this.#journal.commit(ACKNOWLEDGED, newest.positions);
    const policy = { maxAgeMs: 0, maxCount: 0, nowMs: Date.now(), overlapMs: this.keepMs };
    await this.#journal.trim({ ...policy, readers: [ACKNOWLEDGED] });
  }
}
