import { plainName } from "./plain_name.ts";
import { checksum, fitSymbol, isSymbol } from "./symbol.ts";
import { isTradeable, type VendorFields } from "./vendor_fields.ts";

export interface BrokerSymbol {
  /** The broker's name, as it must be sent back. */
  readonly rawName: string;
  /** What the vendor says of it: whether it can be traded decides who gets a contested name. */
  readonly fields?: VendorFields;
}

export interface StreamName {
  /** The name on the stream; unique in its list, also where case is ignored. */
  readonly symbol: string;
  readonly rawName: string;
  /** The name it would have had if another raw name had not got it: worth a warning. */
  readonly contested?: string;
}

export interface StreamNameOptions {
  /** What sets a session's symbols apart, with its `@`: `@fxcm`. */
  readonly suffix?: string | undefined;
  /** Stream symbol by raw name or by plain name: `{"GOLD": "XAUUSD"}` serves `GOLD` and `GOLD.r`. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
}

/**
 * Names a broker's symbols, in their order, a raw name that comes twice once. Where several have one
 * plain name, it goes to the first by: an alias of its raw name; can be traded; is written like that;
 * is that but for separators; is shorter; comes first in order of code units. The others keep their
 * raw names, made fit, and say `contested`. Who gets what does not depend on the order, nor on what
 * a terminal shows at the moment.
 * @throws TypeError for an alias or suffix that makes no symbol.
 */
export function streamNames<T extends BrokerSymbol>(
  raws: readonly T[],
  { suffix = "", aliases = {} }: StreamNameOptions = {},
): (T & StreamName)[] {
  checkOptions({ suffix, aliases });
  const entries = new Map(raws.map((raw) => [raw.rawName, raw]));
  const maxLength = 64 - suffix.length;
  const byName = new Map<string, Claim[]>();
  for (const entry of entries.values()) {
    const claim = claimOf(entry, { aliases, maxLength });
    const key = claim.name.toLowerCase(), others = byName.get(key);
    if (others === undefined) byName.set(key, [claim]);
    else others.push(claim);
  }
  const names = new Map<string, Omit<StreamName, "rawName">>();
  const losers: Claim[] = [];
  for (const claims of byName.values()) {
    const [first, ...others] = claims.sort(compareClaims);
    if (first !== undefined) names.set(first.rawName, { symbol: first.name + suffix });
    losers.push(...others);
  }
  const taken = new Set(byName.keys());
  for (const { rawName, name } of losers.sort((a, b) => compareText(a.rawName, b.rawName))) {
    const own = freeName(rawName, { taken, maxLength });
    taken.add(own.toLowerCase());
    names.set(rawName, { symbol: own + suffix, contested: name + suffix });
  }
  return [...entries.values()].flatMap((entry) => {
    const name = names.get(entry.rawName);
    return name === undefined ? [] : [{ ...entry, ...name }];
  });
}

interface Claim {
  readonly rawName: string;
  readonly name: string;
  /** Smaller is better, from left to right. */
  readonly ranks: readonly number[];
}

function claimOf(
  { rawName, fields }: BrokerSymbol,
  { aliases, maxLength }: { aliases: Readonly<Record<string, string>>; maxLength: number },
): Claim {
  const plain = plainName(rawName);
  const own = aliasOf(aliases, rawName), alias = own ?? aliasOf(aliases, plain);
  const name = alias ?? (plain.length <= maxLength ? plain : fitSymbol(plain, maxLength));
  const capitals = rawName.replace(/[^A-Za-z0-9]+/g, "").toUpperCase();
  return {
    rawName,
    name,
    ranks: [
      own !== undefined ? 0 : 1,
      fields === undefined || isTradeable(fields) ? 0 : 1,
      rawName === name ? 0 : capitals === name.toUpperCase() ? 1 : 2,
      rawName.length,
    ],
  };
}

function aliasOf(aliases: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

function compareClaims(a: Claim, b: Claim): number {
  for (const [index, rank] of a.ranks.entries()) {
    const difference = rank - (b.ranks[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return compareText(a.rawName, b.rawName);
}

/** By code units: the same on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function freeName(
  rawName: string,
  { taken, maxLength }: { taken: ReadonlySet<string>; maxLength: number },
): string {
  const fit = fitSymbol(rawName, maxLength);
  if (!taken.has(fit.toLowerCase())) return fit;
  for (let salt = 0;; salt++) {
    const mark = `-${checksum(salt === 0 ? rawName : `${rawName}\0${salt}`)}`;
    const marked = fit.slice(0, maxLength - mark.length) + mark;
    if (!taken.has(marked.toLowerCase())) return marked;
  }
}

function checkOptions({ suffix, aliases }: Required<StreamNameOptions>): void {
  if (suffix !== "" && !/^@[A-Za-z0-9_.-]{1,31}$/.test(suffix ?? "")) {
    throw new TypeError(
      `Cannot use a suffix as @ and 1 to 31 letters and digits: current value is ${suffix}`,
    );
  }
  for (const [name, symbol] of Object.entries(aliases ?? {})) {
    if (!isSymbol(symbol) || symbol.includes("@") || symbol.length > 32) {
      throw new TypeError(
        `Cannot use the alias of ${name} as a symbol of 1 to 32 characters without @: ` +
          `current value is ${JSON.stringify(symbol)}`,
      );
    }
  }
}
