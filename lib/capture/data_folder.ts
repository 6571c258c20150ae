import { z } from "zod";
import type { DataKind } from "../program/shared_settings.ts";
import { syncFolder, writeWhole } from "./durable_file.ts";

/** What a data folder remembers of itself, in `metadata/folder.json`. */
export interface DataFolder {
  readonly kind: DataKind;
  /** Random, 1 to 2^32-1: tells two folders apart that were given the same log. */
  readonly id: number;
}

const folderNote = z.object({
  kind: z.enum(["raw", "replay", "simulated"]),
  id: z.number().int().min(1).max(0xffffffff),
});

/**
 * Makes the folder, or opens it as what it is. Real, recorded and invented data never meet: a folder
 * that holds another kind is refused.
 * @throws TypeError when the folder is of another kind.
 */
export async function openDataFolder(dataDir: string, kind: DataKind): Promise<DataFolder> {
  await Deno.mkdir(`${dataDir}/metadata`, { recursive: true });
  const folder = await readDataFolder(dataDir) ?? await writeNote(dataDir, kind);
  if (folder.kind !== kind) {
    throw new TypeError(
      `Cannot open ${dataDir} as a folder of ${kind} data: current value is ${folder.kind} ` +
        "(set DATA_KIND to it, or DATA_DIR to another folder)",
    );
  }
  return folder;
}

/** What the folder says of itself, without opening it; undefined when it has no note yet. */
export async function readDataFolder(dataDir: string): Promise<DataFolder | undefined> {
  const path = notePath(dataDir);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
  try {
    return folderNote.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as the note of a data folder: current value is ${JSON.stringify(text)}`,
      { cause },
    );
  }
}

/** Several programs may begin a folder at once: the first note stays, and all read that one. */
async function writeNote(dataDir: string, kind: DataKind): Promise<DataFolder> {
  const id = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) || 1;
  const temporary = `${notePath(dataDir)}.${crypto.randomUUID()}.tmp`;
  try {
    {
      using file = await Deno.open(temporary, { createNew: true, write: true, mode: 0o644 });
      const note = { kind, id, created_at: new Date().toISOString() };
      await writeWhole(file, new TextEncoder().encode(`${JSON.stringify(note)}\n`));
      await file.sync();
    }
    await Deno.link(temporary, notePath(dataDir)).catch((cause) => {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    });
  } finally {
    await Deno.remove(temporary).catch(() => {});
  }
  await syncFolder(`${dataDir}/metadata`);
  const written = await readDataFolder(dataDir);
  if (written === undefined) {
    throw new Error(`Cannot keep ${notePath(dataDir)} as a note: current value is no file`);
  }
  return written;
}

function notePath(dataDir: string): string {
  return `${dataDir}/metadata/folder.json`;
}
