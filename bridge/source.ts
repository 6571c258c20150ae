import type {
  BarRequest,
  ServerZone,
  SourceAccount,
  SourceBar,
  SourceEvent,
  SourceKind,
  SourceSymbol,
  SymbolSpec,
  TickRequest,
} from "../lib/bridge/feed.ts";

/**
 * A source: one vendor connection, or something that behaves like one. The bridge serves it; the
 * collector sees nothing else of a vendor. To add one: implement this, name it in `config.ts`, run
 * `tests/contract/source_suite.ts` on it.
 */
export interface Source extends AsyncDisposable {
  /** `vendor:server`, the first two parts of a symbol's feed name; constant. */
  readonly name: string;
  /** Where its data may live: invented and replayed ticks never meet captured ones. */
  readonly kind: SourceKind;
  /** How its clock relates to UTC: an IANA zone and a shift, or `learned` when only evidence tells. */
  readonly clock: ServerZone | "learned";
  symbols(): Promise<SourceSymbol[]>;
  /** All that the vendor offers, described; may take seconds. */
  specs(): Promise<SymbolSpec[]>;
  account(): Promise<SourceAccount>;
  /**
   * Opens one stream over all the named symbols: first every tick of each from `fromServerMs`
   * (inclusive) in the vendor's history, then the present, with no seam. Within a symbol ticks come
   * in the vendor's order, which may not be the order of time and may differ between two reads.
   * The stream waits while nobody pulls; it never drops. It ends after `ended`, or when the signal
   * aborts, and throws when the vendor fails: the caller opens it again from where it got to.
   */
  stream(requests: readonly TickRequest[], signal: AbortSignal): AsyncIterable<SourceEvent>;
  /** Finished bars with `from <= open < to`, oldest first. */
  bars(request: BarRequest): Promise<SourceBar[]>;
}
