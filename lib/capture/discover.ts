import { plainName } from "../market/plain_name.ts";
import { specificationOf } from "../market/specification.ts";
import { baseOf } from "../market/universe.ts";
import { DEFAULT_FILTER, filterUniverse, type UniverseFilter } from "../market/universe_filter.ts";
import {
  type DescribedSymbol,
  type UniverseSymbol,
  universeSymbolOf,
} from "../market/universe_symbol.ts";
import { lockRegistry } from "./source_registry.ts";
import { recordSpec, type SpecVersion } from "./spec_versions.ts";
import { readUniverse, type UniverseFile, writeUniverse } from "./universe_file.ts";

export interface DiscoverOptions {
  /** All that one source offers, with the names they have on the stream. */
  readonly specs: readonly DescribedSymbol[];
  /** `vendor:server`. */
  readonly source: string;
  readonly dataDir: string;
  readonly nowUtcMs: number;
  /** What can be traded of currencies, metals and indices, when absent. */
  readonly filter?: UniverseFilter;
  /** Says what would be written, and writes nothing. */
  readonly dryRun?: boolean;
}

export interface Discovery {
  /** As it is in `universe_latest.json` now: with the symbols of other sources, where there are. */
  readonly universe: UniverseFile;
  /** Those of this source. */
  readonly found: readonly UniverseSymbol[];
  /** How many the source offers; what is not found was filtered out. */
  readonly offered: number;
  readonly contested: readonly ContestedName[];
  /** New versions of specifications; `changed` is empty for a symbol that was never seen. */
  readonly changedSpecs: readonly SpecVersion[];
  /** Written files, without their folder. */
  readonly files: readonly string[];
}

/** A raw name whose plain name went to another one of the same source: worth a warning. */
export interface ContestedName {
  readonly rawName: string;
  readonly symbol: string;
  readonly contested: string;
}

/**
 * Makes the universe of what a source offers, and keeps what changed in its specifications. Symbols of
 * other sources stay in the universe unless this source has them now. A dated snapshot is written when
 * the universe differs from the last one in more than quotes.
 * @throws RangeError when nothing passes the filter: the universe stays as it is.
 */
export async function discover(options: DiscoverOptions): Promise<Discovery> {
  const { specs, source, dataDir, nowUtcMs, filter = DEFAULT_FILTER, dryRun = false } = options;
  const found = filterUniverse(specs.map((spec) => universeSymbolOf(spec, source)), filter);
  if (found.length === 0) {
    throw new RangeError(
      `Cannot make a universe of ${source} as filtered: of ${specs.length} symbols none is left`,
    );
  }
  using _lock = dryRun ? undefined : await lockRegistry(dataDir);
  const previous = await readUniverse(dataDir);
  const universe = merge(found, { previous, source, nowUtcMs });
  const changedSpecs = await recordSpecs(specs, { found, source, dataDir, nowUtcMs, dryRun });
  const isNews = JSON.stringify(previous?.symbols.map(withoutQuotes)) !==
    JSON.stringify(universe.symbols.map(withoutQuotes));
  const snapshot = isNews ? { vendor: vendorOf(source), json: rawOf(options) } : undefined;
  const files = dryRun ? [] : await writeUniverse(dataDir, { universe, snapshot });
  const contested = contestedNames(found);
  return { universe, found, offered: specs.length, contested, changedSpecs, files };
}

/** A symbol is of one source: of the one that was asked last. */
function merge(
  found: readonly UniverseSymbol[],
  { previous, source, nowUtcMs }: {
    previous: UniverseFile | undefined;
    source: string;
    nowUtcMs: number;
  },
): UniverseFile {
  const taken = new Set(found.map(({ symbol }) => symbol.toLowerCase()));
  const others =
    previous?.symbols.filter((entry) =>
      entry.source !== source && !taken.has(entry.symbol.toLowerCase())
    ) ?? [];
  const symbols = [...others, ...found]
    .sort((a, b) => a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0);
  return {
    generated_at_utc: new Date(nowUtcMs).toISOString(),
    source: [...new Set([...others.map((entry) => entry.source), source])].sort().join(", "),
    symbols,
  };
}

async function recordSpecs(
  specs: readonly DescribedSymbol[],
  { found, source, dataDir, nowUtcMs, dryRun }: {
    found: readonly UniverseSymbol[];
    source: string;
    dataDir: string;
    nowUtcMs: number;
    dryRun: boolean;
  },
): Promise<SpecVersion[]> {
  const wanted = new Set(found.map(({ symbol }) => symbol));
  const changed: SpecVersion[] = [];
  for (const described of specs) {
    if (!wanted.has(described.symbol)) continue;
    const version = await recordSpec(dataDir, { described, source, utcMs: nowUtcMs, dryRun });
    if (version !== undefined) changed.push(version);
  }
  return changed;
}

function withoutQuotes(entry: UniverseSymbol): UniverseSymbol {
  return { ...entry, spread: null, raw: { ...specificationOf(entry.raw) } };
}

/** In the shape of `symbols_get`, so that it can be read again as an exported list. */
function rawOf({ specs, source, nowUtcMs }: DiscoverOptions): unknown {
  return {
    generated_at_utc: new Date(nowUtcMs).toISOString(),
    source,
    symbols: specs.map(({ symbol, rawName, digits, fields }) => ({
      ...fields,
      ...digits !== undefined && { digits },
      name: rawName,
      stream_symbol: symbol,
    })),
  };
}

function vendorOf(source: string): string {
  const vendor = source.split(":", 1)[0] ?? source;
  return vendor.toLowerCase().replace(/[^a-z0-9]+/g, "_") || "source";
}

function contestedNames(found: readonly UniverseSymbol[]): ContestedName[] {
  const owners = new Set(found.map(({ symbol }) => symbol));
  return found.flatMap(({ symbol, symbol_raw: rawName }) => {
    const contested = plainName(rawName) + symbol.slice(baseOf(symbol).length);
    return symbol !== contested && owners.has(contested) ? [{ rawName, symbol, contested }] : [];
  });
}
