import { Hono } from "hono";
import { TICK_HEADER } from "../../lib/capture/tick_row.ts";
import type { TickRow } from "../../lib/capture/tick_row.ts";
import { plainDecimal } from "../../lib/capture/tick_row_encoder.ts";
import { jsonNumber } from "../../lib/log/tick_json.ts";
import { formatId } from "../../lib/market/tick_id.ts";
import { marketIn } from "../../lib/capture/symbol_market.ts";
import { UNIVERSE } from "../../lib/market/universe.ts";
import { type Assets, serveAsset } from "./assets.ts";
import type { GatewayEvents } from "./events.ts";
import { problemResponse } from "./problem.ts";
import { parseTickQuery, type QueryLimits, type TickQuery } from "./queries.ts";
import type { Stream } from "./stream.ts";
import { type History, readHistory } from "./tick_history.ts";

export interface AppOptions {
  readonly stream: Stream;
  readonly history: History;
  readonly events: GatewayEvents;
  readonly limits: QueryLimits;
  readonly assets: Assets;
  /** What the ticks are: raw, replay or simulated. */
  readonly kind: string;
}

type Rows = AsyncGenerator<TickRow[]>;

/** Everything that is asked once and answered: the page, the queries, and what health looks at. */
export function createApp(options: AppOptions): Hono {
  const { stream, history, events, limits, assets, kind } = options;
  const app = new Hono();

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
    return context.json({ kind, symbols: await symbolRows(stream, history.dataDir) });
  });
  app.get("/ticks/:symbol", (context) => {
    const query = parseTickQuery(context.req.param("symbol"), context.req.query(), limits);
    if ("status" in query) return problemResponse(query);
    if (!stream.isKnown(query.symbol)) {
      const title = "Cannot find a symbol in the log or the universe";
      return problemResponse({ status: 404, title, field: "symbol", value: query.symbol });
    }
    return ticksResponse(history, query);
  });
  app.get("*", (context) => {
    return serveAsset(assets, context.req.raw) ?? problemResponse({
      status: 404,
      title: "Cannot find what was asked for",
      field: "path",
      value: context.req.path,
    });
  });
  app.notFound((context) =>
    problemResponse({
      status: 405,
      title: "Cannot take this method",
      field: "method",
      value: context.req.method,
    })
  );
  app.onError((cause) => {
    events.failed("answer a request", cause);
    return problemResponse({ status: 500, title: "Cannot answer: the gateway's log says why" });
  });
  return app;
}

/** Ages in seconds by the gateway's clock; null where there is no tick yet. */
function symbolRows(stream: Stream, dataDir: string): Promise<object[]> {
  const names = new Set([...stream.recent.symbols(), ...UNIVERSE.map(({ symbol }) => symbol)]);
  return Promise.all(
    [...names].sort().map(async (symbol) => {
      const newest = stream.recent.newest(symbol);
      const checkpoint = stream.tail.checkpoints.get(symbol);
      const utcMs = newest?.ticks.utcMs(0);
      return {
        symbol,
        market: await marketIn(dataDir, symbol),
        id: newest === undefined ? null : formatId(newest.lastId),
        ts: utcMs === undefined ? null : utcMs / 1000,
        bid: newest === undefined ? null : newest.ticks.bid(0),
        ask: newest === undefined ? null : newest.ticks.ask(0),
        age_seconds: utcMs === undefined ? null : Math.max(0, Date.now() - utcMs) / 1000,
        feed: checkpoint?.feed ?? null,
        feed_state: checkpoint?.ended ? "ended" : stream.feedOf(symbol),
      };
    }),
  );
}

/**
 * Streams the answer. The first rows are read before it begins, so that what fails at once is an
 * error answer. Where to go on is known only at the end: JSON says it in `next_after`, a CSV's reader
 * takes the last row's id.
 */
async function ticksResponse(history: History, query: TickQuery): Promise<Response> {
  const rows = readHistory(history, query);
  const first = await rows.next();
  const text = query.format === "csv" ? csvText(rows, first) : jsonText(rows, first, query);
  const body = ReadableStream.from(text).pipeThrough(new TextEncoderStream());
  const type = query.format === "csv" ? "text/csv; charset=utf-8" : "application/json";
  return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
}

async function* csvText(
  rows: Rows,
  first: IteratorResult<TickRow[], void>,
): AsyncGenerator<string> {
  yield TICK_HEADER;
  for await (const some of startingWith(rows, first)) yield some.map(csvRow).join("");
}

/** `next_after` is the id to go on after; null when the range is over. */
async function* jsonText(
  rows: Rows,
  first: IteratorResult<TickRow[], void>,
  { symbol, limit }: TickQuery,
): AsyncGenerator<string> {
  let count = 0, last: TickRow | undefined;
  yield `{"symbol":${JSON.stringify(symbol)},"ticks":[`;
  for await (const some of startingWith(rows, first)) {
    yield (count > 0 ? "," : "") + some.map(jsonRow).join(",");
    count += some.length;
    last = some.at(-1);
  }
  const next = last !== undefined && count === limit ? `"${formatId(last.id)}"` : "null";
  yield `],"count":${count},"next_after":${next}}`;
}

async function* startingWith(
  rows: Rows,
  first: IteratorResult<TickRow[], void>,
): AsyncGenerator<TickRow[]> {
  try {
    if (first.done) return;
    yield first.value;
    yield* rows;
  } finally {
    await rows.return(undefined);
  }
}

function jsonRow({ id, utcMs, serverMs, bid, ask, last, volume, flags }: TickRow): string {
  return `{"id":"${formatId(id)}","ts":${utcMs / 1000},"ts_broker":${serverMs / 1000},` +
    `"bid":${jsonNumber(bid)},"ask":${jsonNumber(ask)},"last":${jsonNumber(last)},` +
    `"volume":${jsonNumber(volume)},"flags":${flags}}`;
}

/** The row of the day files, so that what is queried can be compared with what is stored. */
function csvRow({ id, utcMs, serverMs, bid, ask, last, volume, flags }: TickRow): string {
  return `${seconds(utcMs)},${seconds(serverMs)},${decimal(bid)},${decimal(ask)},` +
    `${decimal(last)},${decimal(volume)},${flags},${formatId(id)}\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function decimal(value: number): string {
  return Number.isNaN(value) ? "" : plainDecimal(value);
}
