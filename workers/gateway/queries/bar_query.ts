import { z } from "zod";
import { parseTimeframe, type Timeframe, TIMEFRAME_LABELS } from "../../../lib/market/timeframe.ts";
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
  utcMs,
} from "./query_fields.ts";

/** The query of `GET /bars/{symbol}`. */
export interface BarQuery {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** Of the bars' opens, UTC ms, inclusive. */
  readonly fromMs: number;
  /** UTC ms, exclusive. */
  readonly toMs: number;
  /** Only what was on the disk by then, UTC ms. */
  readonly asOfMs: number | undefined;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly format: Format;
}

const NO_TIMEFRAME = `expected one of ${TIMEFRAME_LABELS.join(", ")}`;

const schema = z.strictObject({
  tf: z.string(NO_TIMEFRAME).transform((text, context) => {
    const timeframe = parseTimeframe(text);
    if (timeframe !== undefined) return timeframe;
    context.addIssue(NO_TIMEFRAME);
    return z.NEVER;
  }),
  from: utcMs.default(0),
  to: utcMs.default(MAX_UTC_MS),
  as_of: utcMs.optional(),
  limit: limitText,
  format: z.enum(FORMATS).default("json"),
});

/** @returns the query, or what is wrong with the first field that is. */
export function parseBarQuery(
  symbol: string,
  texts: Readonly<Record<string, string>>,
  range: LimitRange,
): BarQuery | Problem {
  const read = readQuery(symbol, texts, schema);
  if (isProblem(read)) return read;
  const { tf: timeframe, from: fromMs, to: toMs, as_of: asOfMs, format } = read;
  if (fromMs > toMs) return endsBeforeItBegins("to", texts.to);
  const limit = limitOf(read.limit, { format, range });
  if (typeof limit !== "number") return limit;
  return { symbol, timeframe, fromMs, toMs, asOfMs, limit, format };
}
