import { basename, dirname } from "node:path";
import { UTC } from "../../lib/time/server_zone.ts";
import { isSymbol } from "../../lib/market/symbol.ts";
import { TIMEFRAME_LABELS, TIMEFRAMES } from "../../lib/market/timeframe.ts";
import { BarBlock } from "./bar_rows.ts";
import { textBytes } from "./containers.ts";
import { mt5Rates, mt5TimeframeOf } from "./mt5_rates.ts";
import { ownBars } from "./own_bars.ts";
import type { BarRecording, RecordingOptions } from "./recording.ts";
import { readLines } from "./text_lines.ts";

/** `…/EURUSD/1H/2025-12-22.csv`: the folders tell the symbol and the timeframe. */
export function ownBarRecording(path: string, options: RecordingOptions): BarRecording {
  const folder = dirname(path.replaceAll("\\", "/"));
  const label = TIMEFRAME_LABELS.find((known) => known === basename(folder));
  const symbol = options.symbol ?? basename(dirname(folder));
  // A folder with a ~ has a name that its symbol could not keep.
  if (label === undefined || !isSymbol(symbol)) {
    throw new TypeError(
      `Cannot tell the symbol and the timeframe of ${path}: its folders are not <symbol>/1H or another timeframe; a symbol alone is named with REPLAY_SYMBOL or --symbol`,
    );
  }
  const timeframe = TIMEFRAMES[label], clock = options.clock ?? UTC;
  return {
    ...{ kind: "bars", path, symbol, timeframe, clock },
    read: (report) =>
      readLines(textBytes(path), {
        format: ownBars(path, clock),
        block: new BarBlock(timeframe),
        path,
        report,
      }),
  };
}

/** `EURUSD_M5.csv`: the name tells the timeframe as MetaTrader says it. */
export function mt5BarRecording(
  path: string,
  { symbol, clock }: RecordingOptions & { readonly symbol: string },
): BarRecording {
  const timeframe = mt5TimeframeOf(basename(path.replaceAll("\\", "/")));
  if (timeframe === undefined) {
    throw new TypeError(
      `Cannot tell the timeframe of ${path} by its name: name it like EURUSD_M5.csv or EURUSD_H1.csv`,
    );
  }
  return {
    ...{ kind: "bars", path, symbol, timeframe, clock },
    read: (report) =>
      readLines(textBytes(path), {
        format: mt5Rates(),
        block: new BarBlock(timeframe),
        path,
        report,
      }),
  };
}
