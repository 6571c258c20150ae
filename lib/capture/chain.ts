import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { symbolFolder } from "../market/symbol.ts";
import { failPoint } from "../program/fail_point.ts";
import { manifestPath } from "./day_path.ts";
import { syncFolder, writeDurably, writeToDisk } from "./durable_file.ts";
import { parseJson } from "./parse_json.ts";
import { readIfThere } from "./source_registry.ts";
import { waitForLock } from "./wait_for_lock.ts";

/**
 * The manifests of a symbol and timeframe are a chain: each holds the hash of the one before it, and
 * the head in `metadata/chains/<symbol>_<timeframe>.json` holds the hash of the newest. So a manifest
 * that was changed, removed or put in between is found.
 */
export interface Chain {
  readonly symbol: string;
  /** The label of a timeframe, or `TICK`. */
  readonly timeframe: string;
}

export const chainLinkSchema = z.object({
  cycle_id: z.string(),
  /** Of the bytes of the manifest's file, in hex. */
  sha256: z.string(),
});
export type ChainLink = Readonly<z.infer<typeof chainLinkSchema>>;

/** What a manifest must have to be chained; `make` writes the link that it is given into it. */
export interface Chained {
  readonly cycle_id: string;
  readonly previous?: ChainLink | null | undefined;
}

/** The chain holds another manifest of that id already, and what is chained stays as it is. */
export class CycleTaken extends Error {
  override readonly name = "CycleTaken";
}

const headSchema = chainLinkSchema.extend({
  symbol: z.string(),
  timeframe: z.string(),
  previous: chainLinkSchema.nullable(),
  /** How many manifests the chain has. */
  length: z.number().int(),
});
type Head = z.infer<typeof headSchema>;

/** Facts of a writing and not of what is written: a redo may differ in them. */
const OF_THE_WRITING = ["previous", "written_at", "ingestion_time_utc"];

/**
 * Makes the next manifest of a chain, with the link to the one before it (null for the first), and
 * publishes it; when this resolves it is on the disk. A manifest of that id which is chained already
 * and says the same, times of writing aside, stays and is returned. May be done again after a kill at
 * any step: the manifest lies ready on the disk before the head names it, so that whoever comes next
 * publishes what a dead program did not, and no chain ever forks.
 * @throws CycleTaken when a chained manifest of that id says something else.
 */
export async function chainManifest<M extends Chained>(
  dataDir: string,
  chain: Chain,
  make: (previous: ChainLink | null) => M,
): Promise<M> {
  using _lock = await waitForLock(chainsFolder(dataDir), chainName(chain));
  const head = await finished(dataDir, chain);
  const manifest = make(head === undefined ? null : linkOf(head));
  const there = await readChained(dataDir, manifest.cycle_id);
  if (there !== undefined) {
    if (!saySame(there, manifest)) {
      throw new CycleTaken(
        `Cannot chain ${manifest.cycle_id} as a new manifest: current value is another one of that id`,
      );
    }
    // It says what `manifest` says, so it has its shape.
    return there as M;
  }
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
  // The folders may be new, and a chain without its head would begin once more.
  if (head === undefined) await makeFolders(dataDir);
  failPoint("chain.next.before");
  await writeNext(dataDir, chain, bytes);
  failPoint("chain.next.after");
  failPoint("chain.head.before");
  await writeHead(dataDir, {
    ...chain,
    cycle_id: manifest.cycle_id,
    sha256: sha256Of(bytes),
    previous: head === undefined ? null : linkOf(head),
    length: (head?.length ?? 0) + 1,
  });
  failPoint("chain.head.after");
  failPoint("chain.publish.before");
  await publish(dataDir, chain, manifest.cycle_id);
  failPoint("chain.publish.after");
  return manifest;
}

/**
 * Publishes what a program left that ended before it did: for who looks whether there is a manifest of
 * an id already before it makes one.
 */
export async function finishChain(dataDir: string, chain: Chain): Promise<void> {
  using _lock = await waitForLock(chainsFolder(dataDir), chainName(chain));
  await finished(dataDir, chain);
}

/** The newest published manifest; undefined for a chain that has none. */
export async function readHead(dataDir: string, chain: Chain): Promise<ChainLink | undefined> {
  const head = await readHeadFile(dataDir, chain);
  if (head === undefined) return undefined;
  if (await isUnpublished(dataDir, chain, head)) return head.previous ?? undefined;
  return linkOf(head);
}

