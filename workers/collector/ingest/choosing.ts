import type { SourceSymbol } from "../../../lib/bridge/feed.ts";
import type { UniverseFile } from "../../../lib/capture/universe_file.ts";
import { chosenSymbols, missingSymbols } from "../../../lib/market/chosen_symbols.ts";
import type { OfferedSource } from "./sources.ts";

export interface ChosenSource extends OfferedSource {
  /** Those that are read; never none. */
  readonly chosen: readonly SourceSymbol[];
  /** Of the universe, or of the 41, what is not offered. */
  readonly missing: readonly string[];
}

/**
 * Which symbols are read of which source: those that were named, else those of the universe, else those
 * of the 41 that are offered. A symbol that two sources offer is read of the first.
 * @throws RangeError that says every name which no source has.
 */
export function chooseSymbols(
  sources: readonly OfferedSource[],
  { names, universe }: {
    names: readonly string[] | undefined;
    universe: UniverseFile | undefined;
  },
): ChosenSource[] {
  if (names !== undefined) checkNames(names, sources);
  const taken = new Set<string>();
  const chosen = sources.map((source) => {
    const choice = { symbols: names, universe, source: source.name, kind: source.kind };
    const all = chosenSymbols(source.symbols, choice);
    const fresh = all.filter(({ symbol }) => !taken.has(symbol));
    for (const { symbol } of fresh) taken.add(symbol);
    const missing = names === undefined ? missingSymbols(source.symbols, choice) : [];
    return { ...source, chosen: fresh, missing };
  });
  const filled = chosen.filter((source) => source.chosen.length > 0);
  if (filled.length > 0) return filled;
  const offered = sources.map(({ name }) => name).join(", ");
  throw new RangeError(
    `Cannot ingest anything from ${offered}: it offers none of the wanted symbols; name some with --symbols`,
  );
}

const MOST_NAMES = 12;

function checkNames(names: readonly string[], sources: readonly OfferedSource[]): void {
  const offered = sources.flatMap(({ symbols }) => symbols);
  const unknown = missingSymbols(offered, { symbols: names });
  if (unknown.length === 0) return;
  const written = new Set(unknown.map((name) => name.toLowerCase()));
  const nearest = offered.filter(({ symbol }) => written.has(symbol.toLowerCase()));
  const shown = nearest.length > 0 ? nearest : offered;
  const some = shown.slice(0, MOST_NAMES).map(({ symbol }) => symbol).join(", ");
  const more = shown.length > MOST_NAMES ? `, … (${shown.length})` : "";
  throw new RangeError(
    `Cannot read --symbols: the bridge has no such symbol: current value is ${
      unknown.join(", ")
    }; it has ${some}${more}`,
  );
}
