import type { Progress } from "./progress.ts";
import type { Tally } from "./tally.ts";
import type { TickDay } from "../ticks/ingest_ticks.ts";
import type { UnitResult } from "../unit.ts";

/** For machines: one JSON object a line, as README.md says. */
export class ProgressJson implements Progress {
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  planned({ symbols, units, planned }: Tally): void {
    this.#say({ event: "plan", symbols, units, bars_expected: planned });
  }

  unit({ unit, missing, ...result }: UnitResult, { tally }: { tally: Tally }): void {
    this.#say({
      event: "unit",
      symbol: unit.symbol,
      timeframe: unit.timeframe.label,
      from_utc: new Date(unit.fromMs).toISOString(),
      to_utc: new Date(unit.toMs).toISOString(),
      status: result.status,
      bars_expected: result.expected,
      bars_received: result.received,
      bars_missing: result.missingBars,
      bars_removed: result.removed,
      gaps: missing.map(({ fromMs, toMs, bars, reason }) => ({
        from_utc: new Date(fromMs).toISOString(),
        to_utc: new Date(toMs).toISOString(),
        bars,
        reason,
      })),
      files: result.files.map(({ path }) => path),
      seconds: rounded(result.seconds),
      error: result.error,
      units_done: tally.unitsDone,
      units: tally.units,
    });
  }

  day(day: TickDay): void {
    this.#say({ event: "day", ...day });
  }

  problem(message: string): void {
    this.#say({ event: "problem", message });
  }

  line(message: string): void {
    this.#say({ event: "note", message });
  }

  [Symbol.dispose](): void {}

  #say(value: Readonly<Record<string, unknown>>): void {
    this.#write(JSON.stringify(value));
  }
}

/** To milliseconds. */
export function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
