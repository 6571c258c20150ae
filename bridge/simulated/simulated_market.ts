import { toServerMs } from "../../lib/time/server_zone.ts";
import type { ServerZone } from "../../lib/bridge/feed.ts";
import { UNIVERSE, type UniverseSymbol } from "../../lib/market/universe.ts";
import type { TickBlock } from "./tick_block.ts";

/**
 * A market without memory: the ticks of a symbol in a UTC second are a function of seed, symbol and
 * second alone, so that history read again after any break is the same to the bit.
 */
export interface SimulatedMarket {
  readonly symbols: readonly UniverseSymbol[];
  /** Appends the ticks of one UTC second, in the order of time, stamped by the server's clock. */
  writeSecond(symbolIndex: number, utcSecond: number, into: TickBlock): void;
  /** What the bid is about at the start of a UTC second, with or without a tick in it; NaN when closed. */
  bidAt(symbolIndex: number, utcSecond: number): number;
  /** How many ticks a second of open market has on average. */
  ticksPerSecond(symbolIndex: number): number;
  /** The server's clock minus UTC in that second. */
  serverOffsetMs(utcSecond: number): number;
}

export interface MarketOptions {
  readonly seed: number;
  /** Over all symbols, on average, while the market is open. */
  readonly ticksPerSecond: number;
  /** Prices at the weekend too. */
  readonly alwaysOpen: boolean;
  readonly clock: ServerZone;
}

const NEW_YORK: ServerZone = { zone: "America/New_York", shiftMs: 0 };
const FLAG_BID = 2, FLAG_ASK = 4;

/** Typical prices; a symbol outside the list is quoted around 100. */
const BASE_PRICES: Readonly<Record<string, number>> = {
  ...{ AUDCAD: 0.91, AUDCHF: 0.53, AUDJPY: 98.4, AUDNZD: 1.13, AUDUSD: 0.655, CADCHF: 0.58 },
  ...{ CADJPY: 108.2, CHFJPY: 186.5, EURAUD: 1.775, EURCAD: 1.617, EURCHF: 0.937, EURGBP: 0.873 },
  ...{ EURJPY: 174.8, EURNZD: 2.004, EURUSD: 1.1625, GBPAUD: 2.033, GBPCAD: 1.852 },
  ...{ GBPCHF: 1.073, GBPJPY: 200.2, GBPNZD: 2.296, GBPUSD: 1.3315, NZDCAD: 0.807 },
  ...{ NZDCHF: 0.468, NZDJPY: 87.2, NZDUSD: 0.58, USDCAD: 1.391, USDCHF: 0.806, USDJPY: 150.4 },
  ...{ XAUUSD: 4020, XAUEUR: 3458, XAUAUD: 6140, XAGUSD: 48.9, XAGEUR: 42.1, XAUCHF: 3240 },
  ...{ XAUGBP: 3019, XPDUSD: 1420, XPTUSD: 1610, XAGAUD: 74.7 },
  ...{ MAYM: 47100, GDAXIm: 24150, MXSHAR: 1180, CHINAH: 9480 },
};

/** How much of the whole a symbol trades; the quiet ones go minutes without a tick. */
const ACTIVITY: Readonly<Record<string, number>> = {
  ...{ EURUSD: 8, GBPUSD: 6, USDJPY: 7, XAUUSD: 9, AUDUSD: 4, USDCAD: 4, EURJPY: 4, GBPJPY: 5 },
  ...{ XAGUSD: 4, GDAXIm: 5, MAYM: 5, MXSHAR: 0.02, CHINAH: 0.2, XAGAUD: 0.3, XAUCHF: 0.5 },
};
const DEFAULT_ACTIVITY = 1.5;

