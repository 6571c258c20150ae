/** `mt5/session_logs/ingest_run_<ts>.log`: what one run said, a file of its own. */
export class RunLog implements Disposable {
  /** Relative to the data folder. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Two runs that begin in one second have a file each. */
  static async open(dataDir: string, startedMs: number): Promise<RunLog> {
    const stamp = new Date(startedMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
    const folder = "mt5/session_logs";
    await Deno.mkdir(`${dataDir}/${folder}`, { recursive: true });
    for (let part = 0;; part++) {
      const path = `${folder}/ingest_run_${stamp}${part === 0 ? "" : `__${part}`}.log`;
      try {
        const file = await Deno.open(`${dataDir}/${path}`, { createNew: true, write: true });
        return new RunLog(path, file);
      } catch (cause) {
        if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
      }
    }
  }

  /** At once, so that a run that was killed has said what it said. */
  write(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
