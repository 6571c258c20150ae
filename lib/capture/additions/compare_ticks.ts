import type { Ticks } from "../../market/tick.ts";
import { nextTurn } from "../../program/pause.ts";

/** How two bags of ticks differ, by (server ms, payload); numbers are indices into them. */
export interface Differences {
  /** Ticks that both have. */
  readonly equal: number;
  /** Only the vendor has them, and nothing else stands in their place. */
  readonly missing: readonly number[];
  /** Only the files have them, and nothing else stands in their place. */
  readonly surplus: readonly number[];
  /** One of the vendor's and one of the files' of the same server ms that differ otherwise. */
  readonly rewritten: readonly (readonly [vendor: number, held: number])[];
}

/** Groups between two turns of the event loop: a comparison must not hold up a capture beside it. */
const GROUPS_PER_TURN = 50_000;
/** A group of one ms up to this many comparisons is matched pair by pair, else it is sorted. */
const FEW_PAIRS = 256;

/**
 * Compares as multisets: neither the order within a server ms nor the order of delivery matters, and
 * real ticks that look alike count each. Bid, ask, last, volume and flags are compared as the rows
 * of a file tell them: absent is not zero.
 */
export async function compareTicks(vendor: Ticks, held: Ticks): Promise<Differences> {
  const comparing = new Comparing(vendor, held);
  while (comparing.go(GROUPS_PER_TURN)) await nextTurn();
  return comparing;
}

class Comparing implements Differences {
  equal = 0;
  readonly missing: number[] = [];
  readonly surplus: number[] = [];
  readonly rewritten: [number, number][] = [];
  readonly #vendor: Side;
  readonly #held: Side;

  constructor(vendor: Ticks, held: Ticks) {
    this.#vendor = new Side(vendor);
    this.#held = new Side(held);
  }

  /** Compares so many groups of one ms; false when all are done. */
  go(groups: number): boolean {
    const vendor = this.#vendor, held = this.#held;
    for (; groups > 0; groups--) {
      const ms = Math.min(vendor.nextMs, held.nextMs);
      if (ms === Infinity) return false;
      this.#match(vendor.take(ms), held.take(ms));
    }
    return true;
  }

  #match(vendor: Uint32Array, held: Uint32Array): void {
    if (vendor.length === 0) {
      for (const index of held) this.surplus.push(index);
    } else if (held.length === 0) {
      for (const index of vendor) this.missing.push(index);
    } else {
      const isFew = vendor.length * held.length <= FEW_PAIRS;
      const [missing, surplus] = isFew ? this.#pairByPair(vendor, held) : this.#merge(vendor, held);
      this.equal += vendor.length - missing.length;
      const pairs = Math.min(missing.length, surplus.length);
      for (let pair = 0; pair < pairs; pair++) {
        this.rewritten.push([missing[pair] ?? 0, surplus[pair] ?? 0]);
      }
      for (const index of missing.slice(pairs)) this.missing.push(index);
      for (const index of surplus.slice(pairs)) this.surplus.push(index);
    }
  }

  #pairByPair(vendor: Uint32Array, held: Uint32Array): [number[], number[]] {
    const missing: number[] = [], surplus = [...held];
    for (const index of vendor) {
      const at = surplus.findIndex((other) => this.#compare(index, other) === 0);
      if (at === -1) missing.push(index);
      else surplus.splice(at, 1);
    }
    return [missing, surplus];
  }

  #merge(vendor: Uint32Array, held: Uint32Array): [number[], number[]] {
    const a = this.#vendor.sortedByPayload(vendor), b = this.#held.sortedByPayload(held);
    const missing: number[] = [], surplus: number[] = [];
    let i = 0, j = 0;
    while (i < a.length && j < b.length) {
      const order = this.#compare(a[i] ?? 0, b[j] ?? 0);
      if (order < 0) missing.push(a[i++] ?? 0);
      else if (order > 0) surplus.push(b[j++] ?? 0);
      else {
        i++;
        j++;
      }
    }
    return [[...missing, ...a.subarray(i)], [...surplus, ...b.subarray(j)]];
  }

  #compare(vendor: number, held: number): number {
    return comparePayloads(this.#vendor.ticks, vendor, this.#held.ticks, held);
  }
}

/** One bag, walked in the order of its server stamps. */
class Side {
  readonly ticks: Ticks;
  readonly #order: Uint32Array;
  #at = 0;

  constructor(ticks: Ticks) {
    this.ticks = ticks;
    this.#order = orderOf(ticks);
  }

  /** The server ms of the next group; Infinity at the end. */
  get nextMs(): number {
    const index = this.#order[this.#at];
    return index === undefined ? Infinity : this.ticks.serverMs(index);
  }

  /** The group of this ms, none when the next one is later. */
  take(ms: number): Uint32Array {
    const from = this.#at;
    while (this.nextMs === ms) this.#at++;
    return this.#order.subarray(from, this.#at);
  }

  sortedByPayload(group: Uint32Array): Uint32Array {
    return group.slice().sort((a, b) => comparePayloads(this.ticks, a, this.ticks, b));
  }
}

/** Indices by server ms; files and vendors are in that order already, but for late ticks. */
function orderOf(ticks: Ticks): Uint32Array {
  const order = new Uint32Array(ticks.count);
  let isSorted = true, before = -Infinity;
  for (let index = 0; index < ticks.count; index++) {
    const ms = ticks.serverMs(index);
    if (ms < before) isSorted = false;
    before = ms;
    order[index] = index;
  }
  return isSorted ? order : order.sort((a, b) => ticks.serverMs(a) - ticks.serverMs(b) || a - b);
}

function comparePayloads(a: Ticks, i: number, b: Ticks, j: number): number {
  return compareNumbers(a.bid(i), b.bid(j)) || compareNumbers(a.ask(i), b.ask(j)) ||
    compareNumbers(a.last(i), b.last(j)) || compareNumbers(a.volume(i), b.volume(j)) ||
    a.flags(i) - b.flags(j);
}

/** Absent is equal to absent and after every number; the sign of a zero is not written to files. */
function compareNumbers(a: number, b: number): number {
  if (a === b) return 0;
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  return Number.isNaN(b) ? -1 : a < b ? -1 : 1;
}
