import type { SourceBar } from "../../lib/bridge/feed.ts";
import { barsOfBars, isMadeOf } from "../../lib/market/bars_of_bars.ts";
import {
  closeOf,
  openOf,
  type Timeframe,
  TIMEFRAME_LABELS,
  TIMEFRAMES,
} from "../../lib/market/timeframe.ts";
import { BarRows } from "./bar_rows.ts";
import { KeptRows, readRows } from "./kept_rows.ts";
import type { BarRecording } from "./recording.ts";

/** A recording of bars with its place in the replay. */
export interface BarTrack {
  readonly recording: BarRecording;
  /** From the file's time to the source's; undefined when they are one. */
  readonly stampOf: ((fileMs: number) => number) | undefined;
  /** The opens of its first and of its last bar, on the source's clock. */
  readonly firstServerMs: number;
  readonly lastServerMs: number;
}

export interface RecordedBarRange {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** Bars that open in it. */
  readonly fromServerMs: number;
  readonly toServerMs: number;
  /** Only bars that are over by then. */
  readonly presentServerMs: number;
}

/** The bars of a replay: of several files of one symbol and timeframe the later one's bars count. */
export class RecordedBars {
  /** When the last bar is over, on the source's clock; -Infinity when there is none. */
  readonly endServerMs: number;
  readonly symbols: readonly string[];
  readonly #tracks: readonly BarTrack[];
  readonly #kept: KeptRows;

  constructor(tracks: readonly BarTrack[], kept: KeptRows = new KeptRows()) {
    this.#tracks = tracks;
    this.#kept = kept;
    this.symbols = [...new Set(tracks.map(({ recording }) => recording.symbol))];
    this.endServerMs = Math.max(
      -Infinity,
      ...tracks.map(({ recording, lastServerMs }) => closeOf(recording.timeframe, lastServerMs)),
    );
  }

  /** Whether bars of this timeframe are recorded, or shorter ones that they are made of. */
  has(symbol: string, timeframe: Timeframe): boolean {
    return this.#sourceOf(symbol, timeframe) !== undefined;
  }

  /** None when it has none. @throws when a file can be read no more. */
  async read(range: RecordedBarRange): Promise<SourceBar[]> {
    const { symbol, timeframe, presentServerMs } = range;
    const recorded = this.#sourceOf(symbol, timeframe);
    if (recorded === undefined) return [];
    const { fromServerMs, toServerMs } = range;
    const parts: BarRows[] = [];
    for (const track of this.#tracksOf(symbol, recorded)) {
      if (track.lastServerMs < fromServerMs || track.firstServerMs >= toServerMs) continue;
      parts.push((await this.#rowsOf(track)).within(fromServerMs, toServerMs));
    }
    const [only] = parts;
    const rows = parts.length === 1 && only !== undefined ? only : BarRows.concat(parts).inOrder();
    return barsOfBars(timeframe, rows.bars())
      .filter(({ openServerMs }) => closeOf(timeframe, openServerMs) <= presentServerMs);
  }

  /** The same timeframe, else the longest recorded one that it is made of. */
  #sourceOf(symbol: string, timeframe: Timeframe): Timeframe | undefined {
    const recorded = TIMEFRAME_LABELS.map((label) => TIMEFRAMES[label])
      .filter((known) => this.#tracksOf(symbol, known).length > 0);
    return recorded.find(({ label }) => label === timeframe.label) ??
      recorded.findLast((known) => isMadeOf(timeframe, known));
  }

  #tracksOf(symbol: string, { label }: Timeframe): BarTrack[] {
    return this.#tracks.filter(({ recording }) =>
      recording.symbol === symbol && recording.timeframe.label === label
    );
  }

  async #rowsOf({ recording, stampOf }: BarTrack): Promise<BarRows> {
    const kept = this.#kept.get(recording);
    if (kept !== undefined) return kept;
    // Its bad lines were told when the replay was opened.
    const rows = await readRows(recording, () => {});
    const placed = stampOf === undefined ? rows : onGrid(recording, rows, stampOf);
    this.#kept.set(recording, placed);
    return placed;
  }

  /** @throws TypeError when the bars of a file do not lie on the grid of the source's clock. */
  async check(): Promise<void> {
    for (const track of this.#tracks) {
      if (track.stampOf !== undefined) await this.#rowsOf(track);
    }
  }
}

function onGrid(
  recording: BarRecording,
  rows: BarRows,
  stampOf: (fileMs: number) => number,
): BarRows {
  rows.restamp(stampOf);
  for (let index = 0; index < rows.count; index++) {
    const openMs = rows.openMs(index);
    if (openOf(recording.timeframe, openMs) === openMs) continue;
    throw new TypeError(
      `Cannot replay ${recording.path} together with files of another clock: its bars of ${recording.timeframe.label} do not lie on the grid of UTC; replay it without them, or name the clock of those that do not tell theirs with REPLAY_ZONE`,
    );
  }
  return rows.inOrder();
}
