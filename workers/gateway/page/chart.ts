import {
  CandlestickSeries,
  createChart,
  CrosshairMode,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  LineSeries,
  type UTCTimestamp,
} from "lightweight-charts";
import { type Bucket, fillBuckets, type TickSeries } from "./tick_series.ts";

export type ChartStyle = "line" | "candles";

export interface ChartView {
  readonly intervalMs: number;
  readonly style: ChartStyle;
}

/** Empty places drawn for a silence, in intervals; a longer one is drawn this long. */
const MAX_EMPTY = 120;

/** A place on the time axis, with or without ticks. */
interface Point {
  readonly bucket: Bucket | undefined;
  readonly openMs: number;
  /** Whether ticks are known to be missing here. */
  readonly hole: boolean;
  /** Whether the line ends here, because a hole follows. */
  readonly last: boolean;
}

type AnySeries = ISeriesApi<"Line"> | ISeriesApi<"Candlestick"> | ISeriesApi<"Histogram">;

/** Draws one symbol's bid and ask over UTC time; holes are shaded and no line crosses them. */
export class PriceChart {
  readonly #chart: IChartApi;
  readonly #element: HTMLElement;
  #view: ChartView;
  #source: TickSeries | undefined;
  #digits = 5;
  #prices: AnySeries[] = [];
  #holes: ISeriesApi<"Histogram"> | undefined;
  #buckets: Bucket[] = [];
  #counted = 0;

