/** A bar of one symbol and timeframe, as the vendor shows it: of bids, in the quote currency. */
export interface Bar {
  /** Its open, UTC ms. */
  readonly utcMs: number;
  /** The same on the server's clock: the vendor's own stamp. */
  readonly serverMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Tick volume: how many ticks made it. */
  readonly volume: number;
}
