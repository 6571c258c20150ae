import { z } from "zod";
import { universeSymbol } from "../market/universe_symbol.ts";
import { syncFolder, writeDurably } from "./durable_file.ts";
import { readIfThere, registryFolder, writeNew } from "./source_registry.ts";

/** The universe as it is on disk: all symbols discovered, of each source as it was seen last. */
const universeFile = z.object({
  generated_at_utc: z.iso.datetime(),
  /** `vendor:server`; several are separated by a comma and a space. */
  source: z.string(),
  symbols: z.array(universeSymbol),
});
export type UniverseFile = z.infer<typeof universeFile>;

/**
 * The newest universe; undefined when nothing was discovered yet.
 * @throws SyntaxError that names the file and what is wrong in it.
 */
export async function readUniverse(dataDir: string): Promise<UniverseFile | undefined> {
  const path = `${registryFolder(dataDir)}/universe_latest.json`;
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return universeFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${path} as a universe: ${firstIssueOf(cause)}`, { cause });
  }
}

function firstIssueOf(cause: unknown): string {
  const [issue] = cause instanceof z.ZodError ? cause.issues : [];
  return issue === undefined ? "it is no JSON" : `${issue.path.join(".")}: ${issue.message}`;
}

/** What the vendor said, all of it, for the snapshot beside a changed universe. */
export interface RawSnapshot {
  /** The vendor's part of the source's name, in the file's name. */
  readonly vendor: string;
  readonly json: unknown;
}

/**
 * Writes `universe_latest.json` and `universe.csv`, and with a snapshot what never changes again:
 * `universe_<time>.json` and `<vendor>_symbols_<time>.json`. The latest comes last: who finds it finds
 * the others. Returns the names of the files. The registry must be locked.
 */
export async function writeUniverse(
  dataDir: string,
  { universe, snapshot }: { universe: UniverseFile; snapshot: RawSnapshot | undefined },
): Promise<string[]> {
  const folder = registryFolder(dataDir), written: string[] = [];
  const text = `${JSON.stringify(universe, null, 2)}\n`;
  if (snapshot !== undefined) {
    const stamp = universe.generated_at_utc.replace(/\.\d+/, "").replace(/[-:]/g, "");
    const rawText = `${JSON.stringify(snapshot.json, null, 2)}\n`;
    written.push(await writeDated(folder, `${snapshot.vendor}_symbols_${stamp}`, rawText));
    written.push(await writeDated(folder, `universe_${stamp}`, text));
  }
  await writeDurably(`${folder}/universe.csv`, csvOf(universe));
  await writeDurably(`${folder}/universe_latest.json`, text);
  await syncFolder(folder);
  return [...written, "universe.csv", "universe_latest.json"];
}

/** A second snapshot within one second becomes `<name>__1.json`. */
async function writeDated(folder: string, name: string, text: string): Promise<string> {
  for (let part = 0;; part++) {
    const file = `${name}${part === 0 ? "" : `__${part}`}.json`;
    try {
      await writeNew(`${folder}/${file}`, text);
      return file;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    }
  }
}

function csvOf({ symbols }: UniverseFile): string {
  const rows = symbols.map((entry) => [entry.symbol, entry.source, entry.symbol_raw]);
  return [["symbol", "source", "raw"], ...rows]
    .map((row) => `${row.map(quoted).join(",")}\n`).join("");
}

/** As RFC 4180 has it: a raw name may hold anything. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
