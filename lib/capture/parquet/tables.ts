import { type ColumnValues, RowGroupCodec } from "./row_group.ts";
import type { BarColumns } from "./bar_columns.ts";
import type { TickColumns } from "../tick_columns.ts";

/** How ticks and bars are tables: names, kinds and order of the columns. */

export const TICK_TABLE: RowGroupCodec = new RowGroupCodec([
  { name: "timestamp_utc", kind: "utc" },
  { name: "timestamp_broker", kind: "broker" },
  { name: "bid", kind: "optional" },
  { name: "ask", kind: "optional" },
  { name: "last", kind: "optional" },
  { name: "volume", kind: "optional" },
  { name: "flags", kind: "flags" },
  { name: "id_ms", kind: "whole" },
  { name: "id_n", kind: "whole" },
]);
/** Ids ascend; the own time of a tick that came late does not. */
export const TICKS_SORTED_BY: readonly string[] = ["id_ms", "id_n"];

export function valuesOfTicks(ticks: TickColumns): ColumnValues[] {
  const { utcMs, serverMs, bid, ask, last, volume, flags, idMs, idN } = ticks;
  return [utcMs, serverMs, bid, ask, last, volume, flags, idMs, idN];
}

export const BAR_TABLE: RowGroupCodec = new RowGroupCodec([
  { name: "timestamp_utc", kind: "utc" },
  { name: "timestamp_broker", kind: "broker" },
  { name: "open", kind: "number" },
  { name: "high", kind: "number" },
  { name: "low", kind: "number" },
  { name: "close", kind: "number" },
  { name: "volume", kind: "number" },
]);
export const BARS_SORTED_BY: readonly string[] = ["timestamp_utc"];

export function valuesOfBars(bars: BarColumns): ColumnValues[] {
  const { utcMs, serverMs, open, high, low, close, volume } = bars;
  return [utcMs, serverMs, open, high, low, close, volume];
}
