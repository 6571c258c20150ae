/** Small files that are either the old one or the new one, whole, also after the power went. */

/** Writes beside the file, to the disk, then takes its place. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const options = { create: true, truncate: true };
  await writeToDisk(temporary, new TextEncoder().encode(text), options);
  await Deno.rename(temporary, path);
}

/** A new or emptied file of these bytes; they are on the disk when it resolves. */
export async function writeToDisk(
  path: string,
  bytes: Uint8Array,
  options: Deno.OpenOptions,
): Promise<void> {
  using file = await Deno.open(path, { write: true, ...options });
  await namingFile(path, async () => {
    await writeWhole(file, bytes);
    await file.sync();
  });
}

/** A disk that is full or broken does not say which file it refused. */
export async function namingFile<Result>(
  path: string,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write();
  } catch (cause) {
    throw new Error(`Cannot write ${path}`, { cause });
  }
}

/** A read may give less than there is; this one fills `bytes`, or gives what there is to the end. */
export async function readWhole(
  file: Deno.FsFile,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  let at = 0;
  while (at < bytes.length) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

/** A write may take less than it was given; this one does not. */
export async function writeWhole(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Makes new and removed names of a folder durable. Windows cannot open a folder, and needs not. */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}
