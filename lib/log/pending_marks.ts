import type { Mark, TickLog } from "./tick_log.ts";

/** The newest mark of each symbol that another log has not been told yet. */
export class PendingMarks {
  readonly #marks = new Map<string, Mark>();

  add(mark: Mark): void {
    this.#marks.set(mark.symbol, mark);
  }

  /** What comes while it is on its way stays pending; when it rejects everything does. */
  async send(log: Pick<TickLog, "mark">): Promise<void> {
    const marks = [...this.#marks.values()];
    if (marks.length === 0) return;
    await log.mark(marks);
    for (const mark of marks) {
      if (this.#marks.get(mark.symbol) === mark) this.#marks.delete(mark.symbol);
    }
  }
}
