import { z } from "zod";
import { changesOf, type FieldChange, specificationOf } from "../market/specification.ts";
import { symbolFolder } from "../market/symbol.ts";
import type { DescribedSymbol } from "../market/universe_symbol.ts";
import { syncFolder, writeWhole } from "./durable_file.ts";
import { registryFolder } from "./source_registry.ts";

/**
 * How a symbol's specification changed: `metadata/source_registry/specs/<symbol>.jsonl`, a line for
 * each version, oldest first. A version holds until the next one begins; that it changed is known from
 * when it was looked at, so a change lies between two looks.
 */
const field = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const specVersion = z.object({
  valid_from_utc: z.iso.datetime(),
  source: z.string(),
  symbol: z.string(),
  symbol_raw: z.string(),
  /** Against the version before; empty in the first. `source` and `symbol_raw` are among it. */
  changed: z.record(z.string(), z.object({ old: field, new: field })),
  /** The whole specification, by the vendor's names; no quotes, clocks or statistics. */
  spec: z.record(z.string(), field),
});
export type SpecVersion = z.infer<typeof specVersion>;

/** The specification that held at a time; undefined before the first look and for unknown symbols. */
export async function specAt(
  dataDir: string,
  { symbol, utcMs }: { symbol: string; utcMs: number },
): Promise<SpecVersion | undefined> {
  const { versions } = await readVersions(specPath(dataDir, symbol));
  return versions.findLast(({ valid_from_utc }) => Date.parse(valid_from_utc) <= utcMs);
}

/**
 * Adds a version when the specification is not as it was, and returns it. A field that is not told has
 * not changed; a symbol of which nothing is told has no version. The registry must be locked.
 */
export async function recordSpec(
  dataDir: string,
  { described, source, utcMs, dryRun }: {
    described: DescribedSymbol;
    source: string;
    utcMs: number;
    dryRun: boolean;
  },
): Promise<SpecVersion | undefined> {
  const path = specPath(dataDir, described.symbol);
  const { versions, goodBytes } = await readVersions(path);
  const version = nextVersion(versions.at(-1), { described, source, utcMs });
  if (version === undefined || dryRun) return version;
  await Deno.mkdir(`${registryFolder(dataDir)}/specs`, { recursive: true });
  using file = await Deno.open(path, { create: true, write: true });
  await file.truncate(goodBytes);
  await file.seek(goodBytes, Deno.SeekMode.Start);
  await writeWhole(file, new TextEncoder().encode(`${JSON.stringify(version)}\n`));
  await file.sync();
  if (versions.length === 0) await syncFolder(`${registryFolder(dataDir)}/specs`);
  return version;
}

function nextVersion(
  last: SpecVersion | undefined,
  { described, source, utcMs }: { described: DescribedSymbol; source: string; utcMs: number },
): SpecVersion | undefined {
  const { symbol, rawName, digits, fields } = described;
  const told = { ...digits !== undefined && { digits }, ...specificationOf(fields) };
  if (Object.keys(fields).length === 0) return undefined;
  const head = { source, symbol, symbol_raw: rawName };
  const isSame = last?.source === source && last.symbol_raw === rawName;
  const changed: Record<string, FieldChange> = last === undefined ? {} : {
    ...changesOf({ source: last.source, symbol_raw: last.symbol_raw }, {
      source,
      symbol_raw: rawName,
    }),
    ...changesOf(last.spec, told),
  };
  if (last !== undefined && Object.keys(changed).length === 0) return undefined;
  // A clock that was set back must not put versions out of order.
  const fromMs = Math.max(utcMs, last === undefined ? 0 : Date.parse(last.valid_from_utc));
  return {
    valid_from_utc: new Date(fromMs).toISOString(),
    ...head,
    changed,
    spec: isSame ? { ...last.spec, ...told } : told,
  };
}

/** A last line without its end was cut off by a crash: it does not count, and the next one replaces it. */
async function readVersions(
  path: string,
): Promise<{ versions: SpecVersion[]; goodBytes: number }> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return { versions: [], goodBytes: 0 };
    throw cause;
  }
  const goodBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, goodBytes)).split("\n").slice(0, -1);
  const versions = lines.map((line, index) => {
    try {
      return specVersion.parse(JSON.parse(line));
    } catch (cause) {
      throw new SyntaxError(
        `Cannot read line ${index + 1} of ${path} as a version of a specification: ` +
          `current value is ${line.slice(0, 80)}`,
        { cause },
      );
    }
  });
  return { versions, goodBytes };
}

function specPath(dataDir: string, symbol: string): string {
  return `${registryFolder(dataDir)}/specs/${symbolFolder(symbol)}.jsonl`;
}
