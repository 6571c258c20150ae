import { z } from "zod";
import { chainLinkSchema } from "../../../lib/capture/chain.ts";
import { pause } from "../../../lib/program/pause.ts";
import { filesBelow, placeOf } from "../data_files.ts";
import type { Copying } from "./copying.ts";
import { ignoreMissing } from "./note.ts";

/** Where one chain's things are in a data folder, relative to it. */
export interface ChainPlaces {
  readonly chain: string;
  /** The folder of its CSV files; absent where all of them went to an archive. */
  readonly folder?: string;
}

/** What is sealed or replaced while it is copied is copied again; that happens a few times a day. */
const MOST_TRIES = 50;
const PAUSE_MS = 20;
/** What a manifest names lies there a moment later; after that it is missing, which `verify` tells. */
const TRIES_FOR_NAMED_FILES = 5;

/** Of a manifest and of the head of a chain, what is needed here. */
const manifestSchema = z.looseObject({
  files: z.array(z.looseObject({ path: z.string() })),
  previous: chainLinkSchema.nullish(),
});
const headSchema = z.looseObject({ cycle_id: z.string(), previous: chainLinkSchema.nullable() });

/** Something of the chain went on under our eyes: what was copied of it is of two moments. */
class Moved extends Error {
  override readonly name = "Moved";
}

/**
 * Copies one chain's files, manifests and head so that they fit together, while others write them, and
 * without a lock. The order does it: the names of the CSV files, then what is about to be published,
 * then the head, then the manifests that lead up to this head. A program publishes a captured file
 * before its manifest and keeps the open file until after it, and an added one after its manifest; so
 * whatever was listed is proven, or is as a kill would have left it, and is finished by the next start.
 */
export class ChainCopy {
  readonly #dataDir: string;
  readonly #copying: Copying;
  readonly #manifests: ReadonlyMap<string, readonly string[]>;

  constructor({ dataDir, copying, manifests }: {
    dataDir: string;
    copying: Copying;
    /** Of `manifestsByChain`, listed before. */
    manifests: ReadonlyMap<string, readonly string[]>;
  }) {
    this.#dataDir = dataDir;
    this.#copying = copying;
    this.#manifests = manifests;
  }

