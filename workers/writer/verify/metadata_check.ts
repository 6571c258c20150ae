import { z } from "zod";
import { parquetPath } from "../../../lib/capture/parquet/parquet_path.ts";
import { readUniverse } from "../../../lib/capture/universe_file.ts";
import { messageOf } from "../../../lib/program/errors.ts";
import { parseSymbolCalendarMap } from "../../../lib/time/calendar/symbol_calendar_map.ts";
import { readServerClocks } from "../../../lib/time/server_clock_file.ts";
import { placeOf } from "../data_files.ts";
import { databaseProblem } from "./database_check.ts";
import type { Findings } from "./difference.ts";
import type { FolderIndex } from "./folder_index.ts";

const NOTE = "metadata/folder.json", HOLES = "metadata/gaps.jsonl";
const folderNote = z.object({
  kind: z.enum(["raw", "replay", "simulated"]),
  id: z.number().int().min(1),
});
/** A file that is being written is younger; who was killed comes back and writes it anew. */
const UNFINISHED_MS = 60_000;

/** What belongs to the folder as a whole: what is learned and noted, and what nobody needs. */
export async function checkMetadata(
  dataDir: string,
  { index, findings }: { index: FolderIndex; findings: Findings },
): Promise<void> {
  if (!index.metadata.includes(NOTE)) {
    if (index.chains.size > 0) findings.damage(NOTE, "the note of the data folder is missing");
  }
  for (const path of index.metadata) {
    try {
      const problem = await problemOf(dataDir, path);
      if (problem !== undefined) findings.damage(path, problem);
    } catch (cause) {
      findings.damage(path, `it cannot be read: ${messageOf(cause)}`);
    }
  }
  for (const path of index.databases) {
    const problem = await databaseProblem(`${dataDir}/${path}`);
    if (problem !== undefined) findings.damage(path, problem);
  }
  await checkLeftovers(dataDir, { index, findings });
}

async function checkLeftovers(
  dataDir: string,
  { index, findings }: { index: FolderIndex; findings: Findings },
): Promise<void> {
  for (const path of index.foreign) findings.leftover(path, "no program writes such a file");
  for (const path of index.unfinished) {
    const { mtime } = await Deno.stat(`${dataDir}/${path}`).catch(() => ({ mtime: new Date() }));
    if (Date.now() - (mtime?.getTime() ?? 0) > UNFINISHED_MS) {
      findings.leftover(path, "a program left it unfinished");
    }
  }
  const copies = new Set<string>();
  for (const { csv } of index.chains.values()) {
    for (const path of csv) {
      const place = placeOf(path);
      if (place.kind === "csv" && place.sealed) copies.add(parquetPath(path));
    }
  }
  for (const path of index.parquet) {
    if (!copies.has(path)) {
      findings.leftover(path, "it is the copy of a CSV file that is not there");
    }
  }
}

async function problemOf(dataDir: string, path: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(`${dataDir}/${path}`);
  if (path.endsWith(".jsonl")) return problemOfLines(text, path);
  if (!path.endsWith(".json")) return undefined;
  const value: unknown = JSON.parse(text);
  switch (path) {
    case NOTE:
      folderNote.parse(value);
      break;
    case "metadata/server_clock.json":
      await readServerClocks(dataDir);
      break;
    case "metadata/source_registry/universe_latest.json":
      await readUniverse(dataDir);
      break;
    case "metadata/symbol_calendar_map.json":
      parseSymbolCalendarMap(text);
      break;
  }
  return undefined;
}

/** A line that a kill has torn is the last one, or stands before an empty one: the next begins anew. */
function problemOfLines(text: string, path: string): string | undefined {
  const lines = text.split("\n"), torn = lines.pop();
  for (const [index, line] of lines.entries()) {
    const isPartedOff = path === HOLES && (lines[index + 1] ?? torn) === "";
    if (line.trim() === "" || isJson(line) || isPartedOff) continue;
    return `line ${index + 1} cannot be read: ${line.slice(0, 60)}`;
  }
  return undefined;
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