/** Value noise at several scales: period in seconds, amplitude as a share of the price. */
const OCTAVES: readonly (readonly [number, number])[] = [
  [7, 0.00001],
  [61, 0.00003],
  [600, 0.0001],
  [5400, 0.0004],
  [86_400, 0.003],
  [1_000_000, 0.015],
];
const BURST_CHANCE = 0.03, BURST_FACTOR = 6;
const BURST_MEAN = 1 + BURST_CHANCE * (BURST_FACTOR - 1);
const SAME_MS_CHANCE = 0.04;
const SPREAD_SHARE = 0.00006;
const ROLL_MINUTE = 17 * 60, ROLL_HALF_WIDTH_MINUTES = 15, ROLL_WIDENING = 7;

interface Octave {
  readonly period: number;
  readonly amplitude: number;
  readonly salt: number;
  cell: number;
  left: number;
  right: number;
}

interface Quote {
  readonly entry: UniverseSymbol;
  readonly scale: number;
  readonly basePoints: number;
  readonly spreadPoints: number;
  readonly ticksPerSecond: number;
  readonly salt: number;
  readonly octaves: readonly Octave[];
  /** The mid price in points at the end of the second that was made last: the next one's start. */
  lastSecond: number;
  lastPoints: number;
}

export function simulatedMarket(options: MarketOptions): SimulatedMarket {
  const activity = UNIVERSE.map(({ symbol }) => ACTIVITY[symbol] ?? DEFAULT_ACTIVITY);
  const whole = activity.reduce((sum, share) => sum + share, 0);
  const quotes = UNIVERSE.map((entry, index): Quote => {
    const scale = 10 ** entry.digits;
    const basePoints = (BASE_PRICES[entry.symbol] ?? 100) * scale;
    const share = (activity[index] ?? 0) / whole / BURST_MEAN;
    const salt = mix(mix(0x9e3779b9, options.seed), index + 1);
    return {
      entry,
      scale,
      basePoints,
      spreadPoints: Math.max(1, Math.round(basePoints * SPREAD_SHARE)),
      ticksPerSecond: options.ticksPerSecond * share,
      salt,
      octaves: OCTAVES.map(([period, amplitude], octave) => ({
        ...{ period, amplitude, salt: mix(salt, octave + 101) },
        ...{ cell: NaN, left: NaN, right: NaN },
      })),
      lastSecond: NaN,
      lastPoints: 0,
    };
  });
  const session = sessionOf(options.alwaysOpen);
  return {
    symbols: UNIVERSE,
    serverOffsetMs: (utcSecond) => toServerMs(utcSecond * 1000, options.clock) - utcSecond * 1000,
    writeSecond(symbolIndex, utcSecond, into) {
      const quote = quotes[symbolIndex];
      if (quote === undefined) return;
      const openness = session(utcSecond);
      if (openness === CLOSED) return;
      writeTicks(quote, { utcSecond, widening: openness, clock: options.clock }, into);
    },
    bidAt(symbolIndex, utcSecond) {
      const quote = quotes[symbolIndex];
      const openness = session(utcSecond);
      if (quote === undefined || openness === CLOSED) return NaN;
      const halfSpread = quote.spreadPoints * openness / 2;
      return Math.round(midPoints(quote, utcSecond) - halfSpread) / quote.scale;
    },
    ticksPerSecond: (symbolIndex) => (quotes[symbolIndex]?.ticksPerSecond ?? 0) * BURST_MEAN,
  };
}

