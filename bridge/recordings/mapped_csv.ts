import { z } from "zod";
import { parseServerZone } from "../../lib/time/server_zone.ts";
import type { ServerZone } from "../../lib/bridge/feed.ts";
import type { Fields } from "./fields.ts";
import type { LineFormat } from "./text_lines.ts";
import { noQuote } from "./text_lines.ts";

const column = z.union([z.string().min(1), z.number().int().min(0)]);

/** What a mapping file says: see README.md of this folder for an example. */
const mappingSchema = z.strictObject({
  separator: z.string().length(1).default(","),
  /** Lines before the data; with names as columns the last of them holds the names. */
  headerLines: z.number().int().min(0).default(1),
  /** Column names, or positions from 0. */
  columns: z.strictObject({
    time: column,
    bid: column,
    ask: column,
    last: column.optional(),
    volume: column.optional(),
    flags: column.optional(),
  }),
  timeUnit: z.enum(["s", "ms", "us", "ns", "iso"]),
  zone: z.string().default("UTC"),
});
type Mapping = z.infer<typeof mappingSchema>;

const UNITS_PER_MS = { s: 1 / 1000, ms: 1, us: 1000, ns: 1e6 };
const FLAG_BID = 2, FLAG_ASK = 4;

export interface MappedCsv {
  readonly clock: ServerZone;
  open(): LineFormat;
}

/** @throws TypeError that names the mapping file and what is wrong in it. */
export async function readMapping(path: string): Promise<MappedCsv> {
  try {
    const mapping = mappingSchema.parse(JSON.parse(await Deno.readTextFile(path)));
    return { clock: parseServerZone(mapping.zone), open: () => mappedCsv(mapping) };
  } catch (cause) {
    throw new TypeError(`Cannot read ${path} as a column mapping`, { cause });
  }
}

function mappedCsv(mapping: Mapping): LineFormat {
  let headerLeft = mapping.headerLines;
  const at = positions(mapping, []);
  return {
    separator: mapping.separator,
    readLine(fields, into) {
      if (headerLeft > 0) {
        headerLeft--;
        if (headerLeft > 0) return undefined;
        const names = Array.from({ length: fields.count }, (_, field) => fields.text(field).trim());
        Object.assign(at, positions(mapping, names));
        const missing = [at.time, at.bid, at.ask].includes(-1);
        return missing ? `it lacks a mapped column: ${names.join(", ")}` : undefined;
      }
      const serverMs = timeMs(fields, at.time, mapping.timeUnit);
      if (Number.isNaN(serverMs)) return "its time is none";
      const bid = fields.number(at.bid), ask = fields.number(at.ask);
      const wrong = noQuote(bid, ask);
      if (wrong !== undefined) return wrong;
      const flags = at.flags < 0 ? FLAG_BID | FLAG_ASK : fields.number(at.flags);
      if (!(flags >= 0)) return "its flags are no number";
      const last = at.last < 0 ? NaN : fields.number(at.last);
      const volume = at.volume < 0 ? NaN : fields.number(at.volume);
      into.push(serverMs, bid, ask, flags, last, volume);
      return undefined;
    },
  };
}

type Positions = Record<keyof Mapping["columns"], number>;

function positions({ columns }: Mapping, names: readonly string[]): Positions {
  const of = (column: string | number | undefined) =>
    typeof column === "number" ? column : column === undefined ? -1 : names.indexOf(column);
  return {
    time: of(columns.time),
    bid: of(columns.bid),
    ask: of(columns.ask),
    last: of(columns.last),
    volume: of(columns.volume),
    flags: of(columns.flags),
  };
}

function timeMs(fields: Fields, field: number, unit: Mapping["timeUnit"]): number {
  if (unit !== "iso") return Math.floor(fields.number(field) / UNITS_PER_MS[unit] + 1e-6);
  const text = fields.text(field).trim().replace(" ", "T");
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}
