/**
 * An OS lock on a file in a folder: held by one process at a time and freed by the OS when the
 * process dies, however it dies. Who holds it stands in a file beside it, because a locked file
 * cannot be read on Windows.
 */
export class FolderLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Takes `<folder>/<name>.lock`, making the folder; `undefined` when somebody else holds it. */
  static async tryTake(folder: string, name: string): Promise<FolderLock | undefined> {
    await Deno.mkdir(folder, { recursive: true });
    const file = await Deno.open(`${folder}/${name}.lock`, {
      create: true,
      read: true,
      write: true,
    });
    try {
      if (!await file.tryLock(true)) {
        file.close();
        return undefined;
      }
      const owner = { pid: Deno.pid, since: new Date().toISOString() };
      await Deno.writeTextFile(`${folder}/${name}.owner.json`, `${JSON.stringify(owner)}\n`);
      return new FolderLock(file);
    } catch (cause) {
      file.close();
      throw cause;
    }
  }

  /** Who holds the lock, for a message: `process 4711 since 2026-01-01T00:00:00.000Z`. */
  static async ownerOf(folder: string, name: string): Promise<string> {
    try {
      const owner = JSON.parse(await Deno.readTextFile(`${folder}/${name}.owner.json`));
      return `process ${owner.pid} since ${owner.since}`;
    } catch {
      return "a process that left no name";
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
