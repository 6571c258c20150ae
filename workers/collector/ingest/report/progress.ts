import type { Tally } from "./tally.ts";
import type { TickDay } from "../ticks/ingest_ticks.ts";
import type { UnitResult } from "../unit.ts";

/** How a run shows itself while it runs. One form is for terminals, one for pipes, one for machines. */
export interface Progress extends Disposable {
  /** Once for each source, before its units. */
  planned(tally: Tally): void;
  unit(result: UnitResult, at: { tally: Tally; isSymbolDone: boolean }): void;
  /** Of `--ticks`. */
  day(day: TickDay): void;
  /** Something a person should know and the run goes on after. */
  problem(message: string): void;
  line(message: string): void;
}
