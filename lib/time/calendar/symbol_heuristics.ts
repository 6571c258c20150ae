import { isCrypto } from "../../market/currency.ts";
import { isPair } from "../../market/plain_name.ts";

/**
 * The calendar of a symbol that no map names, by its plain name in capitals. A guess: it may only
 * keep a market open for too long, except where the hours of a name are known.
 */
export function calendarByName(name: string): string {
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  if (BREAKS_DAILY.test(name)) return "FX-METALS";
  if (isPair(name) && (isCrypto(name.slice(0, 3)) || isCrypto(name.slice(3, 6)))) return "24-7";
  if (/^[A-Z]{1,5}$/.test(name)) return "NYSE";
  return "FX";
}

/**
 * Names that look like others. Of the universe's indices MAYM is the Dow's, which trades as the CME does; GDAXIm is Frankfurt's
 * and CHINAH Hong Kong's. Of MXSHAR the name does not say where its shares trade.
 */
const BY_NAME: Readonly<Record<string, string>> = {
  ...{ GDAXIM: "XFRA", CHINAH: "XHKG", MAYM: "FX-METALS", MXSHAR: "FX" },
  // Five letters, but no shares: oils. Brent keeps hours of its own at each broker.
  ...{ USOIL: "FX-METALS", UKOIL: "FX", BRENT: "FX" },
};

/** What closes from 17:00 to 18:00 in New York as the CME does, and brokers' usual names of it. */
const BREAKS_DAILY =
  /^(XAU|XAG|XPD|XPT|XCU)[A-Z]{3}|^(US30|US500|SPX500|NAS100|US100|US2000|USTEC|WTICO|NATGAS)/;
