import { Hono } from "hono";
import { formatId } from "../../lib/market/tick_id.ts";
import { marketIn } from "../../lib/capture/symbol_market.ts";
import { UNIVERSE } from "../../lib/market/universe.ts";
import { type Assets, serveAsset } from "./assets.ts";
import type { GatewayEvents } from "./events.ts";
import { problemResponse } from "./problem.ts";
import { isOpenAt, nextOpenAfter } from "./queries/calendar_answer.ts";
import { addQueries, type AppEnv, type QueriesOptions, unavailable } from "./queries/routes.ts";

export interface AppOptions extends QueriesOptions {
  readonly events: GatewayEvents;
  readonly assets: Assets;
  /** What the ticks are: raw, replay or simulated. */
  readonly kind: string;
}

/** Everything that is asked once and answered: the page, the queries, and what health looks at. */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const { stream, events, assets, kind } = options;
  const app = new Hono<AppEnv>();

  app.use(async (context, next) => {
    await next();
    context.header("x-content-type-options", "nosniff");
  });
  app.get("/livez", (context) => context.text("ok\n"));
  app.get("/readyz", (context) => {
    if (stream.tail.available && stream.tail.epoch !== undefined) return context.text("ready\n");
    const title = stream.tail.available
      ? "Cannot serve ticks: there is no tick log yet"
      : "Cannot serve ticks: the tick log cannot be reached";
    return problemResponse({ status: 503, title });
  });
  app.get("/symbols", async (context) => {
    return context.json({ kind, symbols: await symbolRows(options) });
  });
  addQueries(app, options);
  app.get("*", (context) => {
    return serveAsset(assets, context.req.raw) ?? problemResponse({
      status: 404,
      title: "Cannot find what was asked for",
      field: "path",
      value: context.req.path,
    });
  });
  app.notFound(({ req: { method: value } }) => {
    const title = "Cannot take this method";
    return problemResponse({ status: 405, title, field: "method", value }, { allow: "GET, HEAD" });
  });
  app.onError((cause) => {
    const problem = unavailable(cause);
    if (problem !== undefined) return problemResponse(problem);
    events.failed("answer a request", cause);
    return problemResponse({ status: 500, title: "Cannot answer: the gateway's log says why" });
  });
  return app;
}

/**
 * Ages in seconds by the gateway's clock, null where there is no tick yet; the market's hours as
 * `GET /calendar` says them, null past the calendar's horizon.
 */
function symbolRows({ stream, history, calendars }: AppOptions): Promise<object[]> {
  const nowMs = Date.now();
  const names = new Set([...stream.recent.symbols(), ...UNIVERSE.map(({ symbol }) => symbol)]);
  return Promise.all(
    [...names].sort().map(async (symbol) => {
      const newest = stream.recent.newest(symbol);
      const checkpoint = stream.tail.checkpoints.get(symbol);
      const utcMs = newest?.ticks.utcMs(0);
      return {
        symbol,
        market: await marketIn(history.dataDir, symbol),
        id: newest === undefined ? null : formatId(newest.lastId),
        ts: utcMs === undefined ? null : utcMs / 1000,
        bid: newest === undefined ? null : newest.ticks.bid(0),
        ask: newest === undefined ? null : newest.ticks.ask(0),
        age_seconds: utcMs === undefined ? null : Math.max(0, nowMs - utcMs) / 1000,
        market_open: isOpenAt(calendars.calendarOf(symbol), nowMs),
        next_open: nextOpenAfter(calendars.calendarOf(symbol), nowMs),
        feed: checkpoint?.feed ?? null,
        feed_state: checkpoint?.ended ? "ended" : stream.feedOf(symbol),
      };
    }),
  );
}
