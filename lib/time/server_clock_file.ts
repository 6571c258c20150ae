import { syncFolder, writeDurably } from "../capture/durable_file.ts";
import { FolderLock } from "../program/folder_lock.ts";
import { pause } from "../program/pause.ts";
import { z } from "zod";
import { type ClockRecord, fromRecord, recordSchema, toRecord } from "./server_clock_record.ts";

/**
 * `metadata/server_clock.json`: the clocks of all servers of a data folder. Programs that write
 * different servers do not lose each other's entries; one that cannot be read stops the reader and
 * is never written over.
 */

const VERSION = 1;
/** A writer holds the lock for as long as one small file takes. */
const LOCK_WAIT_MS = 10_000;
const LOCK_TURN_MS = 20;

const fileSchema = z.object({
  version: z.literal(VERSION),
  servers: z.record(z.string(), z.json()),
});

export function serverClockPath(dataDir: string): string {
  return `${dataDir}/metadata/server_clock.json`;
}

/** All servers by name; none when there is no file. @throws SyntaxError when it is torn or foreign. */
export async function readServerClocks(dataDir: string): Promise<Map<string, ClockRecord>> {
  const { servers } = await readFile(dataDir);
  return new Map(
    Object.entries(servers).map(([server, entry]) => [server, parsed(dataDir, server, entry)]),
  );
}

/** `undefined` when it has no entry. @throws SyntaxError when the file is torn or foreign. */
export async function readServerClock(
  dataDir: string,
  server: string,
): Promise<ClockRecord | undefined> {
  const entry = (await readFile(dataDir)).servers[server];
  return entry === undefined ? undefined : parsed(dataDir, server, entry);
}

/** Replaces one server's entry; afterwards it is on the disk. @throws SyntaxError as for reading. */
export async function writeServerClock(
  dataDir: string,
  server: string,
  record: ClockRecord,
): Promise<void> {
  using _lock = await lock(`${dataDir}/metadata`);
  const { servers } = await readFile(dataDir);
  const file = { version: VERSION, servers: { ...servers, [server]: fromRecord(record) } };
  await writeDurably(serverClockPath(dataDir), `${JSON.stringify(file, null, 1)}\n`);
  await syncFolder(`${dataDir}/metadata`);
}

async function lock(folder: string): Promise<FolderLock> {
  for (const until = Date.now() + LOCK_WAIT_MS;;) {
    const taken = await FolderLock.tryTake(folder, "server_clock");
    if (taken !== undefined) return taken;
    if (Date.now() > until) {
      const owner = await FolderLock.ownerOf(folder, "server_clock");
      throw new Error(
        `Cannot write ${folder}/server_clock.json: current value is held by ${owner}`,
      );
    }
    await pause(LOCK_TURN_MS);
  }
}

async function readFile(dataDir: string): Promise<z.infer<typeof fileSchema>> {
  const path = serverClockPath(dataDir);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return { version: VERSION, servers: {} };
    throw cause;
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw unreadable(path, JSON.stringify(text.slice(0, 80)), cause);
  }
}

function parsed(dataDir: string, server: string, entry: unknown): ClockRecord {
  try {
    return toRecord(recordSchema.parse(entry));
  } catch (cause) {
    throw unreadable(serverClockPath(dataDir), `another kind of entry for ${server}`, cause);
  }
}

function unreadable(path: string, got: string, cause: unknown): SyntaxError {
  return new SyntaxError(
    `Cannot read ${path} as the ledger of server clocks: current value is ${got} ` +
      "(it is left as it is; repair it, or move it away to learn the clocks again)",
    { cause },
  );
}
