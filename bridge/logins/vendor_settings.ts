import { z } from "zod";
import {
  flag,
  integer,
  type OptionalSetting,
  type Setting,
  type SettingTable,
  text,
} from "../../lib/program/settings.ts";

/**
 * What each vendor's driver is told when it opens, under the names by which its `open` takes them: as
 * variables for the one session of `SOURCE=mt5` and `SOURCE=fxcm`, as fields in SESSIONS_FILE.
 */
export type Vendor = "mt5" | "fxcm";

const mt5 = {
  login: {
    name: "MT5_LOGIN",
    schema: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    fallback: undefined,
    about: "Number of the MetaTrader 5 account; the investor password is enough for it.",
  } as OptionalSetting<number>,
  password: {
    name: "MT5_PASSWORD",
    schema: text,
    fallback: undefined,
    about: "Password of MT5_LOGIN, the investor's for preference: it cannot trade.",
    secret: true,
  } as OptionalSetting<string>,
  server: {
    name: "MT5_SERVER",
    schema: text,
    fallback: undefined,
    about: "The broker's server as the terminal's login window lists it, e.g. MetaQuotes-Demo.",
  } as OptionalSetting<string>,
  terminal: {
    name: "MT5_TERMINAL",
    schema: text,
    fallback: undefined,
    about: "Path of terminal64.exe; without it the package looks for an installed one.",
  } as OptionalSetting<string>,
  portable: {
    name: "MT5_PORTABLE",
    schema: flag,
    fallback: "0",
    about: "Keeps the terminal's data in its own folder; needed for several terminals at once.",
  } satisfies Setting<boolean>,
  timeoutMs: {
    name: "MT5_TIMEOUT_MS",
    schema: integer({ min: 1000, max: 600_000 }),
    fallback: "60000",
    about:
      "How long starting the terminal and logging in may take, in ms; a cold start takes 30 to 60 s.",
  } satisfies Setting<number>,
  pollMs: {
    name: "MT5_POLL_MS",
    schema: integer({ min: 1, max: 10_000 }),
    fallback: "50",
    about: "Pause between two reads of a symbol that moves, in ms.",
  } satisfies Setting<number>,
  maxPollMs: {
    name: "MT5_MAX_POLL_MS",
    schema: integer({ min: 1, max: 60_000 }),
    fallback: "500",
    about: "The longest pause between two reads of a quiet symbol, in ms.",
  } satisfies Setting<number>,
  closedAfterMs: {
    name: "MT5_CLOSED_AFTER_MS",
    schema: integer({ min: 1, max: 3_600_000 }),
    fallback: "180000",
    about:
      "After so long without a tick of any symbol, in ms, the market counts as closed and is read at MT5_CLOSED_POLL_MS.",
  } satisfies Setting<number>,
  closedPollMs: {
    name: "MT5_CLOSED_POLL_MS",
    schema: integer({ min: 1, max: 600_000 }),
    fallback: "5000",
    about: "Pause between two reads of a symbol whose market seems closed, in ms.",
  } satisfies Setting<number>,
  overlapSeconds: {
    name: "MT5_OVERLAP_S",
    schema: integer({ min: 0, max: 3600 }),
    fallback: "2",
    about: "How far back each read begins again, in s; late ticks within it are found.",
  } satisfies Setting<number>,
  pageTicks: {
    name: "MT5_PAGE_TICKS",
    schema: integer({ min: 2, max: 1_000_000 }),
    fallback: "100000",
    about: "Ticks that one call asks for; a second with more is asked for again with more.",
  } satisfies Setting<number>,
  maxPageTicks: {
    name: "MT5_MAX_PAGE_TICKS",
    schema: integer({ min: 2, max: 10_000_000 }),
    fallback: "1600000",
    about: "The most ticks that one call asks for; more in a single second fail by name.",
  } satisfies Setting<number>,
  warmTries: {
    name: "MT5_WARM_TRIES",
    schema: integer({ min: 2, max: 100 }),
    fallback: "6",
    about:
      "Reads of a symbol's cold history until two agree; the terminal loads it in the background.",
  } satisfies Setting<number>,
  warmPauseMs: {
    name: "MT5_WARM_PAUSE_MS",
    schema: integer({ min: 0, max: 60_000 }),
    fallback: "1200",
    about: "Pause between two such reads, in ms.",
  } satisfies Setting<number>,
  healMs: {
    name: "MT5_HEAL_MS",
    schema: integer({ min: 0, max: 3_600_000 }),
    fallback: "60000",
    about: "How long an outage's ticks are looked for in history once it is over, in ms.",
  } satisfies Setting<number>,
};