  constructor(element: HTMLElement, view: ChartView) {
    this.#element = element;
    this.#view = view;
    this.#chart = createChart(element, {
      autoSize: true,
      // The library's logo brings an inline style, which the page's policy forbids; the page's own
      // footer names TradingView with a link instead, as the licence asks.
      layout: { attributionLogo: false, fontFamily: getComputedStyle(element).fontFamily },
      timeScale: { timeVisible: true, rightOffset: 8, barSpacing: 6, minBarSpacing: 0.5 },
      crosshair: { mode: CrosshairMode.Normal },
    });
    this.recolour();
  }

  get view(): ChartView {
    return this.#view;
  }

  show(source: TickSeries, digits: number): void {
    this.#source = source;
    this.#digits = digits;
    this.#rebuild();
    this.#chart.timeScale().resetTimeScale();
  }

  setView(view: ChartView): void {
    this.#view = view;
    this.#rebuild();
  }

  /** Takes over what the source got; `merged` redraws all, `appended` only the end. */
  update(how: "appended" | "merged"): void {
    const source = this.#source;
    if (source === undefined) return;
    if (how === "merged") {
      this.#buckets = [];
      this.#counted = 0;
    }
    const count = this.#buckets.length;
    const { intervalMs } = this.#view;
    const from = fillBuckets(this.#buckets, source.ticks, { from: this.#counted, intervalMs });
    this.#counted = source.ticks.length;
    const atEnd = how === "appended" && count > 0 && from >= count - 1;
    // A line ends at the bucket before a hole, which the library redraws only as a whole.
    if (atEnd && !this.#breaksSince(count - 1)) this.#extend(from, count);
    else this.#redraw();
  }

  /** Reads the page's colours again, after the theme has changed. */
  recolour(): void {
    const grid = { color: this.#colour("--line-soft") };
    const border = { borderColor: this.#colour("--line") };
    this.#chart.applyOptions({
      layout: {
        background: { color: this.#colour("--panel") },
        textColor: this.#colour("--text-dim"),
      },
      grid: { vertLines: grid, horzLines: grid },
      rightPriceScale: border,
      timeScale: border,
    });
    if (this.#source !== undefined) this.#rebuild();
  }

  /** Makes the series anew, which is how the library changes a style. */
  #rebuild(): void {
    for (const series of [...this.#prices, this.#holes]) {
      if (series !== undefined) this.#chart.removeSeries(series);
    }
    this.#holes = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "",
      color: this.#colour("--hole"),
      priceLineVisible: false,
      lastValueVisible: false,
      // All from the bottom to the top: the shade says when, not how much.
      autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 1 } }),
    });
    this.#holes.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
    this.#prices = this.#view.style === "line" ? this.#addLines() : this.#addCandles();
    const secondsVisible = this.#view.intervalMs < 60_000;
    this.#chart.applyOptions({ timeScale: { secondsVisible } });
    this.update("merged");
  }

  #addLines(): AnySeries[] {
    const line = { ...this.#priceOptions(), lineWidth: 2 as const };
    const ask = { ...line, color: this.#colour("--ask"), title: "Ask" };
    const bid = { ...line, color: this.#colour("--bid"), title: "Bid" };
    return [this.#chart.addSeries(LineSeries, ask), this.#chart.addSeries(LineSeries, bid)];
  }

  #addCandles(): AnySeries[] {
    const up = this.#colour("--up"), down = this.#colour("--down");
    const candles = this.#chart.addSeries(CandlestickSeries, {
      ...this.#priceOptions(),
      // Hollow against filled: the direction shows without the colours too.
      upColor: this.#colour("--panel"),
      downColor: down,
      borderUpColor: up,
      borderDownColor: down,
      wickUpColor: up,
      wickDownColor: down,
      title: "Bid",
    });
    return [candles];
  }

  #priceOptions() {
    const precision = this.#digits;
    return {
      priceFormat: { type: "price" as const, precision, minMove: 10 ** -precision },
      priceLineVisible: false,
    };
  }

  #redraw(): void {
    const points = this.#pointsFrom(0);
    this.#holes?.setData(points.map((point) => this.#holeOf(point)));
    for (const [index, series] of this.#prices.entries()) {
      series.setData(points.map((point) => this.#priceOf(point, index)));
    }
  }

  /** Draws the buckets from an index on, of which those below `drawn` are on the chart already. */
  #extend(from: number, drawn: number): void {
    for (const point of this.#pointsFrom(from, drawn)) {
      this.#holes?.update(this.#holeOf(point));
      for (const [index, series] of this.#prices.entries()) {
        series.update(this.#priceOf(point, index));
      }
    }
  }

  /** The buckets from an index on, each that is not yet drawn with the empty places before it. */
  #pointsFrom(from: number, drawn = 0): Point[] {
    const { intervalMs } = this.#view;
    const points: Point[] = [];
    for (let index = from; index < this.#buckets.length; index++) {
      const bucket = this.#buckets[index];
      if (bucket === undefined) break;
      const previousMs = this.#buckets[index - 1]?.openMs ?? bucket.openMs;
      const places = Math.min(MAX_EMPTY, (bucket.openMs - previousMs) / intervalMs - 1);
      const empty = index < drawn ? 0 : places;
      for (let place = empty; place > 0; place--) {
        const openMs = bucket.openMs - place * intervalMs;
        points.push({ bucket: undefined, openMs, hole: this.#isHole(openMs), last: false });
      }
      const { openMs } = bucket;
      points.push({ bucket, openMs, hole: this.#isHole(openMs), last: this.#breaksAfter(index) });
    }
    return points;
  }

  #isHole(openMs: number): boolean {
    return this.#overlapsGap(openMs, openMs + this.#view.intervalMs);
  }

  #overlapsGap(startMs: number, endMs: number): boolean {
    return this.#source?.gaps.some(({ fromMs, toMs }) => fromMs < endMs && toMs > startMs) ?? false;
  }

  #breaksSince(index: number): boolean {
    for (let at = index; at < this.#buckets.length; at++) if (this.#breaksAfter(at)) return true;
    return false;
  }

  /** Whether a hole without any tick lies between a bucket and the next one. */
  #breaksAfter(index: number): boolean {
    const bucket = this.#buckets[index], next = this.#buckets[index + 1];
    if (bucket === undefined || next === undefined) return false;
    const emptyMs = bucket.openMs + this.#view.intervalMs;
    return emptyMs < next.openMs && this.#overlapsGap(emptyMs, next.openMs);
  }

  #holeOf({ openMs, hole }: Point) {
    const time = openMs / 1000 as UTCTimestamp;
    return hole ? { time, value: 1 } : { time };
  }

  #priceOf({ bucket, openMs, last }: Point, index: number) {
    // The library brands its times; an interval is a whole number of seconds.
    const time = openMs / 1000 as UTCTimestamp;
    if (bucket === undefined) return { time };
    if (this.#view.style === "candles") {
      const { open, high, low, close } = bucket;
      return { time, open, high, low, close };
    }
    const value = index === 0 ? bucket.ask : bucket.close;
    // A point's colour is that of the line from it to the next.
    return last ? { time, value, color: "transparent" } : { time, value };
  }

  #colour(name: string): string {
    return getComputedStyle(this.#element).getPropertyValue(name).trim();
  }
}
