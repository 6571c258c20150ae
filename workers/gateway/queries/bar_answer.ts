import { plainDecimal } from "../../../lib/capture/tick_row_encoder.ts";
import { jsonNumber } from "../../../lib/log/tick_json.ts";
import type { Bar } from "../../../lib/market/bar.ts";
import { symbolFolder } from "../../../lib/market/symbol.ts";
import type { BarQuery } from "./bar_query.ts";
import { type BarSeries, endOf } from "./bar_series.ts";
import type { RangeAnswer } from "./range_answers.ts";
import { formatHeaders } from "./tick_answer.ts";

export const BAR_COLUMNS = "open_time,close_time,open,high,low,close,volume,source\n";
/** Where bars that are made out of ticks begin: for the formats that have no place to say it. */
export const TICKS_FROM_HEADER = "x-bars-of-ticks-from";

/** The answer to `GET /bars/{symbol}`. Times are epoch ms. */
export function barAnswer(series: BarSeries, query: BarQuery): RangeAnswer {
  const { symbol, timeframe, format, limit } = query;
  const headers = formatHeaders(format, `${symbolFolder(symbol)}_${timeframe.label}`);
  if (series.ticksFromMs !== undefined) headers[TICKS_FROM_HEADER] = String(series.ticksFromMs);
  return {
    headers,
    chunks: (signal) => {
      const bars = limitBars(series.bars(signal), limit);
      if (format === "parquet") return parquetOf(bars, series);
      return format === "csv" ? csvOf(bars, { series, query }) : jsonOf(bars, { series, query });
    },
  };
}

type Bars = AsyncGenerator<Bar[], Bar | undefined>;
interface About {
  readonly series: BarSeries;
  readonly query: BarQuery;
}

/** @returns the first bar beyond the limit. */
async function* limitBars(bars: AsyncGenerator<Bar[]>, limit: number): Bars {
  let left = limit;
  for await (const some of bars) {
    if (left > 0) yield some.slice(0, left);
    if (some.length > left) return some[left];
    left -= some.length;
  }
  return undefined;
}

async function* csvOf(bars: Bars, about: About): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let begun = false;
  for await (const some of bars) {
    const text = some.map((bar) => {
      const { openTime, closeTime, source } = timesOf(bar, about);
      const prices = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(plainDecimal);
      return `${openTime},${closeTime},${prices.join(",")},${source}\n`;
    });
    yield encoder.encode((begun ? "" : BAR_COLUMNS) + text.join(""));
    begun = true;
  }
  if (!begun) yield encoder.encode(BAR_COLUMNS);
}

/** `next_from` is the open of the first bar that the limit left out; null when the range is over. */
async function* jsonOf(bars: Bars, about: About): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder(), { series, query } = about;
  let text = `{"symbol":${JSON.stringify(query.symbol)},"timeframe":"${query.timeframe.label}",` +
    `"ticks_from":${series.ticksFromMs ?? null},"bars":[`;
  let count = 0;
  try {
    for (;;) {
      const { done, value } = await bars.next();
      if (done) {
        text += `],"count":${count},"next_from":${value?.utcMs ?? null}}`;
        yield encoder.encode(text);
        return;
      }
      text += (count > 0 ? "," : "") + value.map((bar) => jsonBar(bar, about)).join(",");
      count += value.length;
      yield encoder.encode(text);
      text = "";
    }
  } finally {
    await bars.return(undefined);
  }
}

async function* parquetOf(bars: Bars, { ticksFromMs }: BarSeries): AsyncGenerator<Uint8Array> {
  // A megabyte of WebAssembly, which only who asks for Parquet pays for.
  const { barParquetStream } = await import("../../../lib/capture/parquet/stream.ts");
  const keyValues = new Map(
    ticksFromMs === undefined ? [] : [["arbitrex.bars_of_ticks_from_ms", String(ticksFromMs)]],
  );
  yield* barParquetStream(bars, { keyValues });
}

function jsonBar(bar: Bar, about: About): string {
  const { openTime, closeTime, source } = timesOf(bar, about);
  const { open, high, low, close, volume } = bar;
  return `{"open_time":${openTime},"close_time":${closeTime},"open":${jsonNumber(open)},` +
    `"high":${jsonNumber(high)},"low":${jsonNumber(low)},"close":${jsonNumber(close)},` +
    `"volume":${jsonNumber(volume)},"source":"${source}"}`;
}

function timesOf(bar: Bar, { series: { ticksFromMs = Infinity }, query }: About) {
  return {
    openTime: bar.utcMs,
    closeTime: endOf(query.timeframe, bar) - 1,
    source: bar.utcMs >= ticksFromMs ? "ticks" : "vendor",
  };
}