/** Every chain of a data folder, by name. */
export async function listChains(dataDir: string): Promise<Chain[]> {
  const folder = chainsFolder(dataDir), names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (/_[A-Z0-9]+\.json$/.test(name)) names.push(name);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  const chains: Chain[] = [];
  for (const name of names.sort()) {
    const chain = await chainNamed(dataDir, name.slice(0, -".json".length));
    if (chain !== undefined) chains.push(chain);
  }
  return chains;
}

/** The chain of a name such as `EURUSD_1H`, the symbol's folder and the timeframe, where there is one. */
export async function chainNamed(dataDir: string, name: string): Promise<Chain | undefined> {
  const head = await parseHead(`${chainsFolder(dataDir)}/${name}.json`);
  return head && { symbol: head.symbol, timeframe: head.timeframe };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function chainsFolder(dataDir: string): string {
  return `${dataDir}/metadata/chains`;
}

function chainName({ symbol, timeframe }: Chain): string {
  return `${symbolFolder(symbol)}_${timeframe}`;
}

/** Where a manifest lies ready until the head names it. */
function nextPath(dataDir: string, chain: Chain): string {
  return `${chainsFolder(dataDir)}/${chainName(chain)}.next`;
}

function linkOf({ cycle_id, sha256 }: Head): ChainLink {
  return { cycle_id, sha256 };
}

async function readHeadFile(dataDir: string, chain: Chain): Promise<Head | undefined> {
  const path = `${chainsFolder(dataDir)}/${chainName(chain)}.json`;
  const head = await parseHead(path);
  if (head !== undefined && head.symbol !== chain.symbol) {
    throw new Error(
      `Cannot read ${path} as the chain of ${chain.symbol}: current value is of ${head.symbol}, ` +
        "whose name is the same on this disk",
    );
  }
  return head;
}

async function parseHead(path: string): Promise<Head | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  return parseJson(text, { path, as: "the head of a chain", schema: headSchema });
}

/** The head, whose manifest is published when this resolves. The chain's lock is held. */
async function finished(dataDir: string, chain: Chain): Promise<Head | undefined> {
  const head = await readHeadFile(dataDir, chain);
  if (head !== undefined && await isUnpublished(dataDir, chain, head)) {
    await publish(dataDir, chain, head.cycle_id);
  }
  return head;
}

async function isUnpublished(dataDir: string, chain: Chain, head: Head): Promise<boolean> {
  try {
    return sha256Of(await Deno.readFile(nextPath(dataDir, chain))) === head.sha256;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

/** Undefined where there is none, or one from before there were chains. */
async function readChained(dataDir: string, cycle: string): Promise<object | undefined> {
  const path = `${dataDir}/${manifestPath(cycle)}`, text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "previous" in value ? value : undefined;
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as a manifest: current value is ${text.slice(0, 80)}`,
      { cause },
    );
  }
}

function saySame(there: object, manifest: object): boolean {
  const facts = (value: object) => {
    const entries = Object.entries(JSON.parse(JSON.stringify(value)));
    return Object.fromEntries(entries.filter(([name]) => !OF_THE_WRITING.includes(name)));
  };
  return isDeepStrictEqual(facts(there), facts(manifest));
}

async function writeNext(dataDir: string, chain: Chain, bytes: Uint8Array): Promise<void> {
  const options = { create: true, truncate: true, mode: 0o644 };
  await writeToDisk(nextPath(dataDir, chain), bytes, options);
}

async function writeHead(dataDir: string, head: Head): Promise<void> {
  const folder = chainsFolder(dataDir);
  await writeDurably(`${folder}/${chainName(head)}.json`, `${JSON.stringify(head, null, 2)}\n`);
  await syncFolder(folder);
}

async function makeFolders(dataDir: string): Promise<void> {
  await Deno.mkdir(manifestsFolder(dataDir), { recursive: true });
  for (const folder of [`${dataDir}/metadata`, dataDir]) await syncFolder(folder);
}

async function publish(dataDir: string, chain: Chain, cycle: string): Promise<void> {
  const folder = manifestsFolder(dataDir);
  // An archive may have taken it away.
  await Deno.mkdir(folder, { recursive: true });
  await Deno.rename(nextPath(dataDir, chain), `${dataDir}/${manifestPath(cycle)}`);
  await syncFolder(folder);
}

function manifestsFolder(dataDir: string): string {
  const path = manifestPath("any");
  return `${dataDir}/${path.slice(0, path.lastIndexOf("/"))}`;
}
