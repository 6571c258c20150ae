import type { Ticks } from "../../lib/market/tick.ts";
import type { DriverEnd } from "./driver_error.ts";
import type { DriverMessage } from "./driver_messages.ts";

/** What a driver is given, and what it gives: see `DriverProcess`. */

export interface DriverOptions {
  /** What the messages call it: `mt5`. */
  readonly vendor: string;
  readonly script: URL | string;
  readonly python: { readonly command: string; readonly args: readonly string[] };
  /**
   * The driver's own; they go through the pipe alone. Values with names such as `password`, `pin` or
   * `token` are taken out of all that it says.
   */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * The longest silence of its beats, and wait for it to read; 30,000 by default. While it beats, the
   * next part of an answer may take four times as long.
   */
  readonly callLimitMs?: number | undefined;
  /** How long it may take to log in; 120,000 by default. */
  readonly openLimitMs?: number | undefined;
  /** How long it may take to log out before it is killed; 5,000 by default. */
  readonly closeLimitMs?: number | undefined;
  /** Added to the environment that this process has. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly events: DriverEvents;
  /** Ends the driver as disposing does, also while it opens. */
  readonly signal?: AbortSignal | undefined;
}

/** What a driver's life tells the log. */
export interface DriverEvents {
  /** A line that the driver or the vendor's library wrote to stderr: no secrets, at most 2,000 characters. */
  driverSaid(line: string): void;
  /** More was written to stderr than is logged; at most once a second. */
  driverDropped(bytes: number): void;
}

/** The driver's `opened`: logged in and verified. */
export type DriverOpened = Pick<
  Extract<DriverMessage, { type: "opened" }>,
  "server" | "clock" | "account" | "facts"
>;
export type DriverChecked = Pick<
  Extract<DriverMessage, { type: "checked" }>,
  "account" | "terminal"
>;
export type DriverSymbol = Extract<DriverMessage, { type: "symbols" }>["symbols"][number];
export type DriverPresent = Omit<Extract<DriverMessage, { type: "present" }>, "type">;
export type DriverFeed = Omit<Extract<DriverMessage, { type: "feed" }>, "type">;

/** Called as the driver's frames are read, in their order; must not throw. */
export interface DriverListener {
  present?(present: DriverPresent): void;
  feed?(feed: DriverFeed): void;
  /** The last call: nothing comes after it. */
  ended?(end: DriverEnd): void;
}

export interface PageEnd {
  /** Where the next page begins; null: the present is reached. */
  readonly nextServerMs: number | null;
  /** Nothing was delivered: ask the same again after so long. */
  readonly waitMs: number | undefined;
}

/** Called as the page's frames are read, before any later live frame is; must not throw. */
export interface PageListener {
  ticks(ticks: Ticks): void;
  end?(end: PageEnd): void;
}

export interface DriverBarRequest {
  readonly rawName: string;
  readonly timeframe: string;
  readonly fromServerMs: number;
  readonly toServerMs: number;
}
