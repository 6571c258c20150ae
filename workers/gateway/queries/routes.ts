import type { HttpBindings } from "@hono/node-server";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { ticksFolder } from "../../../lib/capture/day_path.ts";
import { marketIn } from "../../../lib/capture/symbol_market.ts";
import { LogUnavailable } from "../../../lib/log/tick_log.ts";
import type { MarketCalendar } from "../../../lib/time/calendar/market_calendar.ts";
import { type Problem, problemResponse } from "../problem.ts";
import type { Stream } from "../stream.ts";
import { barAnswer } from "./bar_answer.ts";
import { parseBarQuery } from "./bar_query.ts";
import { openSeries } from "./bar_series.ts";
import { calendarAnswer, parseCalendarQuery } from "./calendar_answer.ts";
import { isProblem, type LimitRange } from "./query_fields.ts";
import type { Asked, RangeAnswers } from "./range_answers.ts";
import { tickAnswer } from "./tick_answer.ts";
import { parseTickQuery } from "./tick_query.ts";
import type { History } from "./tick_rows.ts";

export interface QueriesOptions {
  readonly stream: Stream;
  readonly history: History;
  readonly answers: RangeAnswers;
  readonly calendars: { calendarOf(symbol: string): MarketCalendar };
  /** How far back bars are made out of ticks. */
  readonly tickBarsHours: number;
  readonly limits: { readonly ticks: LimitRange; readonly bars: LimitRange };
}

/** What the server hands in; nothing where the app is called without one. */
export type AppEnv = { readonly Bindings: Partial<HttpBindings> };

/** What is asked once and answered: ticks and bars of a range, and when a market trades. */
export function addQueries(app: Hono<AppEnv>, options: QueriesOptions): void {
  const { history, answers, calendars, limits } = options;
  for (const path of ["/ticks/:symbol", "/bars/:symbol", "/calendar/:symbol"]) {
    app.use(path, refuseRepeatedField);
  }
  app.get("/ticks/:symbol", async (context) => {
    const query = parseTickQuery(symbolIn(context), context.req.query(), limits.ticks);
    if (isProblem(query)) return problemResponse(query);
    const problem = await unknownSymbol(options, query.symbol);
    if (problem !== undefined) return problemResponse(problem);
    return await answers.respond(tickAnswer(history, query), askedBy(context));
  });
  app.get("/bars/:symbol", async (context) => {
    const query = parseBarQuery(symbolIn(context), context.req.query(), limits.bars);
    if (isProblem(query)) return problemResponse(query);
    const problem = await unknownSymbol(options, query.symbol);
    if (problem !== undefined) return problemResponse(problem);
    const series = await openSeries(history, query, options);
    return await answers.respond(barAnswer(series, query), askedBy(context));
  });
  app.get("/calendar/:symbol", async (context) => {
    const nowMs = Date.now();
    const query = parseCalendarQuery(symbolIn(context), context.req.query(), nowMs);
    if (isProblem(query)) return problemResponse(query);
    const problem = await unknownSymbol(options, query.symbol);
    if (problem !== undefined) return problemResponse(problem);
    const answer = calendarAnswer(calendars.calendarOf(query.symbol), query, nowMs);
    return isProblem(answer) ? problemResponse(answer) : context.json(answer);
  });
}

/** A query that needs the log while it cannot be reached. */
export function unavailable(cause: unknown): Problem | undefined {
  if (!(cause instanceof LogUnavailable)) return undefined;
  return { status: 503, title: "Cannot answer: the tick log cannot be reached" };
}

/** Of `limit=1&limit=2` neither is what was meant. */
const refuseRepeatedField: MiddlewareHandler<AppEnv> = async ({ req }, next) => {
  const repeated = Object.entries(req.queries()).find(([, values]) => values.length > 1);
  if (repeated === undefined) return await next();
  const [field, values] = repeated, title = "Cannot read a field that is given more than once";
  return problemResponse({ status: 400, title, field, value: values.join(", ") });
};

async function unknownSymbol(
  { stream, history: { dataDir } }: QueriesOptions,
  symbol: string,
): Promise<Problem | undefined> {
  if (stream.isKnown(symbol)) return undefined;
  // The log may be a new one, with only the files left of a symbol, or bars may be all there is.
  const ticks = ticksFolder(symbol, await marketIn(dataDir, symbol));
  const bars = ticks.replace(/^ticks/, "ohlcv");
  if (await exists(`${dataDir}/${ticks}`) || await exists(`${dataDir}/${bars}`)) return undefined;
  const title = "Cannot find a symbol in the log, the files or the universe";
  return { status: 404, title, field: "symbol", value: symbol };
}

async function exists(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(folder)).isDirectory;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

function symbolIn(context: Context<AppEnv>): string {
  return context.req.param("symbol") ?? "";
}

function askedBy(context: Context<AppEnv>): Asked {
  const bindings: AppEnv["Bindings"] | undefined = context.env;
  return { method: context.req.method, outgoing: bindings?.outgoing };
}
