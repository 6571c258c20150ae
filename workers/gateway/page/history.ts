import { compareIds, formatId, type TickId } from "../../../lib/market/tick_id.ts";
import { isFields, type Quote, readQuote } from "./messages.ts";

/** Ticks a request; a page of them is about 1.5 MB of JSON before compression. */
const PAGE_TICKS = 10_000;
/** With the page size the most that one range may bring: more than a chart keeps. */
const MAX_PAGES = 6;

export interface HistoryRange {
  readonly symbol: string;
  /** Ids from this UTC ms on. */
  readonly fromMs: number;
  /** Ids up to and including this one. */
  readonly toId: TickId;
}

/**
 * The log's ticks of a range, page by page and oldest first, each page given to `take`. Resolves to
 * whether the whole range was read.
 * @throws Error when the gateway cannot be reached or answers with a problem.
 */
export async function loadHistory(
  range: HistoryRange,
  { take, signal }: { take(quotes: readonly Quote[]): void; signal: AbortSignal },
): Promise<boolean> {
  let after: TickId | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const quotes = await loadPage(range, { after, signal });
    take(quotes.filter(({ id }) => compareIds(id, range.toId) <= 0));
    after = quotes.at(-1)?.id;
    if (after === undefined || quotes.length < PAGE_TICKS) return true;
    if (compareIds(after, range.toId) >= 0) return true;
  }
  return false;
}

async function loadPage(
  { symbol, fromMs, toId }: HistoryRange,
  { after, signal }: { after: TickId | undefined; signal: AbortSignal },
): Promise<Quote[]> {
  const query = new URLSearchParams({
    from: String(fromMs),
    to: String(toId.ms + 1),
    limit: String(PAGE_TICKS),
    ...(after === undefined ? {} : { after: formatId(after) }),
  });
  const path = `/ticks/${encodeURIComponent(symbol)}?${query}`;
  const response = await fetch(path, { signal });
  if (!response.ok) {
    throw new Error(`Cannot load ${path}: current status is ${response.status}`);
  }
  const body: unknown = await response.json();
  const rows = isFields(body) ? body.ticks : body;
  if (!Array.isArray(rows)) throw new TypeError(`Cannot read ${path} as a list of ticks`);
  const quotes: Quote[] = [];
  for (const row of rows) {
    const quote = isFields(row) ? readQuote(row, symbol) : undefined;
    if (quote !== undefined) quotes.push(quote);
  }
  return quotes;
}