const fxcm = {
  user: {
    name: "FXCM_USERNAME",
    schema: text,
    fallback: undefined,
    about: "Login of the FXCM account.",
  } as OptionalSetting<string>,
  password: {
    name: "FXCM_PASSWORD",
    schema: text,
    fallback: undefined,
    about: "Password of FXCM_USERNAME.",
    secret: true,
  } as OptionalSetting<string>,
  url: {
    name: "FXCM_HOST_URL",
    schema: z.string().regex(/^https?:\/\//, "expected http://… or https://…"),
    fallback: "https://fxcorporate.com/Hosts.jsp",
    about: "Where the SDK finds FXCM's servers.",
  } satisfies Setting<string>,
  connection: {
    name: "FXCM_CONNECTION",
    schema: z.enum(["Demo", "Real"]),
    fallback: "Demo",
    about: "Demo or Real, as the account is.",
  } as Setting<"Demo" | "Real">,
  sessionId: {
    name: "FXCM_SESSION_ID",
    schema: text,
    fallback: undefined,
    about: "Trading session, for accounts that have several.",
  } as OptionalSetting<string>,
  pin: {
    name: "FXCM_PIN",
    schema: text,
    fallback: undefined,
    about: "PIN, for accounts that have one.",
    secret: true,
  } as OptionalSetting<string>,
  loginTimeoutMs: {
    name: "FXCM_LOGIN_TIMEOUT_MS",
    schema: integer({ min: 1000, max: 600_000 }),
    fallback: "75000",
    about: "How long a login may take, in ms; the SDK waits 30 s for it and 30 s for the tables.",
  } satisfies Setting<number>,
  openPriceMode: {
    name: "FXCM_OPEN_PRICE_MODE",
    schema: z.enum(["FIRST_TICK", "PREVIOUS_CLOSE"]),
    fallback: "FIRST_TICK",
    about: "What a bar's open is; FIRST_TICK is what bars built from ticks have.",
  } as Setting<"FIRST_TICK" | "PREVIOUS_CLOSE">,
  historyTimeoutMs: {
    name: "FXCM_HISTORY_TIMEOUT_MS",
    schema: integer({ min: 1000, max: 600_000 }),
    fallback: "25000",
    about: "How long one read of history may take, in ms; less than DRIVER_CALL_LIMIT_MS.",
  } satisfies Setting<number>,
  tickResolution: {
    name: "FXCM_TICK_RESOLUTION",
    schema: z.enum(["s", "ms"]),
    fallback: "s",
    about: "What tick times are cut to: offers carry whole seconds, and history must agree.",
  } as Setting<"s" | "ms">,
  memoryMinutes: {
    name: "FXCM_MEMORY_MINUTES",
    schema: integer({ min: 1, max: 1440 }),
    fallback: "15",
    about: "How long the driver remembers live ticks, in minutes, to join them to history.",
  } satisfies Setting<number>,
  closedRetryMs: {
    name: "FXCM_CLOSED_RETRY_MS",
    schema: integer({ min: 100, max: 3_600_000 }),
    fallback: "5000",
    about: "How long a vendor that is not ready is left alone, in ms.",
  } satisfies Setting<number>,
  settleMs: {
    name: "FXCM_SETTLE_MS",
    schema: integer({ min: 1, max: 600_000 }),
    fallback: "2000",
    about: "After so long, in ms, the last tick of a second has come, live and in history.",
  } satisfies Setting<number>,
  historyLagMs: {
    name: "FXCM_HISTORY_LAG_MS",
    schema: integer({ min: 1, max: 3_600_000 }),
    fallback: "10000",
    about: "How long history may stay behind the offers before it is taken as it is, in ms.",
  } satisfies Setting<number>,
  maxQueuedOffers: {
    name: "FXCM_MAX_QUEUED_OFFERS",
    schema: integer({ min: 100, max: 10_000_000 }),
    fallback: "100000",
    about:
      "Offers that may wait in the driver; with more, the rest is read from tick history, and the log says so.",
  } satisfies Setting<number>,
};

/** By the names of `open`. */
export const DRIVER_SETTINGS: Readonly<Record<Vendor, SettingTable>> = { mt5, fxcm };

type Prefixed<P extends string, T> = {
  [K in keyof T & string as `${P}${Capitalize<K>}`]: T[K];
};

/** The same for the bridge's own table, where `login` of mt5 is `mt5Login`. */
export const vendorSettings = { ...prefixed("mt5", mt5), ...prefixed("fxcm", fxcm) };

function prefixed<P extends Vendor, T extends SettingTable>(prefix: P, table: T): Prefixed<P, T> {
  const entries = Object.entries(table).map(([key, setting]) => [keyOf(prefix, key), setting]);
  // Object.fromEntries knows no mapped keys; the type says what the line above does.
  return Object.fromEntries(entries) as Prefixed<P, T>;
}

/** What `open` is told by the bridge's settings; what is not set stays out. */
export function openSettings(
  vendor: Vendor,
  set: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(DRIVER_SETTINGS[vendor])
      .map((key) => [key, set[keyOf(vendor, key)]] as const)
      .filter(([, value]) => value !== undefined),
  );
}

function keyOf(vendor: Vendor, key: string): string {
  return `${vendor}${key.slice(0, 1).toUpperCase()}${key.slice(1)}`;
}
