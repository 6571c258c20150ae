import { snakeCase, type VendorFields } from "./vendor_fields.ts";

/**
 * Names of fields that move with the market, with the clock or with what a terminal has open: quotes
 * and their marks, statistics of the session, what follows from exchange rates, option greeks.
 */
const VOLATILE = [
  /^(bid|ask|last|volume)(high|low)?(_real)?$/,
  /^(bid|ask)_(tradable|id|change_direction|expire_date)$/,
  /^(hi|high|low)(_change_direction)?$/,
  /^(time|time_msc|value_date|quote_id|trading_status|trading_hours_active)$/,
  /^session_/,
  /^(trade_)?tick_value(_profit|_loss)?$/,
  /^(pip_cost|spread_current|trade_accrued_interest)$/,
  /^price_(change|volatility|theoretical|sensitivity|greeks_.*)$/,
  /^(select|visible|subscription_status)$/,
];

/**
 * What of a vendor's fields is the symbol's specification: digits, sizes, swaps, margins, modes,
 * names. A spread is part of it only where the vendor says that it does not float.
 */
export function specificationOf(fields: VendorFields): VendorFields {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) =>
      name === "spread"
        ? fields.spread_float === false
        : !VOLATILE.some((pattern) => pattern.test(snakeCase(name)))
    ),
  );
}

/** A field's value before and after; null where it was not there. */
export interface FieldChange {
  readonly old: VendorFields[string];
  readonly new: VendorFields[string];
}

/** How `told` differs from `known`. A field that is not told has not changed. */
export function changesOf(
  known: VendorFields,
  told: VendorFields,
): Readonly<Record<string, FieldChange>> {
  return Object.fromEntries(
    Object.entries(told)
      .filter(([name, value]) => known[name] !== value)
      .map(([name, value]) => [name, { old: known[name] ?? null, new: value }]),
  );
}
