import { connectBridge } from "../../../lib/bridge/client.ts";
import { discover } from "../../../lib/capture/discover.ts";
import { readUniverse, type UniverseFile } from "../../../lib/capture/universe_file.ts";
import type { BridgeOptions, OfferedSource } from "./sources.ts";

export interface DiscoveringOptions {
  readonly dataDir: string;
  readonly bridge: BridgeOptions;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Asks the vendor what it offers, and makes that the universe of the data folder. In one sentence. */
export async function discoverSource(
  { name: source, session }: OfferedSource,
  { dataDir, bridge, dryRun, signal }: DiscoveringOptions,
): Promise<{ universe: UniverseFile; told: string }> {
  await using connection = await connectBridge({ ...bridge, session, signal });
  const specs = await connection.specs();
  const nowUtcMs = Date.now();
  const found = await discover({ specs, source, dataDir, nowUtcMs, dryRun });
  const written = found.files.length === 0 ? "nothing was written" : found.files.join(", ");
  const told = `${source}: ${found.found.length} of ${found.offered} symbols are the universe ` +
    `(${written})`;
  return { universe: found.universe, told };
}

/**
 * `--universe-only`: the universe that is there is read, every field of it; where there is none, or with
 * `--discover`, it is made. @throws SyntaxError that names the file and what is wrong in it.
 */
export async function universeOnly(
  sources: readonly OfferedSource[],
  options: DiscoveringOptions & { readonly discover: boolean },
): Promise<string[]> {
  const universe = options.discover ? undefined : await readUniverse(options.dataDir);
  if (universe !== undefined) {
    const offered = new Set(sources.flatMap(({ symbols }) => symbols.map(({ symbol }) => symbol)));
    const gone = universe.symbols.filter(({ symbol }) => !offered.has(symbol));
    return [
      `The universe of ${universe.generated_at_utc} is sound: ${universe.symbols.length} symbols ` +
      `of ${universe.source}`,
      ...gone.length === 0
        ? []
        : [`The bridge does not offer ${gone.map(({ symbol }) => symbol).join(", ")}`],
    ];
  }
  const told: string[] = [];
  for (const source of sources) told.push((await discoverSource(source, options)).told);
  return told;
}
