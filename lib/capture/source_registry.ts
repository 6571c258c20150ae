import { syncFolder, writeWhole } from "./durable_file.ts";

/** `metadata/source_registry`: what the sources say of their symbols, and what became of it here. */

export function registryFolder(dataDir: string): string {
  return `${dataDir}/metadata/source_registry`;
}

/**
 * Waits until nobody else changes the registry of this folder. The lock is the OS's, so a process that
 * dies leaves none behind; to be released by `using`.
 */
export async function lockRegistry(dataDir: string): Promise<Deno.FsFile> {
  const folder = registryFolder(dataDir);
  await Deno.mkdir(folder, { recursive: true });
  const file = await Deno.open(`${folder}/registry.lock`, { create: true, write: true });
  try {
    await file.lock(true);
    return file;
  } catch (cause) {
    file.close();
    throw cause;
  }
}

/**
 * Writes a file that was not there, whole or not at all.
 * @throws Deno.errors.AlreadyExists when there is one of that name; it stays as it is.
 */
export async function writeNew(path: string, text: string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    {
      using file = await Deno.open(temporary, { createNew: true, write: true, mode: 0o644 });
      await writeWhole(file, new TextEncoder().encode(text));
      await file.sync();
    }
    await Deno.link(temporary, path);
  } finally {
    await Deno.remove(temporary).catch(() => {});
  }
  await syncFolder(path.slice(0, path.lastIndexOf("/")));
}

/** Undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}
