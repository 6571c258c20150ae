import { filesBelow, placeOf } from "../data_files.ts";

/** The files of one symbol and timeframe, by what they are; paths relative to the data folder, sorted. */
export interface ChainIndex {
  /** `EURUSD_TICK`: the symbol's folder and the timeframe. */
  readonly chain: string;
  readonly csv: string[];
  readonly manifests: string[];
  readonly audits: string[];
  readonly ready: string[];
  head?: string;
}

/** Everything in a data folder, by its name alone. */
export interface FolderIndex {
  readonly chains: ReadonlyMap<string, ChainIndex>;
  readonly parquet: ReadonlySet<string>;
  readonly databases: readonly string[];
  readonly metadata: readonly string[];
  readonly unfinished: readonly string[];
  readonly foreign: readonly string[];
}

/** Names alone are read: a folder of years has some ten thousands. */
export async function indexFolder(dataDir: string): Promise<FolderIndex> {
  const chains = new Map<string, ChainIndex>();
  const parquet = new Set<string>();
  const lists = {
    metadata: [] as string[],
    databases: [] as string[],
    unfinished: [] as string[],
    foreign: [] as string[],
  };
  const chainOf = (chain: string) => {
    const known = chains.get(chain) ?? { chain, csv: [], manifests: [], audits: [], ready: [] };
    chains.set(chain, known);
    return known;
  };
  for await (const path of filesBelow(dataDir)) {
    const place = placeOf(path);
    switch (place.kind) {
      case "csv":
        chainOf(place.chain).csv.push(path);
        break;
      case "manifest":
        chainOf(place.chain).manifests.push(path);
        break;
      case "audit":
        chainOf(place.chain).audits.push(path);
        break;
      case "ready":
        chainOf(place.chain).ready.push(path);
        break;
      case "head":
        chainOf(place.chain).head = path;
        break;
      case "parquet":
        parquet.add(path);
        break;
      case "database":
        lists.databases.push(path);
        break;
      case "lock":
        break;
      default:
        lists[place.kind].push(path);
    }
  }
  return { chains, parquet, ...lists };
}
