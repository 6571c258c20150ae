import type { SourceKind, SourceSymbol } from "../bridge/feed.ts";
import { baseOf, UNIVERSE } from "./universe.ts";

/** What decides which of a source's symbols are captured; the first that is there. */
export interface Choice {
  /** Names on the stream; `*` means everything that is offered. */
  readonly symbols?: readonly string[] | undefined;
  /**
   * What was discovered. Of it counts what is of this source, and what is out of a list, whose source
   * begins with `list:`.
   */
  readonly universe?: {
    readonly symbols: readonly { readonly symbol: string; readonly source: string }[];
  } | undefined;
  /** The source's `vendor:server`; without it the whole universe counts. */
  readonly source?: string | undefined;
  /** A recording and an invented market offer nothing but what is to be captured. */
  readonly kind?: SourceKind | undefined;
}

/**
 * The symbols to capture, in the order in which they are offered: those of the setting, else those of
 * the discovered universe, else those of the 41 that the source has.
 */
export function chosenSymbols(available: readonly SourceSymbol[], choice: Choice): SourceSymbol[] {
  const { names, nameOf } = wanted(choice) ?? {};
  if (names === undefined) return [...available];
  return available.filter(({ symbol }) => names.has(nameOf?.(symbol) ?? symbol));
}

/** What is wanted and not offered: names of the setting, of the universe or of the 41. */
export function missingSymbols(available: readonly SourceSymbol[], choice: Choice): string[] {
  const { names, nameOf } = wanted(choice) ?? {};
  if (names === undefined) return [];
  const offered = new Set(available.map(({ symbol }) => nameOf?.(symbol) ?? symbol));
  return [...names].filter((name) => !offered.has(name));
}

interface Wanted {
  readonly names: ReadonlySet<string>;
  /** What of an offered symbol is compared; the whole of it when absent. */
  readonly nameOf?: (symbol: string) => string;
}

/** Undefined when everything is. */
function wanted({ symbols, universe, source, kind = "raw" }: Choice): Wanted | undefined {
  if (symbols !== undefined && symbols.length > 0) {
    return symbols.includes("*") ? undefined : { names: new Set(symbols) };
  }
  if (kind !== "raw") return undefined;
  const discovered = universe?.symbols
    .filter((entry) =>
      source === undefined || entry.source === source || entry.source.startsWith("list:")
    ) ?? [];
  return discovered.length > 0
    ? { names: new Set(discovered.map(({ symbol }) => symbol)) }
    : { names: new Set(UNIVERSE.map(({ symbol }) => symbol)), nameOf: baseOf };
}
