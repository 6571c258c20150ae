import type { Progress } from "./progress.ts";
import type { SeriesTally, Tally } from "./tally.ts";
import type { TickDay } from "../ticks/ingest_ticks.ts";
import type { UnitResult } from "../unit.ts";

const EVERY_MS = 30_000;

/** For pipes and files: a line a symbol, one for each read that was not whole, and one now and then. */
export class ProgressLines implements Progress {
  readonly #write: (line: string) => void;
  #saidMs = performance.now();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  planned({ units, symbols, planned }: Tally): void {
    this.#write(
      units === 0
        ? "Nothing to read: what was asked for is in the files, or not closed yet"
        : `${planned} bars expected, symbols: ${symbols}, reads: ${units}`,
    );
  }

  unit(
    { unit }: UnitResult,
    { tally, isSymbolDone }: { tally: Tally; isSymbolDone: boolean },
  ): void {
    if (isSymbolDone) {
      const series = tally.seriesOfSymbol(unit.symbol).map(seriesText).join(", ");
      this.#write(`${unit.symbol.padEnd(8)} ${series} (${countsText(tally)})`);
    } else if (performance.now() - this.#saidMs > EVERY_MS) {
      this.#write(countsText(tally));
    } else {
      return;
    }
    this.#saidMs = performance.now();
  }

  day(day: TickDay): void {
    this.#write(dayText(day));
  }

  problem(message: string): void {
    this.#write(message);
  }

  line(message: string): void {
    this.#write(message);
  }

  [Symbol.dispose](): void {}
}

/** `1H 240/240` */
function seriesText({ timeframe, expected, missing, done }: SeriesTally): string {
  const status = done.FAILED > 0 ? " FAILED" : done.PARTIAL > 0 ? " PARTIAL" : "";
  return `${timeframe.label} ${expected - missing}/${expected}${status}`;
}

/** `EURUSD 2025-12-22 added: 12 of 81234 ticks` */
export function dayText({ symbol, day, outcome, received, added, reason }: TickDay): string {
  const why = reason === undefined ? "" : `: ${reason}`;
  return `${symbol} ${day} ${outcome}: ${added} of ${received} ticks added${why}`;
}

/** `23/41 symbols, 9840 bars, 812 bars/s, 0:11 left` */
export function countsText(tally: Tally): string {
  const { symbolsDone, symbols, received, barsPerSecond, secondsLeft } = tally;
  const left = secondsLeft === undefined ? "" : `, ${durationText(secondsLeft)} left`;
  return `${symbolsDone}/${symbols} symbols, ${received} bars, ` +
    `${Math.round(barsPerSecond)} bars/s${left}`;
}

/** `0:11`, `1:02:03` */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds), minutes = Math.floor(whole / 60) % 60;
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const start = hours > 0 ? `${hours}:${two(minutes)}` : `${minutes}`;
  return `${start}:${two(whole % 60)}`;
}
