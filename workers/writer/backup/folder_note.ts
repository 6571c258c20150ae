import { z } from "zod";
import { readIfThere } from "../../../lib/capture/source_registry.ts";

const noteSchema = z.looseObject({ id: z.number().int() });

/** The id of a data folder, without opening it as one; null when it has no note yet. */
export async function readFolderNote(dataDir: string): Promise<number | null> {
  const path = `${dataDir}/metadata/folder.json`, text = await readIfThere(path);
  if (text === undefined) return null;
  try {
    return noteSchema.parse(JSON.parse(text)).id;
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as the note of a data folder: current value is ${text.slice(0, 80)}`,
      { cause },
    );
  }
}
