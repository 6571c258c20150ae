/**
 * The lengths of bars: their names here, at the vendors and on the disk, and the grid they lie on.
 *
 * The labels are directory names too, so minutes are `MIN`: `1M`, the month, and `1m` are one name on
 * a disk that ignores case. A grid lies on the server's clock: a day's bar opens at the server's
 * midnight, which is no whole hour of UTC for every server.
 */
export interface Timeframe {
  /** The name on the wire and of the directory. */
  readonly label: TimeframeLabel;
  /** The same for every bar; undefined for a month. */
  readonly lengthMs: number | undefined;
  /** `ENUM_TIMEFRAMES` of MetaTrader 5. */
  readonly mt5: number;
  /** ForexConnect's code; its `m1` is a minute, its `M1` a month. */
  readonly fxcm: string;
  /** How much UTC time one file holds, by the opens of its bars. */
  readonly filePeriod: FilePeriod;
}

export const TIMEFRAME_LABELS = [
  ...["1MIN", "5MIN", "15MIN", "30MIN", "1H", "4H", "1D", "1W", "1M"] as const,
];
export type TimeframeLabel = (typeof TIMEFRAME_LABELS)[number];
export type FilePeriod = "day" | "month" | "year";

const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS, WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday; the weeks of bars begin on Sunday. */
const FIRST_SUNDAY_MS = 3 * DAY_MS;

export const TIMEFRAMES: Readonly<Record<TimeframeLabel, Timeframe>> = {
  "1MIN": minutes("1MIN", 1),
  "5MIN": minutes("5MIN", 5),
  "15MIN": minutes("15MIN", 15),
  "30MIN": minutes("30MIN", 30),
  "1H": { label: "1H", lengthMs: HOUR_MS, mt5: 0x4001, fxcm: "H1", filePeriod: "day" },
  "4H": { label: "4H", lengthMs: 4 * HOUR_MS, mt5: 0x4004, fxcm: "H4", filePeriod: "day" },
  "1D": { label: "1D", lengthMs: DAY_MS, mt5: 0x4018, fxcm: "D1", filePeriod: "month" },
  "1W": { label: "1W", lengthMs: WEEK_MS, mt5: 0x8001, fxcm: "W1", filePeriod: "year" },
  "1M": { label: "1M", lengthMs: undefined, mt5: 0xC001, fxcm: "M1", filePeriod: "year" },
};

/** How people write them; `1m` is a minute and `1M` a month, the rest in either case. */
const ALIASES: Readonly<Record<string, TimeframeLabel>> = {
  ...{ "1m": "1MIN", "5m": "5MIN", "15m": "15MIN", "30m": "30MIN", "1h": "1H", "4h": "4H" },
  ...{ "1min": "1MIN", "5min": "5MIN", "15min": "15MIN", "30min": "30MIN", "60m": "1H" },
  ...{ "1d": "1D", "1w": "1W", "1mo": "1M", "1MN": "1M", "1mn": "1M" },
};

/** `undefined` when it names none. */
export function parseTimeframe(text: string): Timeframe | undefined {
  const label = TIMEFRAME_LABELS.find((known) => known === text) ?? ALIASES[text];
  return label === undefined ? undefined : TIMEFRAMES[label];
}

/** The open of the bar that this moment lies in, ms on the same clock. */
export function openOf(timeframe: Timeframe, serverMs: number): number {
  const { lengthMs } = timeframe;
  if (lengthMs === undefined) {
    const date = new Date(serverMs);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  }
  const originMs = lengthMs === WEEK_MS ? FIRST_SUNDAY_MS : 0;
  return Math.floor((serverMs - originMs) / lengthMs) * lengthMs + originMs;
}

/** Where the bar that opens there ends and the next one opens, ms on the same clock. */
export function closeOf(timeframe: Timeframe, openServerMs: number): number {
  if (timeframe.lengthMs !== undefined) return openServerMs + timeframe.lengthMs;
  const date = new Date(openServerMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

function minutes(label: TimeframeLabel, count: number): Timeframe {
  return { label, lengthMs: count * MINUTE_MS, mt5: count, fxcm: `m${count}`, filePeriod: "day" };
}
