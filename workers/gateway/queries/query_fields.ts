import { z } from "zod";
import { parseId } from "../../../lib/market/tick_id.ts";
import { isSymbol } from "../../../lib/market/symbol.ts";
import type { Problem } from "../problem.ts";

/** The fields that queries share, parsed once at the door. */

export const MAX_UTC_MS = 8_640_000_000_000_000;
export const FORMATS = ["json", "csv", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

/** ISO 8601 with its zone, a UTC date, or epoch ms. */
export const utcMs = z.string().transform((text, context) => {
  const ms = /^\d{1,16}$/.test(text) ? Number(text) : isoMs(text);
  if (ms >= 0 && ms <= MAX_UTC_MS) return ms;
  context.addIssue("expected an ISO 8601 time with its zone, a date, or epoch milliseconds");
  return z.NEVER;
});

export const tickId = z.string().transform((text, context) => {
  try {
    return parseId(text);
  } catch {
    context.addIssue("expected a tick id, <ms>-<n>");
    return z.NEVER;
  }
});

/** What an answer holds at most: bounded in JSON, which is read whole, and only there. */
export interface LimitRange {
  readonly max: number;
  /** Of a JSON answer whose query names no limit. */
  readonly fallback: number;
}

const wholeNumber = z.string().regex(/^[1-9]\d{0,14}$/, "expected a whole number from 1 on")
  .transform(Number);

export const limitText = wholeNumber.optional();

export function limitOf(
  limit: number | undefined,
  { format, range }: { format: Format; range: LimitRange },
): number | Problem {
  if (format !== "json") return limit ?? Infinity;
  if (limit === undefined) return Math.min(range.fallback, range.max);
  if (limit <= range.max) return limit;
  return {
    status: 400,
    title: `Cannot answer with more than ${range.max} rows of JSON; csv and parquet have no limit`,
    field: "limit",
    value: String(limit),
  };
}

/** The texts as the schema reads them, or what is wrong with the first field that is. */
export function readQuery<T>(
  symbol: string,
  texts: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
): T | Problem {
  if (!isSymbol(symbol)) {
    return { status: 400, title: "Cannot read a symbol", field: "symbol", value: symbol };
  }
  const parsed = schema.safeParse(texts);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.code === "unrecognized_keys" ? issue.keys[0] : issue?.path[0];
  const name = String(field ?? "query");
  return {
    status: 400,
    title: `Cannot read the query: ${issue?.message ?? "not valid"}`,
    field: name,
    value: texts[name] ?? "",
  };
}

export function isProblem(value: object | number): value is Problem {
  return typeof value === "object" && "status" in value && "title" in value;
}

export function endsBeforeItBegins(field: string, value: string | undefined): Problem {
  const title = "Cannot read a range that ends before it begins";
  return { status: 422, title, field, value: value ?? "" };
}

/** The plus of a zone comes as a space when it was not escaped. */
const ISO = /^(\d{4}-\d{2}-(\d{2}))(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[ +-]\d{2}:\d{2}))?$/;

function isoMs(text: string): number {
  const [, date, day] = ISO.exec(text) ?? [];
  // Date.parse takes the 30th of February for the 2nd of March.
  if (date === undefined || new Date(date).getUTCDate() !== Number(day)) return NaN;
  return Date.parse(text.replace(" ", "+"));
}
