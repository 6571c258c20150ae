import { type ExchangeData, exchangeLine, knownRange } from "./exchange_data.ts";
import cmes from "./exchanges/cmes.json" with { type: "json" };
import xams from "./exchanges/xams.json" with { type: "json" };
import xasx from "./exchanges/xasx.json" with { type: "json" };
import xbom from "./exchanges/xbom.json" with { type: "json" };
import xbru from "./exchanges/xbru.json" with { type: "json" };
import xetr from "./exchanges/xetr.json" with { type: "json" };
import xfra from "./exchanges/xfra.json" with { type: "json" };
import xhkg from "./exchanges/xhkg.json" with { type: "json" };
import xkrx from "./exchanges/xkrx.json" with { type: "json" };
import xlon from "./exchanges/xlon.json" with { type: "json" };
import xmad from "./exchanges/xmad.json" with { type: "json" };
import xmex from "./exchanges/xmex.json" with { type: "json" };
import xmil from "./exchanges/xmil.json" with { type: "json" };
import xnys from "./exchanges/xnys.json" with { type: "json" };
import xnze from "./exchanges/xnze.json" with { type: "json" };
import xpar from "./exchanges/xpar.json" with { type: "json" };
import xses from "./exchanges/xses.json" with { type: "json" };
import xshg from "./exchanges/xshg.json" with { type: "json" };
import xsto from "./exchanges/xsto.json" with { type: "json" };
import xswx from "./exchanges/xswx.json" with { type: "json" };
import xtai from "./exchanges/xtai.json" with { type: "json" };
import xtks from "./exchanges/xtks.json" with { type: "json" };
import xtse from "./exchanges/xtse.json" with { type: "json" };
import type { MarketCalendar } from "./market_calendar.ts";
import { SessionCalendar } from "./session_calendar.ts";

/** Imported, not read: a worker needs no permission for it and `deno compile` carries it along. */
const DATA: Readonly<Record<string, ExchangeData>> = {
  ...{
    CMES: cmes,
    XAMS: xams,
    XASX: xasx,
    XBOM: xbom,
    XBRU: xbru,
    XETR: xetr,
    XFRA: xfra,
    XHKG: xhkg,
    XKRX: xkrx,
    XLON: xlon,
    XMAD: xmad,
    XMEX: xmex,
    XMIL: xmil,
    XNYS: xnys,
    XNZE: xnze,
    XPAR: xpar,
    XSES: xses,
    XSHG: xshg,
    XSTO: xsto,
    XSWX: xswx,
    XTAI: xtai,
    XTKS: xtks,
    XTSE: xtse,
  },
  // One calendar, two names: the package's own alias.
  XNAS: xnys,
};

/** How people write them. */
const ALIASES: Readonly<Record<string, string>> = {
  ...{ NYSE: "XNYS", AMEX: "XNYS", ARCA: "XNYS", NASDAQ: "XNAS", CME: "CMES", GLOBEX: "CMES" },
  ...{ LSE: "XLON", XETRA: "XETR", FWB: "XFRA", FRANKFURT: "XFRA", EURONEXT: "XPAR", SIX: "XSWX" },
  ...{
    JPX: "XTKS",
    TSE: "XTKS",
    HKEX: "XHKG",
    SSE: "XSHG",
    KRX: "XKRX",
    TWSE: "XTAI",
    SGX: "XSES",
  },
  ...{ ASX: "XASX", NZX: "XNZE", TSX: "XTSE", BMV: "XMEX", BME: "XMAD", BSE: "XBOM" },
};

const calendars = new Map<string, MarketCalendar>();

/** The calendar of an exchange by its code or a usual name; undefined for another. */
export function exchange(id: string): MarketCalendar | undefined {
  const code = exchangeCode(id);
  const data = code === undefined ? undefined : DATA[code];
  if (code === undefined || data === undefined) return undefined;
  let calendar = calendars.get(code);
  if (calendar === undefined) {
    const remedy = `${data.source}; lib/time/calendar/exchanges/generate.py --until learns more`;
    calendar = new SessionCalendar(code, exchangeLine(data), { ...knownRange(data), remedy });
    calendars.set(code, calendar);
  }
  return calendar;
}

/** The code that a name means, without making the calendar. */
export function exchangeCode(id: string): string | undefined {
  const name = id.toUpperCase();
  const code = ALIASES[name] ?? name;
  return Object.hasOwn(DATA, code) ? code : undefined;
}

/** The codes, for a message that names the choice. */
export const exchangeIds: readonly string[] = Object.keys(DATA);
