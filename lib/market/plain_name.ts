import { isCrypto, isMoney } from "./currency.ts";
import { checksum } from "./symbol.ts";
import { UNIVERSE } from "./universe.ts";

/**
 * Marks of account types and price groups that brokers put behind a name. Single letters count when
 * they are small; `a` and `b`, and every capital, may be a class of shares (`BRK.B`).
 */
const BROKER_SUFFIXES = new Set(
  `bro cash cent ecn fix fx lp micro mini mt5 plus prime pro raw sb spot stand standard std stp
  swapfree vip zero`.split(/\s+/),
);
const SUFFIX_LETTER = /^[c-z]$/;
const SEPARATORS = /[^A-Za-z0-9]+/;
const UNIVERSE_NAMES = new Map(UNIVERSE.map(({ symbol }) => [symbol.toUpperCase(), symbol]));

/**
 * The plain name of a broker's symbol: capitals and digits, without separators and broker suffixes,
 * six letters for a pair (`EUR/USD`, `#EURUSD`, `EURUSDm`, `eurusd.pro` → `EURUSD`), and the names of
 * the universe as they are there (`GDAXIm`). Never empty; the plain name of a plain name is itself.
 */
export function plainName(rawName: string): string {
  const latin = rawName.normalize("NFKD").replace(/\p{M}/gu, "");
  // Without a capital there is nothing to tell a small suffix by.
  const tokens = (/[A-Z]/.test(latin) ? latin : latin.toUpperCase())
    .split(SEPARATORS).filter((token) => token !== "");
  for (;;) {
    const compact = tokens.join(""), capitals = compact.toUpperCase();
    const known = UNIVERSE_NAMES.get(capitals);
    if (known !== undefined) return known;
    if (isPair(compact)) return capitals.slice(0, 6);
    const last = tokens.at(-1);
    // Of a name in another script nothing is left; no pair begins with X and a checksum's digits.
    if (last === undefined) return `X${checksum(rawName).toUpperCase()}`;
    const shorter = withoutSuffix(last);
    if (tokens.length > 1 && isSuffix(last)) tokens.pop();
    else if (shorter !== undefined) tokens[tokens.length - 1] = shorter;
    else return capitals;
  }
}

/** Six letters of two currencies in front; but `BTCUSDT` is a pair of Tether, not of the dollar. */
export function isPair(compact: string): boolean {
  const pair = compact.slice(0, 6).toUpperCase();
  const base = pair.slice(0, 3), quote = pair.slice(3), next = compact[6];
  if (!isMoney(base) || !isMoney(quote) || base === quote) return false;
  return quote !== "USD" || (next !== "T" && !(next === "C" && isCrypto(base)));
}

function isSuffix(token: string): boolean {
  return SUFFIX_LETTER.test(token) || BROKER_SUFFIXES.has(token.toLowerCase());
}

/** `US30m` → `US30`: small letters behind capitals or digits, when they are a suffix. */
function withoutSuffix(token: string): string | undefined {
  const [, name, suffix] = /^(.*[A-Z0-9])([a-z][a-z0-9]*)$/.exec(token) ?? [];
  return suffix !== undefined && isSuffix(suffix) ? name : undefined;
}
