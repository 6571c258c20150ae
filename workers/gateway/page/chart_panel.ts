import type { ChartStyle, ChartView, PriceChart } from "./chart.ts";
import type { ChartFeed } from "./chart_feed.ts";
import { closedOf, untilText } from "./hours.ts";
import { hasPips, type Quotes, spreadOf, type SymbolState } from "./quotes.ts";

const INTERVALS: ReadonlyMap<string, number> = new Map([
  ["1 s", 1_000],
  ["5 s", 5_000],
  ["15 s", 15_000],
  ["1 m", 60_000],
]);
const STYLES: ReadonlyMap<string, ChartStyle> = new Map([
  ["Line", "line"],
  ["Candles", "candles"],
]);
const FIRST_VIEW: ChartView = { intervalMs: 1_000, style: "line" };

type Find = <T extends HTMLElement>(id: string, type: new () => T) => T;

/** The chart with its heading, its choices of interval and style, and the note below it. */
export class ChartPanel {
  readonly #chart: PriceChart;
  readonly #box: HTMLElement;
  readonly #symbol: HTMLElement;
  readonly #bid: HTMLElement;
  readonly #ask: HTMLElement;
  readonly #spread: HTMLElement;
  readonly #note: HTMLElement;
  #feed: ChartFeed | undefined;
  #pending: "appended" | "merged" | undefined;

  constructor({ element, chart }: { element: Find; chart(view: ChartView): PriceChart }) {
    this.#box = element("chart", HTMLElement);
    this.#symbol = element("chart-symbol", HTMLElement);
    this.#bid = element("chart-bid", HTMLElement);
    this.#ask = element("chart-ask", HTMLElement);
    this.#spread = element("chart-spread", HTMLElement);
    this.#note = element("chart-note", HTMLElement);
    this.#chart = chart(FIRST_VIEW);
    const view = () => this.#chart.view;
    addChoices(element("intervals", HTMLFieldSetElement), INTERVALS, {
      first: FIRST_VIEW.intervalMs,
      choose: (intervalMs) => this.#chart.setView({ ...view(), intervalMs }),
    });
    addChoices(element("styles", HTMLFieldSetElement), STYLES, {
      first: FIRST_VIEW.style,
      choose: (style) => this.#chart.setView({ ...view(), style }),
    });
  }

  show(feed: ChartFeed, state: SymbolState): void {
    this.#feed = feed;
    this.#pending = undefined;
    this.#symbol.textContent = state.symbol;
    document.title = `${state.symbol} · Arbitrex`;
    this.#chart.show(feed.series, state.digits);
  }

  /** The feed's series got ticks; drawn at the next `render`. */
  changed(how: "appended" | "merged"): void {
    if (this.#pending !== "merged") this.#pending = how;
  }

  render(quotes: Quotes): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    if (this.#pending !== undefined) this.#chart.update(this.#pending);
    this.#pending = undefined;
    const { symbol, last, ticks, gaps } = feed.series;
    const state = quotes.states.get(symbol), closed = state && closedOf(state);
    const hours = closed === undefined ? "" : `Closed ${untilText(closed)}`.trimEnd();
    if (state === undefined || last === undefined) {
      const note = hours || "Waiting for the first tick";
      this.#write({ bid: "—", ask: "—", spread: "—", note });
      return;
    }
    const spread = spreadOf({ ...state, quote: last }) ?? 0;
    const since = new Date(ticks[0]?.utcMs ?? last.utcMs).toISOString().slice(11, 19);
    const count = ticks.length.toLocaleString("en");
    const holes = gaps.length === 0 ? "" : ` · ${gaps.length} gap${gaps.length > 1 ? "s" : ""}`;
    this.#write({
      bid: last.bid.toFixed(state.digits),
      ask: last.ask.toFixed(state.digits),
      spread: hasPips(state) ? `${spread.toFixed(1)} pips` : `${spread.toFixed(0)} pts`,
      note: [
        ...(hours === "" ? [] : [hours]),
        `${count} ticks since ${since} UTC${holes}`,
        ...(feed.loading ? ["loading history"] : []),
      ].join(" · "),
    });
  }

  recolour(): void {
    this.#chart.recolour();
  }

  #write(texts: { bid: string; ask: string; spread: string; note: string }): void {
    this.#bid.textContent = texts.bid;
    this.#ask.textContent = texts.ask;
    this.#spread.textContent = texts.spread;
    this.#note.textContent = texts.note;
    const symbol = this.#symbol.textContent;
    const label = `${symbol} over UTC time. Bid ${texts.bid}, ask ${texts.ask}. ${texts.note}.`;
    this.#box.ariaLabel = label;
  }
}

/** Radio buttons that look like one segmented control. */
function addChoices<T>(
  fieldset: HTMLFieldSetElement,
  choices: ReadonlyMap<string, T>,
  { first, choose }: { first: T; choose(value: T): void },
): void {
  for (const [text, value] of choices) {
    const label = document.createElement("label"), input = document.createElement("input");
    const shown = document.createElement("span");
    input.type = "radio";
    input.name = fieldset.id;
    input.checked = value === first;
    input.addEventListener("change", () => choose(value));
    shown.append(text);
    label.append(input, shown);
    fieldset.append(label);
  }
}
