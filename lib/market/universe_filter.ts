import type { Market } from "./universe.ts";
import type { UniverseSymbol } from "./universe_symbol.ts";

/** Which of a broker's symbols make the universe. */
export interface UniverseFilter {
  readonly tradeableOnly: boolean;
  readonly markets: readonly Market[];
  /**
   * With `*` and `?`, compared with the stream name and the raw name, whatever their case; a mask that
   * begins with `!` keeps out. Without a mask that lets in, all are in.
   */
  readonly masks: readonly string[];
}

/** The markets of the default universe: a broker's thousands of shares must be asked for. */
export const DEFAULT_FILTER: UniverseFilter = {
  tradeableOnly: true,
  markets: ["fx", "index"],
  masks: [],
};

export const EVERYTHING: UniverseFilter = {
  tradeableOnly: false,
  markets: ["fx", "index", "stock"],
  masks: [],
};

export function filterUniverse(
  symbols: readonly UniverseSymbol[],
  filter: UniverseFilter,
): UniverseSymbol[] {
  const excluding = filter.masks.filter((mask) => mask.startsWith("!"))
    .map((mask) => patternOf(mask.slice(1)));
  const including = filter.masks.filter((mask) => !mask.startsWith("!")).map(patternOf);
  return symbols.filter((entry) => {
    const matches = (pattern: RegExp) =>
      pattern.test(entry.symbol) || pattern.test(entry.symbol_raw);
    return (entry.tradeable || !filter.tradeableOnly) && filter.markets.includes(entry.market) &&
      !excluding.some(matches) && (including.length === 0 || including.some(matches));
  });
}

function patternOf(mask: string): RegExp {
  const source = mask.replace(/[\\^$.|+()[\]{}]/g, "\\$&").replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "i");
}
