import type { Discovery } from "../../lib/capture/discover.ts";
import { MARKETS } from "../../lib/market/universe.ts";

export const universeUsage = `Usage: deno task universe (--discover | --from <file>) [option ...]
Writes which symbols a source has into metadata/source_registry of the data folder.
  --discover          ask the running bridge, at BRIDGE_HOST and BRIDGE_PORT
  --session <name>    one session of the bridge; by default all of them
  --from <file>       an exported list: JSON, an array or an object with symbols
  --source <name>     vendor:server that the list is of
  --aliases <file>    JSON, stream symbol by the broker's name: {"GOLD": "XAUUSD"}
  --suffix <@name>    what sets the session's symbols apart: @fxcm
  --market <list>     of fx, index and stock (fx,index)
  --mask <list>       names with * and ?; !mask keeps out: EUR*,!*TRY
  --all               every market, and what cannot be traded too
  --data-dir <dir>    the data folder (DATA_DIR, or by kind data/raw, …)
  --json              as JSON
  --dry-run           say what would be written, and write nothing
Exit code: 0 done, 1 some sessions failed, 2 unusable arguments, settings or list, 3 no bridge
that answers.`;

export const permissionHint =
  `The task may write the folder data and reach a bridge on 127.0.0.1. For another --data-dir or
BRIDGE_HOST: deno run -P=universe --allow-write=<folder> --allow-net=<host:port> workers/collector/universe.ts …`;

export const filterHint =
  `Kept are symbols of fx and index that the broker lets trade, and which the masks let in: see
--all, --market and --mask.`;

type Shown = Discovery & { readonly dataDir: string };

/** What a discovery found, for machines. */
export function discoveryJson(discovery: Shown): string {
  const { universe, found, offered, contested, changedSpecs, files, dataDir } = discovery;
  return JSON.stringify(
    {
      generated_at_utc: universe.generated_at_utc,
      source: found[0]?.source,
      data_dir: dataDir,
      offered,
      found: found.length,
      markets: Object.fromEntries(MARKETS.map((market) => [market, countsOf(discovery, market)])),
      contested,
      new_specs: changedSpecs.filter(isNew).map(({ symbol }) => symbol),
      changed_specs: changedSpecs.filter((version) => !isNew(version))
        .map(({ symbol, changed }) => ({ symbol, changed })),
      files,
    },
    null,
    2,
  );
}

/** The same for a person. */
export function discoveryText(discovery: Shown): string {
  const { found, offered, contested, changedSpecs, files, dataDir } = discovery;
  const changes = changedSpecs.flatMap(({ symbol, changed }) =>
    Object.entries(changed).map(([name, change]) =>
      `  ${symbol.padEnd(16)} ${name.padEnd(24)} ${change.old} → ${change.new}`
    )
  );
  return [
    `${found[0]?.source}: ${found.length} of ${offered} symbols` +
    (found.length < offered ? " (see --all, --market and --mask)" : ""),
    "",
    `${"market".padEnd(8)} ${"symbols".padStart(8)} ${"tradeable".padStart(10)}`,
    ...MARKETS.map((market) => {
      const { symbols, tradeable } = countsOf(discovery, market);
      return `${market.padEnd(8)} ${String(symbols).padStart(8)} ${String(tradeable).padStart(10)}`;
    }),
    ...section(
      "Names that went to another symbol (an alias settles it):",
      contested.map((name) => `  ${name.rawName} is ${name.symbol}, not ${name.contested}`),
    ),
    ...section("Changed specifications:", changes),
    "",
    `${changedSpecs.filter(isNew).length} specifications are new.`,
    files.length === 0
      ? "Nothing was written."
      : `In ${dataDir}/metadata/source_registry: ${files.join(", ")}`,
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

function countsOf({ found }: Shown, market: string): { symbols: number; tradeable: number } {
  const ofMarket = found.filter((entry) => entry.market === market);
  return {
    symbols: ofMarket.length,
    tradeable: ofMarket.filter(({ tradeable }) => tradeable).length,
  };
}

function isNew({ changed }: { changed: object }): boolean {
  return Object.keys(changed).length === 0;
}
