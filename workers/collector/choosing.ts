import type { SourceKind, SourceSymbol } from "../../lib/bridge/feed.ts";
import { readUniverse } from "../../lib/capture/universe_file.ts";
import { chosenSymbols, missingSymbols } from "../../lib/market/chosen_symbols.ts";
import type { CollectorEvents } from "./events.ts";

export interface ChoosingOptions {
  readonly dataDir: string;
  readonly kind: SourceKind;
  /** The setting; `*` is all that is offered. */
  readonly symbols: readonly string[] | undefined;
  readonly events: CollectorEvents;
}

/** Chooses what is captured of a source, and says once what is wanted and not offered. */
export function choosing(options: ChoosingOptions) {
  const { dataDir, kind, symbols, events } = options;
  const told = new Set<string>();
  return async (
    available: readonly SourceSymbol[],
    source: string,
  ): Promise<readonly SourceSymbol[]> => {
    const choice = { symbols, kind, source, universe: await readUniverse(dataDir) };
    const missing = missingSymbols(available, choice);
    if (missing.length > 0 && !told.has(source)) events.notOffered(source, missing);
    told.add(source);
    return chosenSymbols(available, choice);
  };
}
