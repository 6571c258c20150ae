import { isMoney } from "./currency.ts";
import { isPair, plainName } from "./plain_name.ts";
import { baseOf, knownMarketOf, type Market, marketOf } from "./universe.ts";
import type { VendorFields } from "./vendor_fields.ts";

/** Words in the folders that brokers keep their symbols in, and in categories. */
const MARKET_BY_WORD: readonly (readonly [RegExp, Market])[] = [
  [/indic|index/i, "index"],
  [/stock|share|equit|etf|bond|energ|oil|commodit|agri|crypto|future|option|treasur/i, "stock"],
  [/\bfx|forex|currenc|metal|bullion/i, "fx"],
];
/** ENUM_SYMBOL_CALC_MODE of MetaTrader 5; its CFD modes (2, 4) are used for everything. */
const MARKET_BY_CALC_MODE: Readonly<Record<number, Market>> = {
  0: "fx",
  1: "stock",
  3: "index",
  5: "fx",
  32: "stock",
  33: "stock",
  34: "stock",
  36: "stock",
  37: "stock",
  38: "stock",
};
/** Instrument types of ForexConnect: currencies, indices, bullion, currency indices; else goods and shares. */
const MARKET_BY_INSTRUMENT_TYPE: Readonly<Record<number, Market>> = {
  1: "fx",
  2: "index",
  5: "fx",
  7: "index",
};

/**
 * The market of a symbol by all that is known: the universe first, so that a symbol of it is never
 * elsewhere; then that its name is a pair of currencies; the vendor's folders, from the innermost; its
 * calculation mode or instrument type; its two currencies; at last the name alone.
 */
export function marketByVendor(
  { symbol, rawName, fields }: { symbol: string; rawName: string; fields: VendorFields },
): Market {
  const names = [baseOf(symbol), plainName(rawName)];
  return knownMarketOf(symbol) ??
    (names.some(isPair) ? "fx" : undefined) ??
    marketByWords(fields) ??
    marketByNumbers(fields) ??
    marketByCurrencies(fields) ??
    marketOf(symbol);
}

function marketByWords({ path, category }: VendorFields): Market | undefined {
  // The last part of a path is the symbol, which may be called anything.
  const folders = typeof path === "string" ? path.split(/[\\/]/).slice(0, -1).reverse() : [];
  for (const words of [...folders, category]) {
    if (typeof words !== "string") continue;
    const found = MARKET_BY_WORD.find(([word]) => word.test(words));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

function marketByNumbers(fields: VendorFields): Market | undefined {
  const { trade_calc_mode: mode, instrument_type: type } = fields;
  if (typeof mode === "number") return MARKET_BY_CALC_MODE[mode];
  return typeof type === "number" ? MARKET_BY_INSTRUMENT_TYPE[type] ?? "stock" : undefined;
}

function marketByCurrencies(fields: VendorFields): Market | undefined {
  const base = fields.currency_base ?? fields.base_currency;
  const profit = fields.currency_profit ?? fields.profit_currency ?? fields.quote_currency;
  if (typeof base !== "string" || typeof profit !== "string" || base === profit) return undefined;
  return isMoney(base) && isMoney(profit) ? "fx" : undefined;
}
