import { createHash } from "node:crypto";
import { syncFolder, writeDurably, writeWhole } from "../../../lib/capture/durable_file.ts";
import { readIfThere } from "../../../lib/capture/source_registry.ts";
import { failPoint } from "../../../lib/program/fail_point.ts";
import { severalAtOnce } from "../several_at_once.ts";
import { type BackupFile, type BackupNote, NOTE_NAME, readBegun, readNote } from "./note.ts";
import { ObjectStore, pieces } from "./object_store.ts";

export interface RestoreOptions {
  /** A folder that `backup` has written. */
  readonly from: string;
  /** Does not exist, or is empty, or is what an interrupted `restore` of the same backup has left. */
  readonly to: string;
  readonly onProgress?: (files: number) => void;
}

/** Files are gathered here, inside the data folder, and moved out of it when all of them are good. */
const STAGING = "restoring";
const MARK_NAME = "restoring.json";
const FILES_AT_ONCE = 4;

/**
 * Makes a data folder out of a backup. Every file's hash is compared before any of them is at its
 * place, and a kill leaves nothing that is taken for a data folder: the next call goes on.
 * @throws Error when the backup is incomplete or damaged, or `to` holds something else; it names it.
 */
export async function restore({ from, to, onProgress }: RestoreOptions): Promise<BackupNote> {
  const note = await readWholeNote(from);
  const staging = `${to}/${STAGING}`, mark = markOf(note);
  const inPlace = await beginIn(to, mark);
  const store = new ObjectStore(from);
  const folders = new Set<string>([staging]);
  let done = 0;
  await severalAtOnce(note.files, FILES_AT_ONCE, async (file) => {
    if (inPlace.has(topOf(file.path))) return;
    const path = `${staging}/${file.path}`;
    for (
      let end = path.lastIndexOf("/");
      end > staging.length;
      end = path.lastIndexOf("/", end - 1)
    ) {
      folders.add(path.slice(0, end));
    }
    await copyVerified(store.pathOf(file.sha256), path, file);
    failPoint("restore.file");
    onProgress?.(++done);
  });
  for (const folder of [...folders].sort().reverse()) await syncFolder(folder);
  for (const top of new Set(note.files.map(({ path }) => topOf(path)))) {
    if (inPlace.has(top)) continue;
    await Deno.rename(`${staging}/${top}`, `${to}/${top}`);
    failPoint("restore.moved");
  }
  await syncFolder(to);
  await Deno.remove(staging, { recursive: true });
  await syncFolder(to);
  return note;
}

async function readWholeNote(from: string): Promise<BackupNote> {
  const note = await readNote(from);
  if (note !== undefined) return note;
  const begun = await readBegun(from);
  throw new Error(
    begun === undefined
      ? `Cannot restore from ${from} as a backup: there is no ${NOTE_NAME} in it`
      : `Cannot restore from ${from}: the backup that began at ${begun.began_at_utc} is incomplete ` +
        "(run deno task backup again; it goes on where it was)",
  );
}

/** What was moved to its place already by a restore that was interrupted. */
async function beginIn(to: string, mark: string): Promise<Set<string>> {
  await Deno.mkdir(to, { recursive: true });
  const names = (await Array.fromAsync(Deno.readDir(to))).map(({ name }) => name);
  const markPath = `${to}/${STAGING}/${MARK_NAME}`;
  if (names.length > 0 && await readIfThere(markPath) !== mark) {
    throw new Error(
      `Cannot restore into ${to} as an empty folder: current content is ${
        names.sort().slice(0, 5).join(", ")
      }`,
    );
  }
  await Deno.mkdir(`${to}/${STAGING}`, { recursive: true });
  await writeDurably(markPath, mark);
  return new Set(names.filter((name) => name !== STAGING));
}

/** Tells the backups of one folder apart. */
function markOf({ from, completed_at_utc, file_count }: BackupNote): string {
  return `${JSON.stringify({ from, completed_at_utc, file_count })}\n`;
}

async function copyVerified(
  object: string,
  path: string,
  { path: shown, bytes, sha256 }: BackupFile,
): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const hash = createHash("sha256");
  try {
    using source = await Deno.open(object, { read: true });
    const { size } = await source.stat();
    if (size !== bytes) throw new RangeError(`its length is ${size}, and was ${bytes}`);
    using file = await Deno.open(path, { create: true, write: true, truncate: true, mode: 0o644 });
    for await (const piece of pieces(source, { path: object, length: bytes })) {
      hash.update(piece);
      await writeWhole(file, piece);
    }
    await file.sync();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof RangeError)) throw cause;
    throw damaged(shown, object, cause);
  }
  if (hash.digest("hex") !== sha256) {
    throw damaged(shown, object, new RangeError("its sha256 is another"));
  }
}

function damaged(path: string, object: string, cause: Error): Error {
  return new Error(
    `Cannot restore ${path}: its copy in the backup is damaged (remove ${object} and run deno task ` +
      "backup again, while the data folder still has the file)",
    { cause },
  );
}

function topOf(path: string): string {
  return path.split("/", 1)[0] ?? path;
}
