import { type Timeframe, type TimeframeLabel, TIMEFRAMES } from "../../lib/market/timeframe.ts";
import type { BarBlock } from "./bar_rows.ts";
import type { LineFormat } from "./text_lines.ts";

/** MetaTrader's own names: its `M1` is a minute, its `MN1` a month. */
const LABELS: Readonly<Record<string, TimeframeLabel>> = {
  ...{ M1: "1MIN", M5: "5MIN", M15: "15MIN", M30: "30MIN" },
  ...{ H1: "1H", H4: "4H", D1: "1D", W1: "1W", MN1: "1M" },
};
const REQUIRED = ["time", "open", "high", "low", "close"];

/** Whether a heading is one of `copy_rates_…` as pandas writes it, with or without its index. */
export function isMt5RatesHeading(heading: string): boolean {
  const names = heading.split(",");
  return REQUIRED.every((name) => names.includes(name));
}

/** `EURUSD_M5.csv` or `EURUSD_H1_2024.csv`; undefined when the name does not tell. */
export function mt5TimeframeOf(fileName: string): Timeframe | undefined {
  const code = /_(M1|M5|M15|M30|H1|H4|D1|W1|MN1)(?=[_.])/.exec(fileName)?.[1] ?? "";
  const label = LABELS[code];
  return label === undefined ? undefined : TIMEFRAMES[label];
}

/**
 * The result of `copy_rates_…`, written by pandas: columns by name, `time` in seconds of the server's
 * clock or as a date and time of it. Without `tick_volume` volumes are 0.
 */
export function mt5Rates(): LineFormat<BarBlock> {
  let columns: Columns | undefined;
  return {
    separator: ",",
    readLine(fields, into) {
      if (columns === undefined) {
        const names = Array.from({ length: fields.count }, (_, field) => fields.text(field));
        columns = columnsOf(names);
        return undefined;
      }
      const seconds = fields.number(columns.time);
      const serverMs = Number.isNaN(seconds)
        ? dateAndTimeMs(fields.text(columns.time))
        : seconds * 1000;
      if (Number.isNaN(serverMs)) return "its time is none";
      return into.push(
        serverMs,
        fields.number(columns.open),
        fields.number(columns.high),
        fields.number(columns.low),
        fields.number(columns.close),
        columns.volume < 0 ? 0 : fields.number(columns.volume),
      );
    },
  };
}

interface Columns {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** -1 when there is none. */
  readonly volume: number;
}

function columnsOf(names: readonly string[]): Columns {
  const at = (name: string) => names.indexOf(name);
  return {
    ...{ time: at("time"), open: at("open"), high: at("high"), low: at("low") },
    ...{ close: at("close"), volume: at("tick_volume") },
  };
}

/** `2021-11-15 01:39:00`, with nothing that says another clock. */
function dateAndTimeMs(text: string): number {
  if (!/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?$/.test(text)) return NaN;
  return Date.parse(`${text.replace(" ", "T").padEnd(16, "T00:00")}Z`);
}
