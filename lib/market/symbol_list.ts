import { z } from "zod";
import { isSymbol } from "./symbol.ts";
import type { VendorFields } from "./vendor_fields.ts";

/** A symbol out of an exported list; `fields` are empty where the list has names alone. */
export interface ListedSymbol {
  readonly rawName: string;
  /** The name on the stream, where the list knows it. */
  readonly symbol?: string;
  readonly fields: VendorFields;
}

export interface SymbolList {
  /** `vendor:server`, where the list says it. */
  readonly source?: string;
  readonly symbols: readonly ListedSymbol[];
}

const table = z.record(z.string(), z.unknown());
/** An array, or an object whose `symbols` are one, or are keyed by name. */
const list = z.union([
  z.array(z.unknown()).transform((symbols) => ({ symbols, source: undefined })),
  z.object({
    source: z.string().min(1).optional(),
    symbols: z.union([
      z.array(z.unknown()),
      z.record(z.string(), table).transform((byName) =>
        Object.entries(byName).map(([name, fields]): unknown => ({ name, ...fields }))
      ),
    ]),
  }),
]);
const NAMES = ["symbol_raw", "name", "symbol", "instrument"];
/** What the universe takes over as numbers, so that a wrong one is found here and named. */
const NUMBERS =
  `digits point tick_size trade_contract_size contract_size contract_multiplier volume_min volume_max
  volume_step spread`.split(/\s+/);

/**
 * Reads an exported list: names; objects as `symbols_get` of MetaTrader gives them or a ForexConnect
 * offer (the name is in `name`, `symbol` or `instrument`); the raw snapshot or the universe that
 * discovery wrote.
 * @throws TypeError that names the entry and what is wrong with it.
 */
export function readSymbolList(value: unknown): SymbolList {
  const parsed = list.safeParse(value);
  if (!parsed.success) {
    throw new TypeError(
      "Cannot read the list as an array of symbols or an object with `symbols`: current value is " +
        excerptOf(value),
    );
  }
  const { source, symbols } = parsed.data;
  const read = symbols.map(readEntry);
  const seen = new Map<string, number>();
  for (const [index, { rawName }] of read.entries()) {
    const before = seen.get(rawName);
    if (before !== undefined) {
      throw new TypeError(
        `Cannot read entry ${index} as another symbol: current name is ${rawName}, as of entry ${before}`,
      );
    }
    seen.set(rawName, index);
  }
  return { symbols: read, ...source !== undefined && { source } };
}

function readEntry(entry: unknown, index: number): ListedSymbol {
  if (typeof entry === "string" && entry.trim() !== "") return { rawName: entry, fields: {} };
  const fields = table.safeParse(entry).data;
  if (fields === undefined) {
    throw new TypeError(
      `Cannot read entry ${index} as a name or an object: current value is ${excerptOf(entry)}`,
    );
  }
  const key = NAMES.find((name) => fields[name] !== undefined);
  const rawName = key === undefined ? undefined : fields[key];
  if (typeof rawName !== "string" || rawName.trim() === "") {
    throw new TypeError(
      `Cannot read ${key ?? NAMES.slice(1).join(" or ")} of entry ${index} as a symbol's name: ` +
        `current value is ${excerptOf(rawName)}`,
    );
  }
  const symbol = key === "symbol_raw" ? fields.symbol : fields.stream_symbol;
  if (symbol !== undefined && (typeof symbol !== "string" || !isSymbol(symbol))) {
    throw new TypeError(
      `Cannot read the stream name of ${rawName} as a symbol: current value is ${
        excerptOf(symbol)
      }`,
    );
  }
  return {
    rawName,
    ...symbol !== undefined && { symbol },
    fields: withNumbers(rawName, scalarsOf(fieldsOf(fields, key))),
  };
}

/** Of a universe's entry the vendor's own fields, of a snapshot's entry all but what was added. */
function fieldsOf(
  fields: Readonly<Record<string, unknown>>,
  key: string | undefined,
): Readonly<Record<string, unknown>> {
  const raw = key === "symbol_raw" ? table.safeParse(fields.raw).data : undefined;
  const { stream_symbol: _, ...rest } = raw ?? fields;
  return rest;
}

/** Lists and objects within a field are kept as their JSON text. */
function scalarsOf(fields: Readonly<Record<string, unknown>>): VendorFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const scalar = typeof value === "string" || typeof value === "number" ||
        typeof value === "boolean" || value === null;
      return [name, scalar ? value : JSON.stringify(value)];
    }),
  );
}

/** Spreadsheets and scripts turn numbers into texts; back again, where they are numbers. */
function withNumbers(rawName: string, fields: VendorFields): VendorFields {
  const numbers: Record<string, number> = {};
  for (const name of NUMBERS) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    const fits = typeof number === "number" && Number.isFinite(number) && number >= 0 &&
      (name !== "digits" || Number.isInteger(number) && number <= 16);
    if (!fits) {
      const want = name === "digits" ? "a whole number from 0 to 16" : "a number from 0 up";
      throw new TypeError(
        `Cannot read ${name} of ${rawName} as ${want}: current value is ${excerptOf(value)}`,
      );
    }
    numbers[name] = number;
  }
  return { ...fields, ...numbers };
}

function excerptOf(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
