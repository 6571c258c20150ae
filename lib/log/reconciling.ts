import { compareIds, NO_TICK, type TickId } from "../market/tick_id.ts";
import type { RedisCheckpoint } from "./redis_keys.ts";
import type { Checkpoint, Mark } from "./tick_log.ts";

/** What becomes of a symbol when the journal meets Redis. */
export interface Reconciled {
  readonly symbol: string;
  readonly feed: string;
  /** Redis' newest id: what it is filled up from. */
  readonly tail: TickId;
  /** Redis knows more, or another feed, or too little: the journal goes on from this. */
  readonly adopted: RedisCheckpoint | undefined;
  /** Redis lost ticks that the journal no longer holds: the source must be read again. */
  readonly lost: boolean;
  /** What Redis has not been told of how far the feed is. */
  readonly mark: Mark | undefined;
}

/** Compares each symbol's tail in the journal and in Redis. */
export function reconcile(
  ours: ReadonlyMap<string, Checkpoint>,
  theirs: ReadonlyMap<string, RedisCheckpoint>,
): Reconciled[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].map((symbol) => {
    const here = ours.get(symbol), there = theirs.get(symbol) ?? nothingOf(here?.feed ?? "");
    const { feed, lastId: tail } = there;
    const order = here ? compareIds(tail, here.lastId) : 1;
    const held = here !== undefined && here.feed === feed && compareIds(tail, here.trimmedId) >= 0;
    if (order > 0 || !held) {
      return { symbol, feed, tail, adopted: there, lost: order < 0, mark: undefined };
    }
    const { watermarkMs, ended } = here;
    const told = watermarkMs <= there.watermarkMs && ended === there.ended;
    const mark = told ? undefined : { symbol, feed, watermarkMs, ended };
    return { symbol, feed, tail, adopted: undefined, lost: false, mark };
  });
}

function nothingOf(feed: string): RedisCheckpoint {
  return {
    feed,
    lastId: NO_TICK,
    highServerMs: 0,
    highUtcMs: 0,
    floorMs: 0,
    watermarkMs: 0,
    ended: false,
    trimmedId: NO_TICK,
    appended: 0,
  };
}
