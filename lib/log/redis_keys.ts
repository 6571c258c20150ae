import { parseId, type TickId } from "../market/tick_id.ts";
import type { Checkpoint } from "./tick_log.ts";

/** The names in Redis. A symbol's keys share a hash slot, so that one script may touch them. */
export interface RedisKeys {
  stream(symbol: string): string;
  checkpoint(symbol: string): string;
  readers(symbol: string): string;
  readonly symbols: string;
  readonly epoch: string;
  readonly resumeKey: string;
}

/** @param prefix of the kind of data: empty for raw, else `replay:` or `simulated:`. */
export function redisKeys(prefix: string): RedisKeys {
  return {
    stream: (symbol) => `${prefix}ticks:${symbol}`,
    checkpoint: (symbol) => `{${prefix}ticks:${symbol}}:checkpoint`,
    readers: (symbol) => `{${prefix}ticks:${symbol}}:readers`,
    symbols: `${prefix}symbols`,
    epoch: `${prefix}log:epoch`,
    resumeKey: `${prefix}log:resume_key`,
  };
}

export interface RedisCheckpoint extends Checkpoint {
  readonly highUtcMs: number;
  readonly appended: number;
}

/** A checkpoint out of its hash; `undefined` for a symbol that nothing was stored of. */
export function redisCheckpoint(hash: Record<string, string>): RedisCheckpoint | undefined {
  if (hash.feed === undefined) return undefined;
  return {
    feed: hash.feed,
    lastId: idOf(hash.last),
    highServerMs: Number(hash.high_server ?? 0),
    highUtcMs: Number(hash.high_utc ?? 0),
    floorMs: Number(hash.floor ?? 0),
    watermarkMs: Number(hash.watermark ?? 0),
    ended: hash.ended === "1",
    trimmedId: idOf(hash.trimmed),
    appended: Number(hash.appended ?? 0),
  };
}

export function plainCheckpoint(row: RedisCheckpoint): Checkpoint {
  const { feed, lastId, highServerMs, floorMs, watermarkMs, ended, trimmedId } = row;
  return { feed, lastId, highServerMs, floorMs, watermarkMs, ended, trimmedId };
}

function idOf(text: string | undefined): TickId {
  return parseId(text ?? "0-0");
}
