import { z } from "zod";
import { isPair, plainName } from "./plain_name.ts";
import { isSymbol } from "./symbol.ts";
import { MARKETS } from "./universe.ts";
import { inSnakeCase, isTradeable, numberOf, textOf, type VendorFields } from "./vendor_fields.ts";
import { marketByVendor } from "./vendor_market.ts";

const number = z.number().nullable();
const field = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/**
 * A symbol of the universe file. Null is what the vendor does not say. Sizes and volumes are in the
 * vendor's units: contract size in units of the base currency a lot, volumes in lots.
 */
export const universeSymbol = z.object({
  /** The broker's name. */
  symbol_raw: z.string().min(1),
  /** The name on the stream and in files. */
  symbol: z.string().refine(isSymbol, "expected a symbol"),
  market: z.enum(MARKETS),
  /** `vendor:server` that offers it. */
  source: z.string().min(1),
  digits: z.number().int().min(0).nullable(),
  /** The price's smallest step, in the quote currency. */
  point: number,
  currency_base: z.string().nullable(),
  currency_profit: z.string().nullable(),
  contract_size: number,
  min_volume: number,
  max_volume: number,
  volume_step: number,
  /** In points, when it was asked. */
  spread: number,
  tradeable: z.boolean(),
  /** All that the vendor said, by the vendor's names. */
  raw: z.record(z.string(), field),
});
export type UniverseSymbol = z.infer<typeof universeSymbol>;

/** A symbol as a vendor or an exported list gives it, with the name it has on the stream. */
export interface DescribedSymbol {
  readonly symbol: string;
  readonly rawName: string;
  readonly digits?: number | undefined;
  readonly fields: VendorFields;
}

/** From MetaTrader's fields, ForexConnect's offers, or an export of either. */
export function universeSymbolOf(described: DescribedSymbol, source: string): UniverseSymbol {
  const { symbol, rawName } = described, fields = inSnakeCase(described.fields);
  const digits = described.digits ?? numberOf(fields, "digits");
  // The `point_size` of ForexConnect is a pip, ten of the smallest steps.
  const point = numberOf(fields, "point", "tick_size") ??
    (digits === null ? null : Number(`1e-${digits}`));
  const plain = plainName(rawName), pair = isPair(plain);
  const contract = textOf(fields, "contract_currency");
  return {
    symbol_raw: rawName,
    symbol,
    market: marketByVendor({ symbol, rawName, fields }),
    source,
    digits,
    point,
    currency_base: textOf(fields, "currency_base", "base_currency") ??
      (pair ? plain.slice(0, 3) : contract),
    currency_profit: textOf(fields, "currency_profit", "profit_currency", "quote_currency") ??
      (pair ? plain.slice(3) : contract),
    contract_size: numberOf(fields, "trade_contract_size", "contract_size", "contract_multiplier"),
    min_volume: numberOf(fields, "volume_min"),
    max_volume: numberOf(fields, "volume_max"),
    volume_step: numberOf(fields, "volume_step"),
    spread: numberOf(fields, "spread", "spread_current") ?? spreadOf(fields, point),
    tradeable: isTradeable(fields),
    raw: { ...described.fields },
  };
}

function spreadOf(fields: VendorFields, point: number | null): number | null {
  const bid = numberOf(fields, "bid"), ask = numberOf(fields, "ask");
  if (bid === null || ask === null || point === null || bid <= 0 || ask <= 0) return null;
  return Math.round((ask - bid) / point);
}
