import type { ServerZone } from "../../lib/bridge/feed.ts";
import type { Ticks } from "../../lib/market/tick.ts";
import type { Timeframe } from "../../lib/market/timeframe.ts";
import type { BarRows } from "./bar_rows.ts";
import type { MappedCsv } from "./mapped_csv.ts";

export interface RecordingOptions {
  /** For all files; by default each one's name or folder tells. */
  readonly symbol?: string | undefined;
  /** For files whose format has no clock of its own. */
  readonly clock?: ServerZone | undefined;
  /** For CSV files of other makers. */
  readonly mapping?: MappedCsv | undefined;
}

export type Recording = TickRecording | BarRecording;

/** One recorded file: ticks of one symbol, in the file's order, stamped by the file's clock. */
export interface TickRecording {
  readonly kind: "ticks";
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

/** One recorded file: bars of one symbol and timeframe, in the file's order, on the file's clock. */
export interface BarRecording {
  readonly kind: "bars";
  readonly path: string;
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** The clock of the file's times; undefined when the format does not tell. */
  readonly clock: ServerZone | undefined;
  /** As of ticks: whole, in pieces, again and again; lines that are no bars are reported. */
  read(report: BadLineReport): AsyncIterable<BarRows>;
}

export interface BadLine {
  readonly path: string;
  /** Counts from 1; of a binary file, the record. */
  readonly line: number;
  readonly reason: string;
}

export type BadLineReport = (bad: BadLine) => void;
