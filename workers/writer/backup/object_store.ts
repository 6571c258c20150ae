import { createHash } from "node:crypto";
import { sha256Of } from "../../../lib/capture/chain.ts";
import { syncFolder, writeWhole } from "../../../lib/capture/durable_file.ts";
import { failPoint } from "../../../lib/program/fail_point.ts";

export interface Stored {
  readonly bytes: number;
  readonly sha256: string;
  /** It was not there before. */
  readonly isNew: boolean;
}

const CHUNK_BYTES = 1 << 18;

/**
 * The contents of a backup, each under the hash of its bytes: `objects/ab/ab12…`. What is there never
 * changes, so that a backup that ends halfway harms none before it, and goes on where it was.
 */
export class ObjectStore {
  readonly #folder: string;
  readonly #touched = new Set<string>();

  constructor(backupFolder: string) {
    this.#folder = `${backupFolder}/objects`;
  }

  pathOf(sha256: string): string {
    return `${this.#folder}/${sha256.slice(0, 2)}/${sha256}`;
  }

  async has({ sha256, bytes }: { sha256: string; bytes: number }): Promise<boolean> {
    try {
      return (await Deno.stat(this.pathOf(sha256))).size === bytes;
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return false;
      throw cause;
    }
  }

  /**
   * Takes in a file, or its first `length` bytes.
   * @throws Deno.errors.NotFound when there is none; RangeError when it is shorter by now.
   */
  async add(path: string, length?: number): Promise<Stored> {
    using source = await Deno.open(path, { read: true });
    const whole = length ?? (await source.stat()).size;
    if (whole <= CHUNK_BYTES) return await this.#addSmall(source, { path, length: whole });
    const part = await this.newPart();
    const hash = createHash("sha256");
    {
      using file = await Deno.open(part, { createNew: true, write: true, mode: 0o644 });
      for await (const bytes of pieces(source, { path, length: whole })) {
        hash.update(bytes);
        await writeWhole(file, bytes);
      }
      await file.sync();
    }
    return await this.#publish(part, { bytes: whole, sha256: hash.digest("hex") });
  }

  /** Takes in a part that somebody else has written whole, and removes it under that name. */
  async adopt(part: string): Promise<Stored> {
    const hash = createHash("sha256");
    let bytes: number;
    {
      using file = await Deno.open(part, { read: true, write: true });
      await file.sync();
      bytes = (await file.stat()).size;
      for await (const piece of pieces(file, { path: part, length: bytes })) hash.update(piece);
    }
    return await this.#publish(part, { bytes, sha256: hash.digest("hex") });
  }

  /** A free name on the store's disk, for something that is adopted later. */
  async newPart(): Promise<string> {
    await Deno.mkdir(this.#folder, { recursive: true });
    return `${this.#folder}/${crypto.randomUUID()}.part`;
  }

  /** Makes everything added so far durable. */
  async sync(): Promise<void> {
    for (const folder of this.#touched) await syncFolder(folder);
    if (this.#touched.size > 0) await syncFolder(this.#folder);
    this.#touched.clear();
  }

  /** Removes what no note names, and parts that a kill has left. Returns how many bytes that freed. */
  async sweep(named: ReadonlySet<string>): Promise<number> {
    let freed = 0;
    // A backup without any content has none yet.
    await Deno.mkdir(this.#folder, { recursive: true });
    for await (const entry of Deno.readDir(this.#folder)) {
      const path = `${this.#folder}/${entry.name}`;
      if (entry.isFile) freed += await removed(path);
      if (!entry.isDirectory) continue;
      for await (const { name } of Deno.readDir(path)) {
        if (!named.has(name)) freed += await removed(`${path}/${name}`);
      }
    }
    return freed;
  }

  /** Takes in what was read already. What is there is not written again to find that out. */
  async addBytes(bytes: Uint8Array): Promise<Stored> {
    const content = { bytes: bytes.length, sha256: sha256Of(bytes) };
    if (await this.has(content)) return { ...content, isNew: false };
    const part = await this.newPart();
    {
      using file = await Deno.open(part, { createNew: true, write: true, mode: 0o644 });
      await writeWhole(file, bytes);
      await file.sync();
    }
    return await this.#publish(part, content);
  }

  async #addSmall(source: Deno.FsFile, { path, length }: Piece): Promise<Stored> {
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const piece of pieces(source, { path, length })) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return await this.addBytes(bytes);
  }

  async #publish(part: string, content: Omit<Stored, "isNew">): Promise<Stored> {
    if (await this.has(content)) {
      await Deno.remove(part);
      return { ...content, isNew: false };
    }
    const path = this.pathOf(content.sha256), folder = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(folder, { recursive: true });
    await Deno.rename(part, path);
    this.#touched.add(folder);
    failPoint("backup.object");
    return { ...content, isNew: true };
  }
}

interface Piece {
  readonly path: string;
  readonly length: number;
}

/** The first `length` bytes of a file; each piece is valid until the next. */
export async function* pieces(
  file: Deno.FsFile,
  { path, length }: Piece,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, length));
  await file.seek(0, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const count = await file.read(buffer.subarray(0, Math.min(buffer.length, length - at)));
    if (count === null) {
      throw new RangeError(`Cannot read ${length} bytes of ${path}: current length is ${at}`);
    }
    yield buffer.subarray(0, count);
    at += count;
  }
}

async function removed(path: string): Promise<number> {
  const { size } = await Deno.stat(path);
  await Deno.remove(path);
  return size;
}
