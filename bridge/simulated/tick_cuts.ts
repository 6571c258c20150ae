import { TICK_BYTES, Ticks } from "../../lib/market/tick.ts";

/** Without the ticks stamped before `serverMs`, wherever they stand. Shares the bytes when none is. */
export function notBefore(ticks: Ticks, serverMs: number): Ticks {
  const kept: Ticks[] = [];
  let from = 0;
  for (let index = 0; index < ticks.count; index++) {
    if (ticks.serverMs(index) >= serverMs) continue;
    if (from < index) kept.push(ticks.slice(from, index));
    from = index + 1;
  }
  return Ticks.concat([...kept, ticks.slice(from)]);
}

/** In the order of `order`, which names each index once. */
export function reordered(ticks: Ticks, order: readonly number[]): Ticks {
  const moved = Ticks.ofLength(ticks.count);
  order.forEach((from, to) => {
    const record = ticks.bytes.subarray(from * TICK_BYTES, (from + 1) * TICK_BYTES);
    moved.bytes.set(record, to * TICK_BYTES);
  });
  return moved;
}

/** By server time; ticks of one ms stay in their order. */
export function inTimeOrder(ticks: Ticks): Ticks {
  const times = Array.from({ length: ticks.count }, (_, index) => ticks.serverMs(index));
  const order = times.map((_, index) => index);
  return reordered(ticks, order.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b));
}
