import { z } from "zod";
import { isSymbol } from "../../lib/market/symbol.ts";
import { parseId, type TickId } from "../../lib/market/tick_id.ts";
import type { Problem } from "./problem.ts";

/** The query of `GET /ticks/{symbol}`, parsed once at the door. */
export interface TickQuery {
  readonly symbol: string;
  /** UTC ms, inclusive. */
  readonly fromMs: number;
  /** UTC ms, exclusive. */
  readonly toMs: number;
  /** Only ticks after this id. */
  readonly after: TickId | undefined;
  readonly limit: number;
  readonly format: "json" | "csv";
}

export interface QueryLimits {
  readonly maxTicks: number;
  /** Ticks of an answer when the query names no limit. */
  readonly defaultTicks: number;
}

const MAX_UTC_MS = 8_640_000_000_000_000;

/** ISO 8601 with its zone, a UTC date, or epoch ms. */
const utcMs = z.string().transform((text, context) => {
  const ms = /^\d{1,16}$/.test(text) ? Number(text) : isoMs(text);
  if (ms >= 0 && ms <= MAX_UTC_MS) return ms;
  context.addIssue("expected an ISO 8601 time with its zone, a date, or epoch milliseconds");
  return z.NEVER;
});

const tickId = z.string().transform((text, context) => {
  try {
    return parseId(text);
  } catch {
    context.addIssue("expected a tick id, <ms>-<n>");
    return z.NEVER;
  }
});

/** @returns the query, or what is wrong with the first field that is. */
export function parseTickQuery(
  symbol: string,
  texts: Readonly<Record<string, string>>,
  { maxTicks, defaultTicks }: QueryLimits,
): TickQuery | Problem {
  if (!isSymbol(symbol)) {
    return { status: 400, title: "Cannot read a symbol", field: "symbol", value: symbol };
  }
  const schema = z.strictObject({
    from: utcMs.default(0),
    to: utcMs.default(MAX_UTC_MS),
    after: tickId.optional(),
    limit: z.string().regex(/^\d{1,9}$/, "expected a whole number").transform(Number)
      .pipe(z.number().min(1).max(maxTicks)).default(Math.min(defaultTicks, maxTicks)),
    format: z.enum(["json", "csv"]).default("json"),
  });
  const parsed = schema.safeParse(texts);
  if (!parsed.success) return problemOf(parsed.error, texts);
  const { from, to, after, limit, format } = parsed.data;
  if (from > to) {
    return {
      status: 400,
      title: "Cannot read a range that ends before it begins",
      field: "to",
      value: texts.to ?? "",
    };
  }
  return { symbol, fromMs: from, toMs: to, after, limit, format };
}

function problemOf(error: z.ZodError, texts: Readonly<Record<string, string>>): Problem {
  const issue = error.issues[0];
  const field = issue?.code === "unrecognized_keys" ? issue.keys[0] : issue?.path[0];
  const name = String(field ?? "query");
  return {
    status: 400,
    title: `Cannot read the query: ${issue?.message ?? "not valid"}`,
    field: name,
    value: texts[name] ?? "",
  };
}

function isoMs(text: string): number {
  const iso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
  return iso.test(text) ? Date.parse(text) : NaN;
}
