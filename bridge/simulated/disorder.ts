import type { SourceEvent } from "../../lib/bridge/feed.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import { reordered } from "./tick_cuts.ts";

export interface DisorderOptions {
  /** Another for each read, as a vendor's order is another each time. */
  readonly seed: number;
  /** How far behind the watermark a held tick may come, in ms of the source's clock. */
  readonly lateMs: number;
}

const LATE_CHANCE = 0.02;
/** Past this many held ticks of all symbols no more are held. */
const MAX_HELD = 4096;

interface Held {
  readonly symbol: string;
  readonly ticks: Ticks;
  readonly dueServerMs: number;
}

/**
 * Gives a well-kept recording the bad habits of a vendor: ticks of one ms come in another order, and
 * some come late. Every tick still comes exactly once.
 */
export async function* disordered(
  events: AsyncIterable<SourceEvent>,
  { seed, lateMs }: DisorderOptions,
): AsyncGenerator<SourceEvent> {
  const random = randomOf(seed);
  let held: Held[] = [];
  let nextDueMs = Infinity;
  function* released(untilServerMs: number): Generator<SourceEvent> {
    if (nextDueMs > untilServerMs) return;
    const due = held.filter(({ dueServerMs }) => dueServerMs <= untilServerMs);
    held = held.filter(({ dueServerMs }) => dueServerMs > untilServerMs);
    nextDueMs = Math.min(Infinity, ...held.map(({ dueServerMs }) => dueServerMs));
    for (const { symbol, ticks } of due) yield { type: "ticks", symbol, ticks };
  }
  for await (const event of events) {
    if (event.type === "ticks") {
      const ticks = shuffledWithinMs(event.ticks, random);
      let from = 0;
      for (let index = 0; index < ticks.count; index++) {
        const serverMs = ticks.serverMs(index);
        // However many ticks a step brings, none comes later than it may.
        if (serverMs >= nextDueMs) {
          if (index > from) yield { ...event, ticks: ticks.slice(from, index) };
          from = index;
          yield* released(serverMs);
        }
        if (lateMs === 0 || held.length >= MAX_HELD || random() >= LATE_CHANCE) continue;
        if (index > from) yield { ...event, ticks: ticks.slice(from, index) };
        const dueServerMs = serverMs + random() * lateMs;
        held.push({ symbol: event.symbol, ticks: ticks.slice(index, index + 1), dueServerMs });
        nextDueMs = Math.min(nextDueMs, dueServerMs);
        from = index + 1;
      }
      if (from < ticks.count) yield { ...event, ticks: ticks.slice(from) };
      continue;
    }
    // History is told whole: what is held when the present begins would pass for something new.
    if (event.type === "ended" || event.type === "live") yield* released(Infinity);
    else if (event.type === "clock") yield* released(event.watermarkServerMs);
    yield event;
  }
}

function shuffledWithinMs(ticks: Ticks, random: () => number): Ticks {
  const order: number[] = [];
  for (let from = 0; from < ticks.count;) {
    let to = from + 1;
    while (to < ticks.count && ticks.serverMs(to) === ticks.serverMs(from)) to++;
    const group = Array.from({ length: to - from }, (_, index) => from + index);
    while (group.length > 0) {
      order.push(...group.splice(Math.floor(random() * group.length), 1));
    }
    from = to;
  }
  return reordered(ticks, order);
}

/** xorshift32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}
