import { z } from "zod";
import { symbolFolder } from "../market/symbol.ts";
import { knownMarketOf, type Market, marketOf, MARKETS } from "../market/universe.ts";
import { parseJson } from "./parse_json.ts";
import { readIfThere, registryFolder, writeNew } from "./source_registry.ts";
import { readUniverse } from "./universe_file.ts";

/**
 * Which market folder a symbol's files are in. A symbol of the 41 has its market for good. Any other
 * gets one when it is first written: where its files are already, else what the discovered universe
 * says, else what its name says. That is noted in `metadata/source_registry/markets/<symbol>.json`,
 * and never changes again, whatever is discovered later: files of one symbol lie in one folder.
 */
const note = z.object({ symbol: z.string(), market: z.enum(MARKETS) });

/** For who writes files: decides and notes what is not decided. Several may do so at once. */
export async function claimMarket(dataDir: string, symbol: string): Promise<Market> {
  const known = knownMarketOf(symbol) ?? await readNote(dataDir, symbol);
  if (known !== undefined) return known;
  return await writeNote(dataDir, { symbol, market: await undecidedMarket(dataDir, symbol) });
}

/** For who reads files: the same, without deciding anything. */
export async function marketIn(dataDir: string, symbol: string): Promise<Market> {
  return knownMarketOf(symbol) ?? await readNote(dataDir, symbol) ??
    await undecidedMarket(dataDir, symbol);
}

async function undecidedMarket(dataDir: string, symbol: string): Promise<Market> {
  const onDisk = await marketOnDisk(dataDir, symbol);
  if (onDisk !== undefined) return onDisk;
  const universe = await readUniverse(dataDir);
  const found = universe?.symbols.find((entry) => entry.symbol === symbol);
  return found?.market ?? marketOf(symbol);
}

async function marketOnDisk(dataDir: string, symbol: string): Promise<Market | undefined> {
  for (const market of MARKETS) {
    try {
      await Deno.stat(`${dataDir}/ticks/${market}/${symbolFolder(symbol)}`);
      return market;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
  return undefined;
}

async function readNote(dataDir: string, symbol: string): Promise<Market | undefined> {
  const path = notePath(dataDir, symbol), text = await readIfThere(path);
  if (text === undefined) return undefined;
  return parseJson(text, { path, as: `the market of ${symbol}`, schema: note }).market;
}

/** Of several notes at once the first stays. */
async function writeNote(
  dataDir: string,
  { symbol, market }: { symbol: string; market: Market },
): Promise<Market> {
  await Deno.mkdir(`${registryFolder(dataDir)}/markets`, { recursive: true });
  try {
    await writeNew(notePath(dataDir, symbol), `${JSON.stringify({ symbol, market })}\n`);
    return market;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    return await readNote(dataDir, symbol) ?? market;
  }
}

function notePath(dataDir: string, symbol: string): string {
  return `${registryFolder(dataDir)}/markets/${symbolFolder(symbol)}.json`;
}