  /** @param withOpenTicks Whether day files that grow are copied too, which is worth it only at the end. */
  async copy(places: ChainPlaces, { withOpenTicks }: { withOpenTicks: boolean }): Promise<void> {
    for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
      const added = new Set<string>();
      try {
        return await this.#copyOnce(places, { withOpenTicks, attempt, added });
      } catch (cause) {
        const isMoved = cause instanceof Moved || cause instanceof Deno.errors.NotFound ||
          cause instanceof RangeError;
        if (!isMoved) throw cause;
        for (const path of added) this.#copying.forget(path);
        await pause(PAUSE_MS);
      }
    }
    throw new Error(
      `Cannot copy ${places.chain} as it is at one moment: it has changed at each of ${MOST_TRIES} tries`,
    );
  }

  async #copyOnce(
    { chain, folder }: ChainPlaces,
    { withOpenTicks, attempt, added }: {
      withOpenTicks: boolean;
      attempt: number;
      added: Set<string>;
    },
  ): Promise<void> {
    const add = async (path: string, adding: Promise<void>) => {
      added.add(path);
      await adding;
    };
    const { csv, ready } = await this.#list(folder);
    const isTicks = chain.endsWith("_TICK");
    const open = csv.filter((path) => path.endsWith(".open"));
    const stamps = isTicks ? [] : await this.#stamps(open);
    if (!isTicks) { for (const path of open) await add(path, this.#copying.addAsIs(path)); }
    for (const path of ready) await add(path, this.#copying.addAsIs(path));
    const headPath = `metadata/chains/${chain}.json`;
    const head = await this.#read(headPath);
    if (head !== undefined) await add(headPath, this.#copying.addRead(headPath, head));
    if (!isTicks && (await this.#stamps(open)).join() !== stamps.join()) throw new Moved(chain);

    const { manifests, newest } = await this.#manifestsUpTo(chain, head, add);
    if (isTicks && withOpenTicks) {
      for (const path of open) await add(path, this.#copying.addRows(path));
    }
    // From here on nothing changes any more, however long it takes.
    for (const path of manifests) await add(path, this.#copying.addFixed(path));
    const sealed = new Set(csv.filter((path) => !path.endsWith(".open")));
    for (const path of (await Promise.all(newest.map((one) => this.#filesOf(one)))).flat()) {
      if (path.endsWith(".open") || sealed.has(path)) continue;
      if (await this.#exists(path)) sealed.add(path);
      else if (ready.length === 0 && attempt < TRIES_FOR_NAMED_FILES) throw new Moved(path);
    }
    for (const path of sealed) await add(path, this.#copying.addFixed(path));
  }

  async #list(folder: string | undefined): Promise<{ csv: string[]; ready: string[] }> {
    const csv: string[] = [], ready: string[] = [];
    if (folder === undefined) return { csv, ready };
    for await (const path of filesBelow(this.#dataDir, folder)) {
      const { kind } = placeOf(path);
      if (kind === "csv") csv.push(path);
      if (kind === "ready") ready.push(path);
    }
    return { csv, ready };
  }

  /**
   * The manifests that lead up to a head, and which of them may name files that are newer than the
   * list of files. Those that were listed before the head was
   * read all do, for a head is written before its manifest is published; the few after them are found
   * by following the chain.
   */
  async #manifestsUpTo(
    chain: string,
    headBytes: Uint8Array | undefined,
    add: (path: string, adding: Promise<void>) => Promise<void>,
  ): Promise<{ manifests: string[]; newest: string[] }> {
    const listed = this.#manifests.get(chain) ?? [], known = new Set(listed);
    const head = parsed(headBytes, headSchema);
    const later: string[] = [];
    const pathOf = (cycle: string) => `metadata/ingestion_logs/${cycle}.json`;
    let cycle = head?.cycle_id;
    while (cycle !== undefined && !known.has(pathOf(cycle))) {
      const bytes = await this.#read(pathOf(cycle));
      if (bytes !== undefined) {
        later.unshift(pathOf(cycle));
        cycle = parsed(bytes, manifestSchema)?.previous?.cycle_id;
      } else if (cycle === head?.cycle_id) {
        // Its program is between writing the head and publishing this, or was killed there.
        const nextPath = `metadata/chains/${chain}.next`, next = await this.#read(nextPath);
        if (next === undefined && await this.#exists(pathOf(cycle))) continue;
        if (next !== undefined) await add(nextPath, this.#copying.addRead(nextPath, next));
        cycle = head.previous?.cycle_id;
      } else {
        // It was removed by hand: `verify` tells it.
        break;
      }
    }
    const manifests = [...listed, ...later];
    const last = manifests.filter((path) => head !== undefined && path === pathOf(head.cycle_id));
    return { manifests, newest: [...new Set([...later, ...last])] };
  }

  /** What a manifest names; nothing for one that is damaged, which is copied as it is. */
  async #filesOf(manifestPath: string): Promise<string[]> {
    const manifest = parsed(await this.#read(manifestPath), manifestSchema);
    return manifest?.files.map(({ path }) => path) ?? [];
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    return await Deno.readFile(`${this.#dataDir}/${path}`).catch((cause) => {
      ignoreMissing(cause);
      return undefined;
    });
  }

  async #exists(path: string): Promise<boolean> {
    const info = await Deno.stat(`${this.#dataDir}/${path}`).catch(ignoreMissing);
    return info !== undefined;
  }

  /** They change when the files do. */
  async #stamps(paths: readonly string[]): Promise<string[]> {
    return await Promise.all(paths.map(async (path) => {
      const { size, mtime, ino } = await Deno.stat(`${this.#dataDir}/${path}`);
      return `${size} ${mtime?.getTime()} ${ino}`;
    }));
  }
}

export async function manifestsByChain(dataDir: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for await (const path of filesBelow(dataDir, "metadata/ingestion_logs")) {
    const place = placeOf(path);
    if (place.kind !== "manifest") continue;
    const paths = found.get(place.chain);
    if (paths === undefined) found.set(place.chain, [path]);
    else paths.push(path);
  }
  return found;
}

function parsed<T>(bytes: Uint8Array | undefined, schema: z.ZodType<T>): T | undefined {
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // Damage is copied as it is, and told by `verify`.
    return undefined;
  }
}
