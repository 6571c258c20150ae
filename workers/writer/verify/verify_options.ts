import type { Calendars } from "../../../lib/time/calendar/calendars.ts";

export interface VerifyOptions {
  readonly dataDir: string;
  /** Only these; everything when empty. */
  readonly symbols: readonly string[];
  /** Compares names, sizes and chains, and reads no file of ticks or bars. */
  readonly quick: boolean;
  /** How many series are read at the same time. */
  readonly workers: number;
  /** A silence in an open market that nobody named is told from this on. */
  readonly silenceMs: number;
  /** Between the two looks at what seemed wrong: a program at work has finished its step by then. */
  readonly recheckMs: number;
  readonly calendars: Calendars;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly series: number;
  readonly ofSeries: number;
  readonly files: number;
  readonly bytes: number;
}
