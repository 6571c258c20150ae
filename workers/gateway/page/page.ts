import { PriceChart } from "./chart.ts";
import { ChartFeed } from "./chart_feed.ts";
import { ChartPanel } from "./chart_panel.ts";
import { describeConnection } from "./connection.ts";
import { loadFacts } from "./facts.ts";
import { allClosed, untilTitle } from "./hours.ts";
import type { Message } from "./messages.ts";
import { Quotes } from "./quotes.ts";
import { Stream } from "./stream.ts";
import { QuoteTable } from "./table.ts";
import { startTheme } from "./theme.ts";

/** Wires the page: one conflated stream for the table, one whole stream for the chart. */

const CONFLATE_MS = 100;
const CLOCK_MS = 250;
const RETRY_FACTS_MS = 3_000;
/** Markets open and close, and new symbols come. */
const FACTS_AGAIN_MS = 60_000;
const FIRST_CHOICE = "EURUSD";
const KIND_LABELS: Readonly<Record<string, string>> = {
  simulated: "Simulated",
  replay: "Replay",
  raw: "Captured",
};

const socketUrl = new URL("/ws", location.href);
socketUrl.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const quotes = new Quotes();
const table = new QuoteTable(element("quotes", HTMLTableElement), { quotes, choose });
const panel = new ChartPanel({
  element,
  chart: (view) => new PriceChart(element("chart", HTMLElement), view),
});
let feed: ChartFeed | undefined;
let epoch = "";
let feedState = "";
let newestMs = 0;
let updates = 0;
let frame = 0;

const stream = new Stream(socketUrl.href, {
  subscription: () => ({
    action: "subscribe",
    symbols: "*",
    batch: true,
    conflate_ms: CONFLATE_MS,
    channels: ["ticks", "status"],
  }),
  receive(messages) {
    for (const message of messages) take(message);
    draw();
  },
});

function take(message: Message): void {
  switch (message.type) {
    case "tick":
      updates++;
      newestMs = performance.now();
      feedState = "";
      quotes.update(message.quote, true);
      break;
    case "snapshot":
      quotes.update(message.quote, false);
      break;
    case "subscribed":
      enterEpoch(message.epoch);
      for (const symbol of message.symbols) if (symbol !== "*") quotes.add(symbol);
      chooseFirst();
      break;
    case "status":
      // A fact about some symbols is in the table's ages; one about all is in the header.
      if (message.state === "epoch") enterEpoch(message.epoch);
      else if (message.symbols.length === 0) feedState = message.state;
      break;
    case "error":
      console.error(`The gateway refused a request: ${message.code}: ${message.text}`);
      break;
  }
}

function enterEpoch(next: string): void {
  if (epoch !== "" && next !== "" && next !== epoch) quotes.clear();
  if (next !== "") epoch = next;
}

/** At most one drawing a frame, and none while nobody looks; the newest quotes wait in `quotes`. */
function draw(): void {
  if (frame !== 0) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    table.render();
    panel.render(quotes);
    showCount();
  });
}

function choose(symbol: string): void {
  if (feed?.series.symbol === symbol) return;
  feed?.close();
  const chosen = new ChartFeed({
    symbol,
    url: socketUrl.href,
    changed(how) {
      if (chosen !== feed) return;
      panel.changed(how);
      draw();
    },
  });
  feed = chosen;
  table.setChosen(symbol);
  panel.show(chosen, quotes.add(symbol));
  history.replaceState(null, "", `#${encodeURIComponent(symbol)}`);
  draw();
}

/** The symbol of the address, else the usual first choice, else whatever there is. */
function chooseFirst(): void {
  if (feed !== undefined) return;
  const wanted = decodeURIComponent(location.hash.slice(1));
  const first = [wanted, FIRST_CHOICE].find((symbol) => quotes.states.has(symbol)) ??
    quotes.states.keys().next().value;
  if (first !== undefined) choose(first);
}

async function showFacts(): Promise<void> {
  let againMs = RETRY_FACTS_MS;
  try {
    const { symbols, kind } = await loadFacts();
    for (const { symbol, closed } of symbols) quotes.add(symbol).closed = closed;
    showKind(kind);
    chooseFirst();
    draw();
    // A log without ticks does not know its feeds yet.
    if (kind !== "") againMs = FACTS_AGAIN_MS;
  } catch {
    // The browser's console has named the failed request.
  }
  setTimeout(showFacts, againMs);
}

function showKind(kind: string): void {
  const badge = element("kind", HTMLElement);
  badge.hidden = kind === "";
  badge.dataset.kind = kind;
  badge.textContent = KIND_LABELS[kind] ?? kind;
  table.recorded = kind === "replay";
}

function showCount(): void {
  const { shown, all } = table.count;
  const text = shown === all ? `${all} symbols` : `${shown} of ${all} symbols`;
  const count = element("count", HTMLElement);
  if (count.textContent !== text) count.textContent = text;
  element("empty", HTMLElement).hidden = shown > 0 || all === 0;
}

function showConnection(): void {
  const closed = allClosed(quotes.states.values());
  const signs = { table: stream.state, chart: feed?.state, feed: feedState, newestMs, closed };
  const { state, text, detail } = describeConnection(signs);
  const connection = element("connection", HTMLElement);
  connection.dataset.state = state;
  connection.title = state === "closed" && closed !== undefined ? untilTitle(closed) : "";
  const announced = element("connection-text", HTMLElement);
  if (announced.textContent !== text) announced.textContent = text;
  element("connection-detail", HTMLElement).textContent = detail;
}

function startClock(): void {
  let second = 0;
  setInterval(() => {
    if (document.visibilityState === "hidden") return;
    showConnection();
    table.renderAges();
    const now = new Date();
    if (now.getUTCSeconds() === second) return;
    second = now.getUTCSeconds();
    element("clock", HTMLElement).textContent = now.toISOString().slice(11, 19);
    element("rate", HTMLElement).textContent = `${updates} upd/s`;
    updates = 0;
  }, CLOCK_MS);
}

function startFilter(): void {
  const filter = element("filter", HTMLInputElement);
  filter.addEventListener("input", () => {
    table.filter(filter.value);
    showCount();
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") table.focusFirst();
    else if (event.key === "Escape") {
      filter.value = "";
      table.filter("");
      showCount();
    } else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.activeElement === filter) return;
    event.preventDefault();
    filter.focus();
    filter.select();
  });
}

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new TypeError(`Cannot find #${id} as ${type.name}: current value is ${found}`);
}

startTheme(element("theme", HTMLButtonElement), () => panel.recolour());
startFilter();
startClock();
void showFacts();

/** For tests and for a person at the console: what the chart's symbol has received. */
Object.assign(globalThis, {
  arbitrexPage: {
    get symbol(): string {
      return feed?.series.symbol ?? "";
    },
    get ids(): string[] {
      return feed?.series.ids ?? [];
    },
    get gaps(): readonly unknown[] {
      return feed?.series.gaps ?? [];
    },
    get loading(): boolean {
      return feed?.loading ?? true;
    },
  },
});
