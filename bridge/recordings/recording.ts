import type { ServerZone } from "../../lib/bridge/feed.ts";
import type { Ticks } from "../../lib/market/tick.ts";

/** One recorded file: ticks of one symbol, in the file's order, stamped by the file's clock. */
export interface Recording {
  readonly path: string;
  readonly symbol: string;
  /** The clock of the file's times; undefined when the format does not tell. */
  readonly clock: ServerZone | undefined;
  /**
   * Reads the file from its start, in packed blocks of at most some thousand ticks. Lines that are
   * no ticks are reported and left out. May be called again, also while another read is under way.
   * @throws when the file cannot be read at all.
   */
  read(report: BadLineReport): AsyncIterable<Ticks>;
}

export interface BadLine {
  readonly path: string;
  /** Counts from 1; of a binary file, the record. */
  readonly line: number;
  readonly reason: string;
}

export type BadLineReport = (bad: BadLine) => void;
