/** What lies in a data folder, by its place alone. */

/**
 * A chain is named `EURUSD_TICK` or `EURUSD_1H`: the symbol's folder and the timeframe. Its files and
 * manifests belong together.
 */
export type Place =
  /** A CSV file of ticks or bars; `sealed` ones never change. */
  | { readonly kind: "csv"; readonly chain: string; readonly sealed: boolean }
  /** The metadata of a cycle or of a sealed file; it never changes. */
  | { readonly kind: "manifest"; readonly chain: string }
  /** What an audit of a day found; the next audit of it takes its place. */
  | { readonly kind: "audit"; readonly chain: string }
  /** Which manifest of a chain is the last. */
  | { readonly kind: "head"; readonly chain: string }
  /** Whole, and about to be published: a program that was killed there has left it to be finished. */
  | { readonly kind: "ready"; readonly chain: string }
  | { readonly kind: "parquet" }
  | { readonly kind: "database" }
  /** Everything else that programs keep: what is learned and noted. */
  | { readonly kind: "metadata" }
  /** Says who holds a folder; worth nothing to anybody else. */
  | { readonly kind: "lock" }
  /** A file that was not finished: of a program that is writing it, or that was killed. */
  | { readonly kind: "unfinished" }
  /** No program of this project writes it. */
  | { readonly kind: "foreign" };

const TICKS = /^ticks\/[^/]+\/([^/]+)\/\d{4}-\d{2}-\d{2}(?:__\d{1,6})?\.csv(\.open)?$/;
const BARS = /^ohlcv\/[^/]+\/([^/]+)\/([^/]+)\/\d{4}(?:-\d{2}){0,2}(?:__\d{1,6})?\.csv(\.open)?$/;
const MANIFEST =
  /^metadata\/ingestion_logs\/[^/]*?Z_(.+)_(TICK|\d+(?:MIN|[HDWM]))(?:__\d+)?\.json$/;
const AUDIT = /^metadata\/ingestion_logs\/\d{4}-\d{2}-\d{2}T000000Z_(.+_TICK)_AUDIT\.json$/;
const HEAD = /^metadata\/chains\/(.+_(?:TICK|\d+(?:MIN|[HDWM])))\.json$/;
const READY = [
  /^metadata\/chains\/(.+_(?:TICK|\d+(?:MIN|[HDWM])))\.next$/,
  /^ticks\/[^/]+\/([^/]+)\/\d{4}-\d{2}-\d{2}(?:__\d+)?\.csv\.(?:history|audit)\.tmp$/,
  /^ohlcv\/[^/]+\/([^/]+)\/([^/]+)\/unrecorded\.json$/,
];
const LOCK = /(?:\.lock|\.owner\.json)$/;
const UNFINISHED = /\.(?:tmp|part)$/;
const DATABASE = /^log\/.*\.sqlite$/;
/** SQLite's own, beside a database: what matters of it comes with the database. */
const DATABASE_SIDE = /^log\/.*\.sqlite-(?:wal|shm|journal)$/;
const KEPT = [
  /^metadata\/[^/]+\.jsonl?$/,
  /^metadata\/(?:source_registry|dead_letters)\//,
  /^[^/]+\/(?:session_logs|account_snapshot)\/[^/]+\.(?:log|jsonl?)$/,
  /^diagnostics\/[^/]+\.csv$/,
];

/** @param path In the data folder, with `/` on every system. */
export function placeOf(path: string): Place {
  if (LOCK.test(path) || DATABASE_SIDE.test(path)) return { kind: "lock" };
  for (const [index, pattern] of READY.entries()) {
    const ready = pattern.exec(path);
    if (ready === null) continue;
    const chain = [`${ready[1]}`, `${ready[1]}_TICK`, `${ready[1]}_${ready[2]}`][index] ?? "";
    return { kind: "ready", chain };
  }
  if (UNFINISHED.test(path)) return { kind: "unfinished" };
  const ticks = TICKS.exec(path);
  if (ticks !== null) {
    return { kind: "csv", chain: `${ticks[1]}_TICK`, sealed: ticks[2] === undefined };
  }
  const bars = BARS.exec(path);
  if (bars !== null) {
    return { kind: "csv", chain: `${bars[1]}_${bars[2]}`, sealed: bars[3] === undefined };
  }
  const manifest = MANIFEST.exec(path);
  if (manifest !== null) return { kind: "manifest", chain: `${manifest[1]}_${manifest[2]}` };
  const audit = AUDIT.exec(path);
  if (audit !== null) return { kind: "audit", chain: audit[1] ?? "" };
  const head = HEAD.exec(path);
  if (head !== null) return { kind: "head", chain: head[1] ?? "" };
  if (DATABASE.test(path)) return { kind: "database" };
  if (/^parquet\/.+\.parquet$/.test(path)) return { kind: "parquet" };
  return KEPT.some((pattern) => pattern.test(path)) ? { kind: "metadata" } : { kind: "foreign" };
}

/**
 * Every file below a folder, as paths relative to `dataDir`; nothing where there is no folder. A link
 * to a folder elsewhere, such as a larger disk, is as good as a folder.
 */
export async function* filesBelow(dataDir: string, folder = ""): AsyncGenerator<string> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(`${dataDir}/${folder}`)) entries.push(entry);
  } catch (cause) {
    // A folder may go while it is read, as the one of a lock does.
    if (cause instanceof Deno.errors.NotFound) return;
    throw cause;
  }
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory, isSymlink } of entries) {
    const path = folder === "" ? name : `${folder}/${name}`;
    const isFolder = isDirectory ||
      (isSymlink && await leadsElsewhere(`${dataDir}/${path}`, `${dataDir}/${folder}`));
    if (isFolder) yield* filesBelow(dataDir, path);
    else yield path;
  }
}

/** Whether a link leads to a folder; one that leads back to where it lies would never end. */
async function leadsElsewhere(link: string, folder: string): Promise<boolean> {
  try {
    if (!(await Deno.stat(link)).isDirectory) return false;
    const [target, place] = await Promise.all([Deno.realPath(link), Deno.realPath(folder)]);
    return !`${place}/`.replaceAll("\\", "/").startsWith(`${target}/`.replaceAll("\\", "/"));
  } catch {
    // It leads to nothing.
    return false;
  }
}
