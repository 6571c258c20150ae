/**
 * A gateway as the page sees one, as a process of its own that a test may kill: the stream, the
 * history and the page's assets, over a log that is a function of time. Whoever computes it gets the
 * same ticks, so a process that is killed and started again goes on with the same log, and a test
 * knows every id that there is.
 *
 * Run: `deno run -A tests/support/page_gateway.ts <port> <startMs> [epoch]`. `POST /say` sends its
 * body, a message, to all clients.
 */
import { UNIVERSE } from "../../lib/market/universe.ts";
import { compareIds, formatId, parseId, type TickId } from "../../lib/market/tick_id.ts";
import { assets } from "../../workers/gateway/page/assets.ts";

const SYMBOLS = new Map(UNIVERSE.map((entry, index) => [entry.symbol, { ...entry, index }]));
const TURN_MS = 20;
const PAGE_TICKS = 10_000;

interface LogTick {
  readonly id: TickId;
  readonly bid: number;
  readonly ask: number;
}

/** The ticks of a symbol with ids in `(after, untilMs]`, two of them in one millisecond at times. */
export function ticksOf(
  symbol: string,
  { startMs, after, untilMs }: { startMs: number; after: TickId; untilMs: number },
): LogTick[] {
  const entry = SYMBOLS.get(symbol);
  if (entry === undefined) return [];
  const { index, digits } = entry;
  const everyMs = 90 + (index * 37) % 400;
  const ticks: LogTick[] = [];
  const first = Math.max(0, Math.floor((after.ms - startMs) / everyMs));
  for (let k = first; startMs + k * everyMs <= untilMs; k++) {
    const ms = startMs + k * everyMs;
    for (let n = 0; n <= (k % 7 === 0 ? 1 : 0); n++) {
      const id = { ms, n };
      if (compareIds(id, after) > 0) ticks.push({ id, ...priceOf(index, { digits, step: k + n }) });
    }
  }
  return ticks;
}

function priceOf(index: number, { digits, step }: { digits: number; step: number }) {
  const base = digits === 5 ? 0.7 + (index % 9) * 0.13 : digits === 3 ? 24 + index * 3 : 1900;
  const wave = Math.sin(step / 211 + index) * 0.0009 + Math.sin(step / 37 + index * 2) * 0.0003 +
    Math.sin(step * 12.9898 + index) * 0.00004;
  const bid = Number((base * (1 + wave)).toFixed(digits));
  const spread = (6 + (step * 7 + index) % 5) * 10 ** -digits;
  return { bid, ask: Number((bid + spread).toFixed(digits)) };
}

interface Client {
  readonly socket: WebSocket;
  readonly positions: Map<string, TickId>;
  conflateMs: number;
  sentMs: number;
}

function messageOf(type: "tick" | "snapshot", { symbol, tick }: { symbol: string; tick: LogTick }) {
  const { id, bid, ask } = tick;
  return { type, symbol, id: formatId(id), ts: id.ms / 1000, bid, ask, last: null, volume: 0 };
}

function serve(port: number, { startMs, epoch }: { startMs: number; epoch: string }): void {
  const clients = new Set<Client>();

  function take(client: Client, text: string): void {
    const command = JSON.parse(text);
    if (command.action === "ping") return client.socket.send('[{"type":"pong"}]');
    const asked: string[] = [command.symbols].flat();
    const symbols = asked.includes("*") ? [...SYMBOLS.keys()] : asked;
    client.conflateMs = command.conflate_ms ?? 0;
    const messages: object[] = [{ subscribed: asked, epoch }];
    for (const symbol of symbols) {
      const token: string | undefined = command.after?.[symbol];
      const tail = ticksOf(symbol, {
        startMs,
        after: { ms: Date.now() - 2_000, n: 0 },
        untilMs: Date.now(),
      }).at(-1);
      if (token?.startsWith(`${epoch}:`)) {
        client.positions.set(symbol, parseId(token.slice(epoch.length + 1)));
        messages.push({ type: "recovered", symbol, recovered: true, count: 0 });
        continue;
      }
      if (token !== undefined) {
        messages.push({ type: "recovered", symbol, recovered: false, reason: "epoch" });
      }
      if (tail === undefined) continue;
      client.positions.set(symbol, tail.id);
      messages.push(messageOf("snapshot", { symbol, tick: tail }));
    }
    client.socket.send(JSON.stringify(messages));
  }

  function turn(client: Client): void {
    const now = Date.now();
    if (client.socket.readyState !== WebSocket.OPEN) return;
    if (now - client.sentMs < client.conflateMs) return;
    client.sentMs = now;
    const messages: object[] = [];
    for (const [symbol, after] of client.positions) {
      const ticks = ticksOf(symbol, { startMs, after, untilMs: now });
      const last = ticks.at(-1);
      if (last === undefined) continue;
      for (const tick of client.conflateMs > 0 ? [last] : ticks) {
        messages.push(messageOf("tick", { symbol, tick }));
      }
      client.positions.set(symbol, last.id);
    }
    if (messages.length > 0) client.socket.send(JSON.stringify(messages));
  }

  function answerTicks(url: URL): Response {
    const symbol = decodeURIComponent(url.pathname.slice("/ticks/".length));
    const fromMs = Number(url.searchParams.get("from") ?? 0);
    const untilMs = Math.min(Date.now(), Number(url.searchParams.get("to") ?? Infinity) - 1);
    const limit = Number(url.searchParams.get("limit") ?? PAGE_TICKS);
    const before = { ms: fromMs - 1, n: Number.MAX_SAFE_INTEGER };
    const text = url.searchParams.get("after");
    const after = text === null || compareIds(parseId(text), before) < 0 ? before : parseId(text);
    const ticks = ticksOf(symbol, { startMs, after, untilMs }).slice(0, limit);
    return Response.json({
      symbol,
      ticks: ticks.map((tick) => messageOf("tick", { symbol, tick })),
    });
  }

  setInterval(() => clients.forEach(turn), TURN_MS);
  Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => console.log("ready") },
    async (request) => {
      const url = new URL(request.url);
      if (url.pathname === "/ws") {
        const { socket, response } = Deno.upgradeWebSocket(request);
        const client: Client = { socket, positions: new Map(), conflateMs: 0, sentMs: 0 };
        clients.add(client);
        socket.onmessage = ({ data }) => take(client, data);
        socket.onclose = () => clients.delete(client);
        return response;
      }
      if (url.pathname === "/say") {
        const message = await request.json();
        for (const { socket } of clients) socket.send(JSON.stringify([message]));
        return new Response();
      }
      if (url.pathname === "/symbols") {
        const feed = (symbol: string) => `simulated:seed-1:${symbol}`;
        const rows = [...SYMBOLS.keys()].map((symbol) => ({ symbol, feed: feed(symbol) }));
        return Response.json({ symbols: rows });
      }
      if (url.pathname.startsWith("/ticks/")) return answerTicks(url);
      const asset = assets.get(url.pathname);
      if (asset === undefined) return new Response("not found", { status: 404 });
      return new Response(new Blob([asset.body as string]), {
        headers: { "content-type": asset.type, "content-security-policy": "default-src 'self'" },
      });
    },
  );
}

if (import.meta.main) {
  const [port, startMs, epoch = "first"] = Deno.args;
  serve(Number(port), { startMs: Number(startMs), epoch });
}
