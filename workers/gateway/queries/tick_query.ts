import { z } from "zod";
import { compareIds, NO_TICK, type TickId } from "../../../lib/market/tick_id.ts";
import type { Problem } from "../problem.ts";
import {
  endsBeforeItBegins,
  type Format,
  FORMATS,
  isProblem,
  limitOf,
  type LimitRange,
  limitText,
  MAX_UTC_MS,
  readQuery,
  tickId,
  utcMs,
} from "./query_fields.ts";
import type { TickRange } from "./tick_rows.ts";

/** The query of `GET /ticks/{symbol}`. */
export interface TickQuery extends TickRange {
  /** Infinity when there is none. */
  readonly limit: number;
  readonly format: Format;
}

const schema = z.strictObject({
  from: utcMs.default(0),
  to: utcMs.default(MAX_UTC_MS),
  after: tickId.optional(),
  before: tickId.optional(),
  limit: limitText,
  format: z.enum(FORMATS).default("json"),
});

/** @returns the query, or what is wrong with the first field that is. */
export function parseTickQuery(
  symbol: string,
  texts: Readonly<Record<string, string>>,
  range: LimitRange,
): TickQuery | Problem {
  const read = readQuery(symbol, texts, schema);
  if (isProblem(read)) return read;
  const { from, to, after, before, format } = read;
  if (from > to) return endsBeforeItBegins("to", texts.to);
  if (after !== undefined && before !== undefined && compareIds(after, before) > 0) {
    return endsBeforeItBegins("before", texts.before);
  }
  const limit = limitOf(read.limit, { format, range });
  if (typeof limit !== "number") return limit;
  // No id is before NO_TICK, and Redis takes no negative time.
  const start = from > 0 ? { ms: from - 1, n: Number.MAX_SAFE_INTEGER } : NO_TICK;
  return {
    symbol,
    after: greater(start, after),
    end: lesser({ ms: to, n: 0 }, before),
    limit,
    format,
  };
}

function greater(id: TickId, other: TickId | undefined): TickId {
  return other !== undefined && compareIds(other, id) > 0 ? other : id;
}

function lesser(id: TickId, other: TickId | undefined): TickId {
  return other !== undefined && compareIds(other, id) < 0 ? other : id;
}
