const KEPT_MS = 600_000;
const MAX_ENTRIES = 1000;

/** Warnings and errors of the last ten minutes, for the report. */
export class Journal {
  readonly #entries: { utcMs: number; level: "warning" | "error"; message: string }[] = [];

  /** Beyond 1,000 entries the oldest are forgotten; counts then say 1,000 where there were more. */
  note(level: "warning" | "error", message: string, utcMs: number): void {
    this.#entries.push({ utcMs, level, message });
    this.#prune(utcMs);
  }

  /** Oldest first, each `<ISO time> <message>`. */
  recent(level: "warning" | "error", utcMs: number): string[] {
    this.#prune(utcMs);
    return this.#entries
      .filter((entry) => entry.level === level)
      .map((entry) => `${new Date(entry.utcMs).toISOString()} ${entry.message}`);
  }

  #prune(utcMs: number): void {
    const firstKept = this.#entries.findIndex((entry) => entry.utcMs > utcMs - KEPT_MS);
    const old = firstKept === -1 ? this.#entries.length : firstKept;
    this.#entries.splice(0, Math.max(old, this.#entries.length - MAX_ENTRIES));
  }
}
