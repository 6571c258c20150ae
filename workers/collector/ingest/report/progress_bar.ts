import type { Progress } from "./progress.ts";
import { countsText, dayText } from "./progress_lines.ts";
import type { Tally } from "./tally.ts";
import type { TickDay } from "../ticks/ingest_ticks.ts";
import type { UnitResult } from "../unit.ts";

const BAR_WIDTH = 24, REDRAW_MS = 500;
/** In so few columns the counts say more. */
const WITHOUT_BAR = 60;

export interface Screen {
  readonly write: (text: string) => void;
  /** In columns. */
  readonly width: number;
}

/** For a terminal: one line, drawn again in its place; problems stay above it. */
export class ProgressBar implements Progress {
  readonly #screen: Screen;
  /** The time that is left goes down while a long read is under way. */
  #timer: ReturnType<typeof setInterval> | undefined;
  #tally: Tally | undefined;
  #isDrawn = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  planned(tally: Tally): void {
    this.#tally = tally;
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  unit({ unit, status, error }: UnitResult): void {
    if (status === "FAILED") {
      this.problem(`${unit.symbol} ${unit.timeframe.label} FAILED: ${error ?? "no reason given"}`);
    } else {
      this.#draw();
    }
  }

  day(day: TickDay): void {
    this.#above(dayText(day));
  }

  problem(message: string): void {
    this.#above(message);
  }

  line(message: string): void {
    this.#above(message);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#clear();
    this.#tally = undefined;
  }

  #above(message: string): void {
    this.#clear();
    this.#screen.write(`${message}\n`);
    this.#draw();
  }

  #draw(): void {
    if (this.#tally === undefined) return;
    this.#clear();
    const { units, unitsDone } = this.#tally;
    const filled = Math.floor(BAR_WIDTH * unitsDone / Math.max(units, 1));
    const bar = `[${"#".repeat(filled).padEnd(BAR_WIDTH, "-")}] `, { width } = this.#screen;
    const line = `${width < WITHOUT_BAR ? "" : bar}${countsText(this.#tally)}`;
    // A line that fills the last column would be two, and only one is drawn again.
    this.#screen.write(line.slice(0, Math.max(0, width - 1)));
    this.#isDrawn = true;
  }

  #clear(): void {
    if (this.#isDrawn) this.#screen.write("\r\x1b[K");
    this.#isDrawn = false;
  }
}
