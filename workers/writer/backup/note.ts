import { z } from "zod";
import { sha256Of } from "../../../lib/capture/chain.ts";
import { readIfThere } from "../../../lib/capture/source_registry.ts";
import { syncFolder, writeDurably } from "../../../lib/capture/durable_file.ts";

const fileSchema = z.object({
  /** In the data folder, with `/` on every system; never out of it. */
  path: z.string().refine((path) => !/^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)/.test(path)),
  bytes: z.number().int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** When the file was last changed where it came from, ms; 0 where that says nothing. */
  modified_ms: z.number(),
  /** The data folder had it no more, and an earlier backup did. */
  kept: z.boolean().default(false),
});
export type BackupFile = z.infer<typeof fileSchema>;

const noteSchema = z.object({
  format: z.literal("arbitrex-backup-1"),
  began_at_utc: z.string(),
  completed_at_utc: z.string(),
  /** The data folder, as an absolute path there. */
  from: z.string(),
  /** Of the data folder's own note; null when it had none. */
  folder_id: z.number().nullable(),
  file_count: z.number().int(),
  total_bytes: z.number().int(),
  /** What this run had to copy; the rest was there already. */
  copied_files: z.number().int(),
  copied_bytes: z.number().int(),
  warnings: z.array(z.string()),
  files: z.array(fileSchema),
});
export type BackupNote = z.infer<typeof noteSchema>;

/** `backup.json` says what the last finished backup holds; it is written when all of it is there. */
export const NOTE_NAME = "backup.json";
const BEGUN_NAME = "backup_begun.json";

const begunSchema = z.object({ began_at_utc: z.string(), from: z.string() });
export type Begun = z.infer<typeof begunSchema>;

/** `undefined` when no backup was ever finished there. @throws SyntaxError when it is damaged. */
export async function readNote(folder: string): Promise<BackupNote | undefined> {
  const path = `${folder}/${NOTE_NAME}`, text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const { sha256, ...note } = z.looseObject({ sha256: z.string() }).parse(JSON.parse(text));
    if (sha256 !== hashOf(note)) throw new SyntaxError("its own sha256 is another");
    return noteSchema.parse(note);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as the note of a backup: it is damaged, its length is ${text.length}`,
      { cause },
    );
  }
}

/** Takes the place of the last note, and ends what `writeBegun` has begun. */
export async function writeNote(folder: string, note: BackupNote): Promise<void> {
  const text = `${JSON.stringify({ ...note, sha256: hashOf(note) }, null, 1)}\n`;
  await writeDurably(`${folder}/${NOTE_NAME}`, text);
  await syncFolder(folder);
  await Deno.remove(`${folder}/${BEGUN_NAME}`).catch(ignoreMissing);
}

/** Says that a backup is under way, so that one that was interrupted is not taken for a whole one. */
export async function writeBegun(folder: string, begun: Begun): Promise<void> {
  await writeDurably(`${folder}/${BEGUN_NAME}`, `${JSON.stringify(begun)}\n`);
  await syncFolder(folder);
}

export async function readBegun(folder: string): Promise<Begun | undefined> {
  const text = await readIfThere(`${folder}/${BEGUN_NAME}`);
  if (text === undefined) return undefined;
  try {
    return begunSchema.parse(JSON.parse(text));
  } catch {
    // Written by one rename; a person has changed it. That a backup was begun is all that matters.
    return { began_at_utc: "an unknown time", from: "an unknown folder" };
  }
}

function hashOf(note: unknown): string {
  return sha256Of(new TextEncoder().encode(JSON.stringify(note)));
}

export function ignoreMissing(cause: unknown): void {
  if (!(cause instanceof Deno.errors.NotFound)) throw cause;
}
