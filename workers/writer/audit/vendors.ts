import type { BridgeConnection } from "../../../lib/bridge/bridge_connection.ts";
import type { BridgeAddress } from "../../../lib/bridge/bridge_address.ts";
import { connectBridge } from "../../../lib/bridge/client.ts";
import type { ServerZone } from "../../../lib/bridge/feed.ts";
import { presentUtcMs } from "../../../lib/bridge/present.ts";
import type { GridClock } from "../../../lib/time/calendar/market_calendar.ts";
import {
  type ServerClock,
  ServerClockLedger,
  statedClock,
} from "../../../lib/time/server_clock.ts";

/** Who can say what the vendor has; disposing closes its connection. */
export interface Vendor extends AsyncDisposable {
  /** Its one stream is used. */
  readonly connection: BridgeConnection;
  readonly clock: GridClock;
  /** The source's present, UTC ms. */
  readonly nowMs: number;
}

/** There is nothing to compare, or nobody to compare with. */
export class NotPossible extends Error {
  override readonly name = "NotPossible";
}

export interface VendorsOptions {
  readonly bridge: BridgeAddress;
  readonly dataDir: string;
  /** What the operator says of a clock that would be learned. */
  readonly brokerTz: ServerZone | undefined;
  readonly signal: AbortSignal;
}

/** A present is asked for again after this; to a day that has long been over it makes no difference. */
const PRESENT_FOR_MS = 60_000;

/** The vendors behind a bridge, each over a session that others use meanwhile too. */
export class Vendors {
  readonly #options: VendorsOptions;
  readonly #presents = new Map<string, { readonly nowMs: number; readonly untilMs: number }>();

  constructor(options: VendorsOptions) {
    this.#options = options;
  }

  /** @throws BridgeError while the bridge is away, or none of its sessions is connected. */
  async check(): Promise<void> {
    const { bridge, signal } = this.#options;
    await closed(await connectBridge({ ...bridge, session: "*", signal }));
  }

  /**
   * Connects to the vendor of a feed, `vendor:server:raw name`.
   * @throws BridgeError where the bridge or the session is away; NotPossible where the symbol is not
   * offered any more, or the server's clock is not known.
   */
  async of(feed: string, symbol: string): Promise<Vendor> {
    const { bridge, signal } = this.#options;
    const source = feed.split(":").slice(0, 2).join(":");
    const connection = await connectBridge({ ...bridge, session: `*:${source}`, signal });
    try {
      const offered = (await connection.symbols()).find((known) => known.symbol === symbol);
      if (offered === undefined || `${connection.source.name}:${offered.rawName}` !== feed) {
        throw new NotPossible(`Cannot audit ${symbol}: ${source} does not offer ${feed} any more`);
      }
      const clock = await this.#clockOf(connection);
      const nowMs = await this.#presentOf(connection, { symbol, clock });
      return { connection, clock, nowMs, [Symbol.asyncDispose]: () => closed(connection) };
    } catch (cause) {
      await closed(connection);
      throw cause;
    }
  }

  /** As the source states it, else as the ledger has learned it; never guessed, and never learned here. */
  async #clockOf({ source: { name: server, clock } }: BridgeConnection): Promise<ServerClock> {
    if (clock !== "learned") return statedClock(clock);
    const { dataDir, brokerTz: override } = this.#options;
    const ledger = await ServerClockLedger.open({ dataDir, server, override });
    const known = ledger.clock();
    if (known !== undefined) return known;
    throw new NotPossible(`Cannot audit days of ${server}: ${ledger.verdict().message}`);
  }

  async #presentOf(
    connection: BridgeConnection,
    { symbol, clock }: { symbol: string; clock: GridClock },
  ): Promise<number> {
    const { name } = connection.source, known = this.#presents.get(name);
    if (known !== undefined && performance.now() < known.untilMs) return known.nowMs;
    const { signal } = this.#options;
    const nowMs = await presentUtcMs(connection, { symbol, clock, signal });
    this.#presents.set(name, { nowMs, untilMs: performance.now() + PRESENT_FOR_MS });
    return nowMs;
  }
}

async function closed(connection: BridgeConnection): Promise<void> {
  await connection[Symbol.asyncDispose]();
}
