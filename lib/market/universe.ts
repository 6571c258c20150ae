/** The symbols captured when none are configured, and the market folder of each. */

export const MARKETS = ["fx", "index", "stock"] as const;
export type Market = (typeof MARKETS)[number];

export interface UniverseSymbol {
  readonly symbol: string;
  /** The folder the symbol's files live in: `fx` holds currencies and metals. */
  readonly market: Market;
  /** Decimals of the price. */
  readonly digits: number;
}

const FX = `AUDCAD AUDCHF AUDJPY AUDNZD AUDUSD CADCHF CADJPY CHFJPY EURAUD EURCAD EURCHF EURGBP
  EURJPY EURNZD EURUSD GBPAUD GBPCAD GBPCHF GBPJPY GBPUSD NZDCAD NZDCHF NZDJPY NZDUSD USDCAD USDCHF
  USDJPY`.split(/\s+/);
const METALS = "XAUUSD XAUEUR XAUAUD XAGUSD XAGEUR XAUCHF XAUGBP XPDUSD XPTUSD XAGAUD".split(" ");
const INDICES = "MAYM GDAXIm MXSHAR CHINAH".split(" ");

export const UNIVERSE: readonly UniverseSymbol[] = [
  ...FX.map((symbol) => fx(symbol, symbol.endsWith("JPY") ? 3 : 5)),
  ...METALS.map((symbol) => fx(symbol, symbol.startsWith("XAG") ? 3 : 2)),
  ...INDICES.map((symbol): UniverseSymbol => ({ symbol, market: "index", digits: 1 })),
];

function fx(symbol: string, digits: number): UniverseSymbol {
  return { symbol, market: "fx", digits };
}

const MARKET_BY_SYMBOL = new Map(UNIVERSE.map((entry) => [entry.symbol, entry.market]));

/** The market of a symbol of the universe, wherever it is captured. */
export function knownMarketOf(symbol: string): Market | undefined {
  return MARKET_BY_SYMBOL.get(baseOf(symbol));
}

/**
 * The market of a symbol by its name alone; `EURUSD@fxcm` is where `EURUSD` is. A name outside the
 * universe counts as a currency pair or metal when it is six capital letters, else as a stock. What a
 * vendor says of it counts for more: see `marketByVendor`.
 */
export function marketOf(symbol: string): Market {
  return knownMarketOf(symbol) ?? (/^[A-Z]{6}$/.test(baseOf(symbol)) ? "fx" : "stock");
}

/** A symbol without the suffix of its session. */
export function baseOf(symbol: string): string {
  return symbol.split("@", 1)[0] ?? symbol;
}