function writeTicks(
  quote: Quote,
  when: { utcSecond: number; widening: number; clock: ServerZone },
  into: TickBlock,
): void {
  const { utcSecond } = when;
  let random = mix(quote.salt, utcSecond);
  const burst = share(random) < BURST_CHANCE;
  random = next(random);
  const mean = quote.ticksPerSecond * (burst ? BURST_FACTOR : 1);
  const count = Math.floor(mean + share(random));
  if (count === 0) return;

  const start = quote.lastSecond === utcSecond ? quote.lastPoints : midPoints(quote, utcSecond);
  const end = midPoints(quote, utcSecond + 1);
  quote.lastSecond = utcSecond + 1;
  quote.lastPoints = end;
  const fromServerMs = toServerMs(utcSecond * 1000, when.clock);
  // A burst is a fifth of a second in which everything happens.
  const slotMs = (burst ? 200 : 1000) / count;
  random = next(random);
  const firstMs = burst ? Math.floor(share(random) * 799) : 0;
  const { scale } = quote;
  let ms = firstMs, bidBefore = NaN, askBefore = NaN;
  for (let index = 0; index < count; index++) {
    random = next(random);
    const jitter = share(random);
    random = next(random);
    if (index === 0 || share(random) >= SAME_MS_CHANCE) {
      ms = Math.max(ms, firstMs + Math.floor((index + jitter) * slotMs));
    }
    random = next(random);
    const wobble = (share(random) - 0.5) * quote.spreadPoints * 0.6;
    const extra = share(mix(random, 7));
    const spread = Math.max(
      1,
      Math.round(quote.spreadPoints * when.widening * (0.7 + 0.6 * extra)),
    );
    const mid = start + (end - start) * (ms / 1000) + wobble;
    const bid = Math.round(mid - spread / 2), ask = bid + spread;
    const changed = (bid !== bidBefore ? FLAG_BID : 0) | (ask !== askBefore ? FLAG_ASK : 0);
    into.push(fromServerMs + ms, bid / scale, ask / scale, changed);
    bidBefore = bid;
    askBefore = ask;
  }
}

function midPoints(quote: Quote, utcSecond: number): number {
  let deviation = 0;
  for (const octave of quote.octaves) {
    const at = utcSecond / octave.period, cell = Math.floor(at), within = at - cell;
    if (cell !== octave.cell) enter(octave, cell);
    const smooth = within * within * (3 - 2 * within);
    deviation += octave.amplitude * 2 *
      (octave.left + (octave.right - octave.left) * smooth - 0.5);
  }
  return quote.basePoints * (1 + deviation);
}

/** The cell that was asked last is kept: who reads on asks for the same one many times. */
function enter(octave: Octave, cell: number): void {
  octave.left = cell === octave.cell + 1 ? octave.right : share(mix(octave.salt, cell));
  octave.right = share(mix(octave.salt, cell + 1));
  octave.cell = cell;
}

const CLOSED = 0;

/** How much wider than usual spreads are in a second; `CLOSED` outside the week. */
function sessionOf(alwaysOpen: boolean): (utcSecond: number) => number {
  let minute = NaN, openness = 1;
  return (utcSecond) => {
    const minuteNow = Math.floor(utcSecond / 60);
    if (minuteNow === minute) return openness;
    minute = minuteNow;
    const wallMinutes = Math.floor(toServerMs(minuteNow * 60_000, NEW_YORK) / 60_000);
    const ofDay = wallMinutes % 1440;
    // The epoch was a Thursday.
    const weekday = (Math.floor(wallMinutes / 1440) + 4) % 7;
    const closed = weekday === 6 || (weekday === 5 && ofDay >= ROLL_MINUTE) ||
      (weekday === 0 && ofDay < ROLL_MINUTE);
    const fromRoll = Math.abs(ofDay - ROLL_MINUTE);
    const nearRoll = Math.max(0, 1 - fromRoll / ROLL_HALF_WIDTH_MINUTES);
    openness = closed && !alwaysOpen ? CLOSED : 1 + (ROLL_WIDENING - 1) * nearRoll;
    return openness;
  };
}

/** Two numbers into 32 well-stirred bits (the finalizer of MurmurHash3). */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ Math.imul(b, 0xcc9e2d51), 0x1b873593) ^ (b >>> 7);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function next(state: number): number {
  return mix(state, 0x6d2b79f5);
}

/** In [0, 1). */
export function share(bits: number): number {
  return (bits >>> 0) / 4294967296;
}
