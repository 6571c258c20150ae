import type { Closed } from "./hours.ts";
import { isFields } from "./messages.ts";

/** What the gateway says of itself now and then: the symbols there are, and what their data are. */
export interface Facts {
  readonly symbols: readonly SymbolFacts[];
  /** `raw`, `replay` or `simulated`; empty while nothing was captured. */
  readonly kind: string;
}

export interface SymbolFacts {
  readonly symbol: string;
  /** Set while the market is closed, where the data keep its hours: a recording has its own present. */
  readonly closed: Closed | undefined;
}

/** @throws Error when the gateway cannot be reached or answers with a problem. */
export async function loadFacts(): Promise<Facts> {
  const response = await fetch("/symbols");
  if (!response.ok) {
    throw new Error(`Cannot load /symbols: current status is ${response.status}`);
  }
  return readFacts(await response.json());
}

export function readFacts(body: unknown): Facts {
  const rows = isFields(body) ? body.symbols : body;
  const known: readonly unknown[] = Array.isArray(rows) ? rows : [];
  const asked = textOf(body, "kind");
  return {
    symbols: known.map((row) => {
      return { symbol: textOf(row, "symbol"), closed: closedIn(row, asked) };
    }).filter(({ symbol }) => symbol !== ""),
    kind: kindOf(known.map((row) => textOf(row, "feed")).find((feed) => feed !== "")),
  };
}

/** Of an invented market only its ticks' absence tells that it keeps hours. */
function closedIn(row: unknown, kind: string): Closed | undefined {
  if (!isFields(row) || row.market_open !== false) return undefined;
  if (kind === "replay" || (kind === "simulated" && row.ts === null)) return undefined;
  const untilMs = Date.parse(textOf(row, "next_open"));
  return { untilMs: Number.isNaN(untilMs) ? undefined : untilMs };
}

/** A log holds one kind of data only, so any feed, `vendor:server:raw name`, tells it. */
function kindOf(feed: string | undefined): string {
  const vendor = feed?.split(":", 1)[0]?.toLowerCase();
  if (vendor === undefined || vendor === "simulated" || vendor === "replay") return vendor ?? "";
  return "raw";
}

function textOf(row: unknown, field: string): string {
  const value = isFields(row) ? row[field] : undefined;
  return typeof value === "string" ? value : "";
}
