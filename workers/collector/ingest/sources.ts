import { BridgeError } from "../../../lib/bridge/bridge_error.ts";
import {
  type BridgeConnection,
  connectBridge,
  type ConnectOptions,
} from "../../../lib/bridge/client.ts";
import type { SourceAccount, SourceKind, SourceSymbol } from "../../../lib/bridge/feed.ts";
import { messageOf } from "../../../lib/program/errors.ts";

/** What the bridge offers of one vendor's server, over all sessions that offer the same. */
export interface OfferedSource {
  /** `vendor:server`. */
  readonly name: string;
  readonly kind: SourceKind;
  /** The session that was asked. */
  readonly session: string;
  /** What to connect to for work that may share. */
  readonly lease: string;
  /** In the order in which they are offered. */
  readonly symbols: readonly SourceSymbol[];
  /** Undefined when the vendor does not say. */
  readonly account: SourceAccount | undefined;
}

export type BridgeOptions = Omit<ConnectOptions, "signal" | "session">;

export interface AskOptions {
  readonly bridge: BridgeOptions;
  readonly signal: AbortSignal;
  /** Hears of a session that cannot be asked; the others are asked all the same. */
  readonly onProblem: (message: string) => void;
}

/**
 * Asks every session of the bridge what it has, one after the other. Sessions of one server with the
 * same symbols are one source; with others, as when a suffix sets them apart, each is its own.
 * @throws BridgeError when none can be asked.
 */
export async function askSources(
  { bridge, signal, onProblem }: AskOptions,
): Promise<OfferedSource[]> {
  const offers: Offer[] = [];
  const names = await sessionNames({ ...bridge, signal });
  let failure: unknown;
  for (const session of names) {
    try {
      await using connection = await connectBridge({ ...bridge, session, signal });
      offers.push(await ask(connection));
    } catch (cause) {
      signal.throwIfAborted();
      failure ??= cause;
      if (names.length > 1) onProblem(`Session ${session} is left out: ${messageOf(cause)}`);
    }
  }
  if (offers.length === 0) throw failure;
  return [...Map.groupBy(offers, ({ name }) => name).values()].flatMap(sourcesOf);
}

type Offer = Omit<OfferedSource, "lease">;

/** @param offers Of sessions at one server. */
function sourcesOf(offers: readonly Offer[]): OfferedSource[] {
  const [first] = offers;
  if (first === undefined) return [];
  const symbolsOf = ({ symbols }: Offer) => symbols.map(({ symbol }) => symbol).sort().join();
  const isOne = offers.every((offer) => symbolsOf(offer) === symbolsOf(first));
  return isOne
    ? [{ ...first, lease: `*:${first.name}` }]
    : offers.map((offer) => ({ ...offer, lease: offer.session }));
}

async function ask(connection: BridgeConnection): Promise<Offer> {
  const { name, kind } = connection.source;
  const symbols = await connection.symbols();
  const account = await connection.account().catch((cause) => {
    if (cause instanceof BridgeError && cause.code === "source_failed") return undefined;
    throw cause;
  });
  return { name, kind, session: connection.session, symbols, account };
}

async function sessionNames(options: ConnectOptions): Promise<string[]> {
  try {
    await using connection = await connectBridge(options);
    return connection.sessions.map(({ name }) => name);
  } catch (cause) {
    // The first session may be down while others serve.
    if (!(cause instanceof BridgeError) || cause.sessions.length === 0) throw cause;
    return cause.sessions.map(({ name }) => name);
  }
}
