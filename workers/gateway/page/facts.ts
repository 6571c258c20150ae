import { isFields } from "./messages.ts";

/** What the gateway says of itself, once: the symbols there are and what kind of data they carry. */
export interface Facts {
  readonly symbols: readonly string[];
  /** `raw`, `replay` or `simulated`; empty while nothing was captured. */
  readonly kind: string;
}

/** @throws Error when the gateway cannot be reached or answers with a problem. */
export async function loadFacts(): Promise<Facts> {
  const response = await fetch("/symbols");
  if (!response.ok) {
    throw new Error(`Cannot load /symbols: current status is ${response.status}`);
  }
  const body: unknown = await response.json();
  const rows = isFields(body) ? body.symbols : body;
  const known: readonly unknown[] = Array.isArray(rows) ? rows : [];
  return {
    symbols: known.map((row) => textOf(row, "symbol")).filter((symbol) => symbol !== ""),
    kind: kindOf(known.map((row) => textOf(row, "feed")).find((feed) => feed !== "")),
  };
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
