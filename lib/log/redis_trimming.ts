import { compareIds, formatId, NO_TICK, type TickId } from "../market/tick_id.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { RedisCheckpoint, RedisKeys } from "./redis_keys.ts";
import { runsOf } from "./redis_rows.ts";
import { TRIM } from "./redis_scripts.ts";
import type { TrimPolicy } from "./tick_log.ts";
import type { RedisTickLogReader } from "./tick_log_redis_reader.ts";

/** A server's clock shifts by at most this much; see `overlapStart`. */
const CLOCK_SHIFT_MS = 3 * 3_600_000;
/** Entries looked at in one step of a trim by count. */
const TRIM_STEP = 1_000;

/** What of the streams must stay for a re-read, and the freeing of the rest. */
export class RedisTrimming {
  readonly #keys: RedisKeys;
  readonly #connection: RedisConnection;
  readonly #reader: RedisTickLogReader;

  constructor({ keys, connection, reader }: {
    readonly keys: RedisKeys;
    readonly connection: RedisConnection;
    readonly reader: RedisTickLogReader;
  }) {
    this.#keys = keys;
    this.#connection = connection;
    this.#reader = reader;
  }

  /** @param committed the positions of each reader that the policy names. */
  async trim(
    policy: TrimPolicy & { readonly overlapMs: number },
    committed: readonly ReadonlyMap<string, TickId>[],
  ): Promise<number> {
    let trimmed = 0;
    for (const [symbol, row] of await this.#reader.redisCheckpoints()) {
      if (row.appended === 0) continue;
      const positions = committed.map((of) => of.get(symbol) ?? NO_TICK).sort(compareIds);
      const keptMs = await this.overlapStart(symbol, row, policy.overlapMs);
      let bound: TickId = { ms: Math.max(0, keptMs), n: 0 };
      const position = positions[0];
      if (position && compareIds(position, bound) < 0) bound = { ...position, n: position.n + 1 };
      const age = { ms: Math.max(0, policy.nowMs - policy.maxAgeMs), n: 0 };
      trimmed += await this.#trimBelow(symbol, compareIds(age, bound) < 0 ? age : bound);
      trimmed += await this.#trimToCount(symbol, bound, policy.maxCount);
    }
    return trimmed;
  }

  /**
   * The least ms of an id that a re-read may bring again. An id is never below its tick's UTC time,
   * so that is the newest tick's time less the overlap, unless the server's clock was set back
   * within the hours before: then the same stamps came twice.
   */
  async overlapStart(symbol: string, row: RedisCheckpoint, overlapMs: number): Promise<number> {
    const startMs = row.highUtcMs - overlapMs, shiftedMs = startMs - CLOCK_SHIFT_MS;
    const [earlier] = runsOf(await this.#reader.range(symbol, String(Math.max(0, shiftedMs)), 1));
    if (earlier === undefined) return Math.max(0, startMs);
    const offsetMs = earlier.ticks.serverMs(0) - earlier.ticks.utcMs(0);
    return Math.max(0, offsetMs > row.highServerMs - row.highUtcMs ? shiftedMs : startMs);
  }

  async #trimBelow(symbol: string, id: TickId): Promise<number> {
    const keys = [this.#keys.stream(symbol), this.#keys.checkpoint(symbol)] as const;
    const count = await this.#connection.run(
      "trim ticks",
      (redis) => redis.eval(TRIM, 2, ...keys, formatId(id)),
    );
    return Number(count);
  }

  /** Frees what exceeds `maxCount`, oldest first, and never at or past `bound`. */
  async #trimToCount(symbol: string, bound: TickId, maxCount: number): Promise<number> {
    const length = await this.#connection.run(
      "count ticks",
      (redis) => redis.xlen(this.#keys.stream(symbol)),
    );
    let trimmed = 0;
    for (let excess = length - maxCount; excess > 0;) {
      const entries = await this.#reader.range(symbol, "-", Math.min(excess, TRIM_STEP) + 1);
      const kept = entries.at(-1);
      const all = entries.length <= Math.min(excess, TRIM_STEP);
      const [run] = kept ? runsOf([kept]) : [];
      if (run === undefined) break;
      const keptId = all ? { ...run.lastId, n: run.lastId.n + 1 } : run.firstId;
      const went = await this.#trimBelow(symbol, compareIds(keptId, bound) < 0 ? keptId : bound);
      if (went === 0) break;
      trimmed += went;
      excess -= went;
    }
    return trimmed;
  }
}
