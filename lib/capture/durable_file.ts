/** Small files that are either the old one or the new one, whole, also after the power went. */

/** Writes beside the file, to the disk, then takes its place. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  {
    using file = await Deno.open(temporary, { create: true, write: true, truncate: true });
    await writeWhole(file, new TextEncoder().encode(text));
    await file.sync();
  }
  await Deno.rename(temporary, path);
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
