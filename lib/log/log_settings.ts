import { JOURNAL_TICKS } from "./spill.ts";
import { integer, type Setting } from "../program/settings.ts";

export const journalMaxTicks: Setting<number> = {
  name: "JOURNAL_MAX_TICKS",
  schema: integer({ min: 1_000, max: 10_000_000_000 }),
  fallback: `${JOURNAL_TICKS}`,
  about:
    "Ticks that may wait on the collector's disk while Redis is away; 50 million are 3.5 GB and half a day of 1,000 ticks a second.",
};
