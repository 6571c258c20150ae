/**
 * A symbol as its vendor describes it, by the vendor's names: a `SymbolInfo` of MetaTrader 5, a row of
 * ForexConnect's offers table, or an export of either.
 */
export type VendorFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * With the names as they are known here: ForexConnect calls a column `PointSize`, the attribute of a
 * row that is the same `point_size`, and either is what a driver or an export may have.
 */
export function inSnakeCase(fields: VendorFields): VendorFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [snakeCase(name), value]),
  );
}

export function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

const SYMBOL_TRADE_MODE_DISABLED = 0;

/**
 * Whether the vendor lets it be traded at all; what says nothing of it counts as tradeable. MetaTrader:
 * `trade_mode` is not disabled (close-only counts: it has a price). ForexConnect: `subscription_status`
 * is not D. What a terminal shows (`visible`, `select`) says nothing: capturing a symbol selects it.
 */
export function isTradeable(fields: VendorFields): boolean {
  const { trade_mode: mode, trade_allowed: allowed, subscription_status: status } = inSnakeCase(
    fields,
  );
  if (typeof mode === "number") return mode !== SYMBOL_TRADE_MODE_DISABLED;
  if (typeof mode === "string") return mode.toLowerCase() !== "disabled";
  if (typeof status === "string") return status !== "D";
  return allowed !== false;
}

/** The first of the named fields that is a number. */
export function numberOf(fields: VendorFields, ...names: readonly string[]): number | null {
  const name = names.find((each) => typeof fields[each] === "number");
  const value = name === undefined ? null : fields[name];
  return typeof value === "number" ? value : null;
}

/** The first of the named fields that is a text with something in it. */
export function textOf(fields: VendorFields, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}
