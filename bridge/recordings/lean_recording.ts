import { UTC } from "../../lib/time/server_zone.ts";
import type { ServerZone } from "../../lib/bridge/feed.ts";
import { TIMEFRAMES } from "../../lib/market/timeframe.ts";
import { TickBlock } from "../simulated/tick_block.ts";
import { BarBlock } from "./bar_rows.ts";
import { zippedBytes } from "./containers.ts";
import { leanBars } from "./lean_bars.ts";
import { leanQuotes } from "./lean_quotes.ts";
import type { Recording, RecordingOptions } from "./recording.ts";
import { readLines } from "./text_lines.ts";

/** FXCM's recordings in LEAN's archive keep New York's winter time all year. */
const CLOCKS: Readonly<Record<string, ServerZone>> = {
  fxcm: { zone: "Etc/GMT+5", shiftMs: 0 },
  oanda: UTC,
};

const OF_A_DAY =
  /\/(?<resolution>tick|second|minute)\/(?<name>[^/]+)\/(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)_quote\.zip$/;
const OF_ALL_YEARS = /\/(?<resolution>hour|daily)\/(?<name>[^/]+?)(_quote)?\.zip$/;

/** A zip of LEAN's archive, told by its path. Bars of seconds are read as bars of minutes. */
export function leanRecording(
  path: string,
  slashed: string,
  options: RecordingOptions,
): Recording {
  const groups = (OF_A_DAY.exec(slashed) ?? OF_ALL_YEARS.exec(slashed))?.groups;
  if (groups === undefined) {
    throw new TypeError(
      `Cannot read a zip as LEAN's tick/<symbol>/<day>_quote.zip, minute/<symbol>/<day>_quote.zip or hour/<symbol>.zip: current path is ${path}`,
    );
  }
  const { resolution, name = "", year, month, day } = groups;
  const vendor = /(?<![a-z])(oanda|fxcm)(?![a-z])/.exec(slashed)?.[1] ?? "";
  const dayMs = year === undefined ? undefined : Date.UTC(+year, Number(month) - 1, Number(day));
  const common = {
    path,
    clock: CLOCKS[vendor] ?? options.clock,
    symbol: options.symbol ?? symbolOf(name),
  };
  if (resolution === "tick") {
    return {
      ...common,
      kind: "ticks",
      async *read(report) {
        const format = leanQuotes(dayMs ?? NaN), block = new TickBlock();
        yield* readLines([await zippedBytes(path)], { format, block, path, report });
      },
    };
  }
  const label = resolution === "hour" ? "1H" : resolution === "daily" ? "1D" : "1MIN";
  const timeframe = TIMEFRAMES[label];
  return {
    ...common,
    kind: "bars",
    timeframe,
    async *read(report) {
      // A day has fewer minutes than a block has lines, so that no minute is cut in two.
      const block = new BarBlock(timeframe, { joins: resolution === "second" });
      const format = leanBars(dayMs);
      yield* readLines([await zippedBytes(path)], { format, block, path, report });
    },
  };
}

/** LEAN writes names in small letters; who wrote them otherwise meant it. */
function symbolOf(name: string): string {
  return name === name.toLowerCase() ? name.toUpperCase() : name;
}
