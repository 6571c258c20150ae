import { BridgeError } from "../lib/bridge/bridge_error.ts";
import { FrameSocket } from "../lib/bridge/frame_socket.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";

export interface ServeOptions extends Omit<ConnectionOptions, "onEnded"> {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM texts; without them the socket is plain. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly maxConnections: number;
  /** Return once a stream has been delivered to its end and its collector has left. */
  readonly once?: boolean;
  readonly signal: AbortSignal;
  /** Called once the socket listens. */
  readonly listening: (address: { hostname: string; port: number }) => void;
}

const ACCEPT_PAUSE_MS = 100;
/** A peer that never reads its refusal, or never finishes TLS, is not waited for longer. */
const REFUSAL_MS = 1000;

/**
 * Serves the sessions to collectors until the signal aborts; resolves when every connection has ended.
 * @throws when the socket cannot listen, or would be open to a network without a token.
 */
export async function serveBridge(options: ServeOptions): Promise<void> {
  if (options.token === undefined && !isLoopback(options.hostname)) {
    throw new TypeError(
      `Cannot listen on ${options.hostname} as a bridge without a token: set BRIDGE_TOKEN, or BRIDGE_HOST=127.0.0.1`,
    );
  }
  using listener = listen(options);
  const stop = new AbortController();
  const close = () => {
    stop.abort();
    closeQuietly(listener);
  };
  options.signal.addEventListener("abort", close);
  if (options.signal.aborted) close();
  const { hostname, port } = listener.addr as Deno.NetAddr;
  options.listening({ hostname, port });
  options.events.listening(`${hostname}:${port}`);

  const open = new Set<Promise<void>>();
  while (!stop.signal.aborted) {
    const connection = await accept(listener, options);
    if (connection === undefined) continue;
    const socket = new FrameSocket(connection);
    if (open.size >= options.maxConnections) {
      const served = turnAway(socket, options);
      // Refusals are short, and as many may be under way as there may be connections.
      if (open.size >= 2 * options.maxConnections) socket.close();
      track(open, served);
      continue;
    }
    let ended = false;
    const serving = new Connection(socket, { ...options, onEnded: () => ended = true })
      .serve(stop.signal)
      .then(() => {
        if (ended && options.once) close();
      });
    track(open, serving);
  }
  options.signal.removeEventListener("abort", close);
  await Promise.all(open);
}

function track(open: Set<Promise<void>>, served: Promise<void>): void {
  open.add(served);
  served.finally(() => open.delete(served));
}

async function turnAway(socket: FrameSocket, options: ServeOptions): Promise<void> {
  const error = new BridgeError(
    "too_many_connections",
    `Cannot serve more than ${options.maxConnections} collectors: set BRIDGE_MAX_CONNECTIONS`,
  );
  options.events.refused(error);
  socket.send({ type: "error", code: error.code, message: error.message });
  const late = setTimeout(() => socket.close(), REFUSAL_MS);
  await socket.flushed();
  clearTimeout(late);
  socket.close();
}

function listen({ hostname, port, tls }: ServeOptions): Deno.Listener {
  try {
    return tls === undefined
      ? Deno.listen({ hostname, port })
      : Deno.listenTls({ hostname, port, cert: tls.cert, key: tls.key });
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new Error(
        `Cannot listen on ${hostname} as the bridge: port ${port} is taken; end what uses it or set BRIDGE_PORT`,
        { cause },
      );
    }
    throw cause;
  }
}

async function accept(
  listener: Deno.Listener,
  { events, signal }: ServeOptions,
): Promise<Deno.Conn | undefined> {
  try {
    return await listener.accept();
  } catch (cause) {
    if (cause instanceof Deno.errors.BadResource || signal.aborted) return undefined;
    events.acceptFailed(cause);
    // Out of file descriptors, for one: at once it would only fail again.
    await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
    return undefined;
  }
}

function closeQuietly(listener: Deno.Listener): void {
  try {
    listener.close();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.BadResource)) throw cause;
  }
}

export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d+){3}$/.test(hostname);
}
