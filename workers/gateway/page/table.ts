import { ageSecondsOf, changeOf, type Quotes, spreadOf, type SymbolState } from "./quotes.ts";
import { type ColumnKey, Row } from "./table_row.ts";

interface Column {
  readonly key: ColumnKey;
  readonly label: string;
  readonly title: string;
  /** What rows are sorted by; undefined sorts last. */
  sortValue(state: SymbolState, recorded: boolean): string | number | undefined;
}

const COLUMNS: readonly Column[] = [
  { key: "symbol", label: "Symbol", title: "", sortValue: (state) => state.symbol },
  { key: "bid", label: "Bid", title: "", sortValue: (state) => state.quote?.bid },
  { key: "ask", label: "Ask", title: "", sortValue: (state) => state.quote?.ask },
  {
    key: "spread",
    label: "Spread",
    title: "Ask minus bid: in pips where prices have 3 or 5 decimals, else in points",
    sortValue: spreadOf,
  },
  {
    key: "change",
    label: "Chg %",
    title: "Change of the mid price in percent since this page first saw the symbol",
    sortValue: changeOf,
  },
  {
    key: "age",
    label: "Age",
    title: "Time since the newest tick",
    sortValue: ageSecondsOf,
  },
];

/** The table of all symbols: one native table, a button per row, written cell by cell. */
export class QuoteTable {
  readonly #head: HTMLTableRowElement;
  readonly #body: HTMLTableSectionElement;
  readonly #quotes: Quotes;
  readonly #choose: (symbol: string) => void;
  readonly #rows = new Map<string, Row>();
  readonly #reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  #shown: Row[] = [];
  #filter = "";
  #sortKey: ColumnKey = "symbol";
  #ascending = true;
  #chosen = "";
  /** A recording's or a replay's ticks carry times that say nothing about their age. */
  recorded = false;

  constructor(
    table: HTMLTableElement,
    { quotes, choose }: { quotes: Quotes; choose(symbol: string): void },
  ) {
    this.#head = table.tHead?.rows[0] ?? table.createTHead().insertRow();
    this.#body = table.tBodies[0] ?? table.createTBody();
    this.#quotes = quotes;
    this.#choose = choose;
    for (const column of COLUMNS) this.#head.append(this.#headerOf(column));
    this.#body.addEventListener("keydown", (event) => this.#move(event));
  }

  get count(): { readonly shown: number; readonly all: number } {
    return { shown: this.#shown.length, all: this.#rows.size };
  }

  /** Writes what changed since the last call. */
  render(): void {
    const added = this.#quotes.takeAdded();
    if (added) this.#arrange();
    for (const state of this.#quotes.takeChanged()) {
      this.#rows.get(state.symbol)?.write(!this.#reducedMotion.matches);
    }
  }

  /** Writes the ages, and sorts anew where the order follows what moves. */
  renderAges(): void {
    for (const row of this.#shown) row.writeAge(this.recorded);
    if (this.#sortKey !== "symbol") this.#arrange();
  }

  filter(text: string): void {
    this.#filter = text.trim().toUpperCase();
    this.#arrange();
  }

  setChosen(symbol: string): void {
    this.#chosen = symbol;
    for (const row of this.#rows.values()) row.setChosen(row.state.symbol === symbol);
    this.#rove();
  }

  focusFirst(): void {
    this.#shown[0]?.button.focus();
  }

  #headerOf(column: Column): HTMLTableCellElement {
    const cell = document.createElement("th"), button = document.createElement("button");
    cell.scope = "col";
    cell.dataset.column = column.key;
    button.type = "button";
    button.append(column.label);
    if (column.title !== "") button.title = column.title;
    button.addEventListener("click", () => {
      this.#ascending = this.#sortKey === column.key ? !this.#ascending : true;
      this.#sortKey = column.key;
      this.#showSort();
      this.#arrange();
    });
    cell.append(button);
    if (column.key === this.#sortKey) cell.ariaSort = "ascending";
    return cell;
  }

  #showSort(): void {
    for (const cell of this.#head.cells) {
      const sorted = cell.dataset.column === this.#sortKey;
      cell.ariaSort = sorted ? (this.#ascending ? "ascending" : "descending") : null;
    }
  }

  /** Brings the rows into order; rows that stand right are not touched, so that focus stays. */
  #arrange(): void {
    for (const state of this.#quotes.states.values()) {
      if (this.#rows.has(state.symbol)) continue;
      const row = new Row(state, () => this.#choose(state.symbol));
      row.setChosen(state.symbol === this.#chosen);
      row.write(false);
      this.#rows.set(state.symbol, row);
    }
    const shown = [...this.#rows.values()].filter(({ state }) =>
      state.symbol.toUpperCase().includes(this.#filter)
    );
    const column = COLUMNS.find(({ key }) => key === this.#sortKey);
    const keyed = shown.map((row) => ({ row, key: column?.sortValue(row.state, this.recorded) }));
    keyed.sort((a, b) =>
      compareKeys(a.key, b.key, this.#ascending) ||
      compareKeys(a.row.state.symbol, b.row.state.symbol, true)
    );
    this.#shown = keyed.map(({ row }) => row);
    const focused = document.activeElement;
    this.#shown.forEach(({ element }, index) => {
      const there = this.#body.rows[index];
      if (there !== element) this.#body.insertBefore(element, there ?? null);
    });
    while (this.#body.rows.length > this.#shown.length) {
      this.#body.rows[this.#shown.length]?.remove();
    }
    if (focused instanceof HTMLElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
    this.#rove();
  }

  /** One row is in the tab order: the chosen one, or the first when that is filtered away. */
  #rove(): void {
    const focused = this.#shown.find(({ button }) => button === document.activeElement);
    const chosen = this.#shown.find(({ state }) => state.symbol === this.#chosen);
    const stop = focused ?? chosen ?? this.#shown[0];
    for (const row of this.#rows.values()) row.button.tabIndex = row === stop ? 0 : -1;
  }

  #move(event: KeyboardEvent): void {
    const at = this.#shown.findIndex(({ button }) => button === document.activeElement);
    const last = this.#shown.length - 1;
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: Math.min(last, at + 1),
      ArrowUp: Math.max(0, at - 1),
      PageDown: Math.min(last, at + 10),
      PageUp: Math.max(0, at - 10),
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (target === undefined || at < 0) return;
    event.preventDefault();
    this.#shown[target]?.button.focus();
    this.#rove();
  }
}

type SortKey = string | number | undefined;

function compareKeys(a: SortKey, b: SortKey, ascending: boolean): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return (a < b ? -1 : 1) * (ascending ? 1 : -1);
}
