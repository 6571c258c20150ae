import { getRequestListener } from "@hono/node-server";
import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Hono } from "hono";
import { isSymbol } from "../../lib/market/symbol.ts";
import type { GatewayEvents } from "./events.ts";
import { type GuardOptions, isHostAllowed, isOriginAllowed } from "./guard.ts";
import { type Problem, PROBLEM_TYPE, problemBody, writeProblem } from "./problem.ts";
import type { AppEnv } from "./queries/routes.ts";
import type { EventDoor } from "./sse_door.ts";
import type { Farewell } from "./wire.ts";
import type { WebSocketDoor } from "./ws_door.ts";

export interface ServeOptions {
  readonly app: Hono<AppEnv>;
  readonly webSockets: WebSocketDoor;
  readonly eventStreams: EventDoor;
  readonly guard: GuardOptions;
  readonly events: GatewayEvents;
  /** 0 takes a free one. */
  readonly port: number;
  readonly maxClients: number;
}

export interface Serving extends AsyncDisposable {
  readonly url: string;
  /** Takes nothing new, tells every client to come back, and destroys who stays. */
  [Symbol.asyncDispose](): Promise<void>;
}

const LEAVING: Farewell = { code: 1001, reason: "the server is draining: reconnect and resume" };
/** How long clients may take to leave, in ms: longer than a close handshake. */
const LEAVE_MS = 1500;
/** A request's head must arrive within this time, in ms. */
const HEAD_MS = 10_000;

/**
 * Listens. One server carries all: WebSockets come as upgrades, event streams are written to their
 * sockets directly (so that a client that stopped reading is seen and can be destroyed), everything
 * else goes to the app.
 * @throws Error that names the port and its setting when the port cannot be had.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { app, webSockets, eventStreams, guard, events, maxClients } = options;
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const isFull = () => webSockets.count + eventStreams.count >= maxClients;

  const server = createServer((request, response) => {
    const problem = refusalOf(request, guard);
    if (problem !== undefined) {
      events.refused("foreign");
      return writeProblem(response, problem);
    }
    const url = urlOf(request);
    if (url?.pathname !== "/sse" || request.method !== "GET") {
      return void answer(request, response);
    }
    if (isFull()) return refuseFull(response, events);
    eventStreams.enter(request, response, url).catch((cause) => {
      events.failed("open an event stream", cause);
      response.destroy();
    });
  });
  server.headersTimeout = HEAD_MS;
  server.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    // An upgrade of node:http on TCP always brings its socket.
    const socket = duplex as Socket;
    socket.on("error", () => socket.destroy());
    const problem = refusalOf(request, guard) ?? wrongPath(request);
    if (problem !== undefined) {
      events.refused(problem.status === 403 ? "foreign" : "unknown_path");
      return refuseUpgrade(socket, problem);
    }
    webSockets.enter(request, { socket, head, symbol: symbolOf(request), full: isFull() });
  });

  const url = await listen(server, options);
  return { url, [Symbol.asyncDispose]: () => close(server, options) };
}

async function listen(server: Server, { guard, port }: ServeOptions): Promise<string> {
  const host = guard.bindHost;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: Error & { code?: string }) => {
      const why = cause.code === "EADDRINUSE"
        ? `another program uses port ${port}; set GATEWAY_PORT to another one, or to 0 for a free one`
        : "see BIND_HOST and GATEWAY_PORT";
      reject(new Error(`Cannot listen as gateway on ${host}:${port}: ${why}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  // A server that listens on TCP has an address of that kind.
  const address = server.address() as AddressInfo;
  const named = host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${named}:${address.port}/`;
}

async function close(server: Server, { webSockets, eventStreams }: ServeOptions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  webSockets.endAll(LEAVING);
  eventStreams.endAll(LEAVING);
  server.closeIdleConnections();
  const late = setTimeout(() => {
    webSockets.destroyAll();
    eventStreams.destroyAll();
    server.closeAllConnections();
  }, LEAVE_MS);
  await closed;
  clearTimeout(late);
}

function refusalOf(request: IncomingMessage, guard: GuardOptions): Problem | undefined {
  const { host, origin } = request.headers;
  if (!isHostAllowed({ host, origin }, guard)) {
    return {
      status: 403,
      title: "Cannot serve under this name; ALLOWED_HOSTS names further ones",
      field: "host",
      value: host ?? "",
    };
  }
  if (isOriginAllowed({ host, origin }, guard)) return undefined;
  return {
    status: 403,
    title: "Cannot serve pages of this origin; ALLOWED_ORIGINS names further ones",
    field: "origin",
    value: origin ?? "",
  };
}

function wrongPath(request: IncomingMessage): Problem | undefined {
  const path = urlOf(request)?.pathname;
  if (path === "/ws" || path === "/ws/") return undefined;
  const symbol = symbolOf(request);
  if (symbol !== undefined && isSymbol(symbol)) return undefined;
  return {
    status: 404,
    title: "Cannot find a WebSocket here; it is at /ws or /ws/<symbol>",
    field: "path",
    value: path ?? "",
  };
}

/** The symbol in `/ws/<symbol>`. */
function symbolOf(request: IncomingMessage): string | undefined {
  const encoded = /^\/ws\/([^/]+)$/.exec(urlOf(request)?.pathname ?? "")?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function urlOf(request: IncomingMessage): URL | undefined {
  const path = request.url ?? "/";
  return URL.canParse(path, "http://gateway") ? new URL(path, "http://gateway") : undefined;
}

function refuseFull(response: ServerResponse, events: GatewayEvents): void {
  events.refused("too_many_connections");
  response.setHeader("retry-after", "10");
  writeProblem(response, { status: 503, title: "Cannot take more clients: come back later" });
}

function refuseUpgrade(socket: Socket, problem: Problem): void {
  const body = problemBody(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.status === 403 ? "Forbidden" : "Not Found"}\r\n` +
      `content-type: ${PROBLEM_TYPE}\r\nconnection: close\r\n` +
      `content-length: ${new TextEncoder().encode(body).length}\r\n\r\n${body}`,
  );
}
