import { closedOf, untilTitle } from "./hours.ts";
import {
  ageSecondsOf,
  changeOf,
  hasPips,
  type Move,
  spreadOf,
  type SymbolState,
} from "./quotes.ts";

export type ColumnKey = "symbol" | "bid" | "ask" | "spread" | "change" | "age";

const FLASH_MS = 450;
const ARROWS: Readonly<Record<Move, string>> = { [-1]: "▼", 0: "", 1: "▲" };
const DIRECTIONS: Readonly<Record<Move, string>> = { [-1]: "down", 0: "", 1: "up" };

/** One symbol's row. Texts are written only when they differ. */
export class Row {
  readonly state: SymbolState;
  readonly element = document.createElement("tr");
  readonly button = document.createElement("button");
  readonly #bid = new PriceCell("bid");
  readonly #ask = new PriceCell("ask");
  readonly #spread = cell("spread");
  readonly #change = cell("change");
  readonly #age = cell("age");

  constructor(state: SymbolState, choose: () => void) {
    this.state = state;
    this.element.dataset.symbol = state.symbol;
    const head = document.createElement("th");
    head.scope = "row";
    this.button.type = "button";
    this.button.append(state.symbol);
    head.append(this.button);
    this.element.append(
      head,
      this.#bid.element,
      this.#ask.element,
      this.#spread,
      this.#change,
      this.#age,
    );
    this.element.addEventListener("click", choose);
  }

  setChosen(chosen: boolean): void {
    this.button.ariaPressed = String(chosen);
    this.element.classList.toggle("chosen", chosen);
  }

  write(flash: boolean): void {
    const { quote, digits, bidMove, askMove } = this.state;
    this.#bid.write(quote?.bid, { digits, move: bidMove, flash });
    this.#ask.write(quote?.ask, { digits, move: askMove, flash });
    const spread = spreadOf(this.state), change = changeOf(this.state);
    setText(this.#spread, spread === undefined ? "—" : spread.toFixed(hasPips(this.state) ? 1 : 0));
    this.#spread.classList.toggle("crossed", spread !== undefined && spread < -1e-6);
    setText(this.#change, change === undefined ? "—" : signed(change));
    const rounded = change === undefined ? 0 : Number(change.toFixed(2));
    this.#change.dataset.direction = DIRECTIONS[Math.sign(rounded) as Move];
  }

  writeAge(recorded: boolean): void {
    const seconds = ageSecondsOf(this.state, recorded), closed = closedOf(this.state);
    const age = seconds === undefined ? "—" : formatAge(seconds);
    setText(this.#age, closed === undefined ? age : "closed");
    this.element.classList.toggle("closed", closed !== undefined);
    this.#age.classList.toggle(
      "old",
      closed === undefined && seconds !== undefined && seconds > 60,
    );
    const title = closed === undefined ? "" : untilTitle(closed);
    if (this.#age.title !== title) this.#age.title = title;
  }
}

/** A price in three sizes, as dealers read it: the big figure small, the pips large, the tenth small. */
class PriceCell {
  readonly element: HTMLTableCellElement;
  readonly #figure = document.createTextNode("—");
  readonly #pips = document.createElement("b");
  readonly #tenth = document.createElement("small");
  readonly #arrow = document.createElement("i");
  #text = "";

  constructor(column: "bid" | "ask") {
    this.element = cell(column);
    this.element.textContent = "";
    this.element.append(this.#figure, this.#pips, this.#tenth, this.#arrow);
  }

  write(
    price: number | undefined,
    { digits, move, flash }: { digits: number; move: Move; flash: boolean },
  ): void {
    const text = price === undefined ? "" : price.toFixed(digits);
    if (text === this.#text) return;
    const first = this.#text === "";
    this.#text = text;
    const tenths = digits === 3 || digits === 5 ? 1 : 0;
    const pipsFrom = Math.max(0, text.length - tenths - (digits === 1 ? 4 : 2));
    this.#figure.data = text === "" ? "—" : text.slice(0, pipsFrom);
    this.#pips.textContent = text.slice(pipsFrom, text.length - tenths);
    this.#tenth.textContent = text.slice(text.length - tenths);
    this.#arrow.textContent = ARROWS[move];
    this.element.dataset.direction = DIRECTIONS[move];
    if (flash && !first && move !== 0) this.#flash(move);
  }

  #flash(move: Move): void {
    const colour = getComputedStyle(this.element).getPropertyValue(
      move > 0 ? "--flash-up" : "--flash-down",
    );
    this.element.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], {
      duration: FLASH_MS,
      easing: "ease-out",
    });
  }
}

function cell(column: ColumnKey): HTMLTableCellElement {
  const element = document.createElement("td");
  element.dataset.column = column;
  element.textContent = "—";
  return element;
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function signed(percent: number): string {
  const text = percent.toFixed(2);
  if (Number(text) === 0) return "0.00";
  return `${percent > 0 ? "+" : "−"}${text.replace("-", "")}`;
}

function formatAge(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
