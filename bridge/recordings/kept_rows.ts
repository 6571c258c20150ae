import { nextTurn } from "../../lib/program/pause.ts";
import { BarRows } from "./bar_rows.ts";
import type { BadLineReport, BarRecording } from "./recording.ts";

/** 192 MB: ten years of one symbol's minutes, or fifty symbols' hours of twelve years. */
const MAX_KEPT_BARS = 4_000_000;

/** Files as they were read, the latest used kept: what does not fit is read again when it is asked for. */
export class KeptRows {
  readonly #rows = new Map<BarRecording, BarRows>();
  #bars = 0;

  get(recording: BarRecording): BarRows | undefined {
    const rows = this.#rows.get(recording);
    if (rows === undefined) return undefined;
    this.#rows.delete(recording);
    this.#rows.set(recording, rows);
    return rows;
  }

  set(recording: BarRecording, rows: BarRows): void {
    this.delete(recording);
    this.#rows.set(recording, rows);
    this.#bars += rows.count;
    for (const oldest of this.#rows.keys()) {
      if (this.#bars <= MAX_KEPT_BARS) break;
      this.delete(oldest);
    }
  }

  delete(recording: BarRecording): void {
    this.#bars -= this.#rows.get(recording)?.count ?? 0;
    this.#rows.delete(recording);
  }
}

/** All bars of a file, oldest first, on the file's clock. */
export async function readRows(recording: BarRecording, report: BadLineReport): Promise<BarRows> {
  const parts: BarRows[] = [];
  for await (const rows of recording.read(report)) {
    parts.push(rows);
    // A long file must not hold up the ticks of others.
    await nextTurn();
  }
  return BarRows.concat(parts).inOrder();
}
